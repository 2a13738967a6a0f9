#!/bin/sh
# After a removal. Only dpkg can purge, which takes the tokens of other workspaces
# too.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /etc/rocketchat_import_exporter
fi
