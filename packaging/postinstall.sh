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
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	test -z "$before" || systemctl try-restart rocketchat_import_exporter.service
fi
if [ -z "$before" ]; then
	cat <<END
rocketchat_import_exporter is installed. It does not run yet:
  1. Write the URL of your Rocket.Chat and the user id into $defaults/rocketchat_import_exporter
  2. Write the token into /etc/rocketchat_import_exporter/token
  3. Run: systemctl enable --now rocketchat_import_exporter
See /usr/share/doc/rocketchat-import-exporter/docs/systemd.md
END
fi
