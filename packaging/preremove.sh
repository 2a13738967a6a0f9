#!/bin/sh
# Before a removal or an upgrade. dpkg says "remove" or "upgrade", rpm how many
# versions will be left. An upgrade leaves the service running.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now rocketchat_import_exporter.service
	fi
	;;
esac
