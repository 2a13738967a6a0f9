#!/bin/sh
# After an installation or an upgrade. dpkg says "configure" and which version was
# there before, rpm how many versions there are now.
set -e
case "$1" in
configure) before=$2 defaults=/etc/default ;;
1) before= defaults=/etc/sysconfig ;;
2) before=yes ;;
*) exit 0 ;;
esac
start="systemctl enable --now rocketchat_import_exporter"
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	test -z "$before" || systemctl try-restart rocketchat_import_exporter.service
else
	start="(set -a; . $defaults/rocketchat_import_exporter; exec rocketchat_import_exporter --rocketchat.auth-token-file=/etc/rocketchat_import_exporter/token)
     systemd does not run here, so nothing else starts it."
fi
if [ -z "$before" ]; then
	cat <<END
rocketchat_import_exporter is installed. It does not run yet:
  1. Make a user and a token in Rocket.Chat, as /usr/share/doc/rocketchat-import-exporter/README.md says.
  2. Write the URL of your Rocket.Chat and the user id into $defaults/rocketchat_import_exporter
  3. Write the token into /etc/rocketchat_import_exporter/token
  4. Check that it works, as root: rocketchat_import_exporter check
  5. Run: $start
See /usr/share/doc/rocketchat-import-exporter/docs/systemd.md
END
fi
