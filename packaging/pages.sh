#!/bin/sh
# Prepares the pages in a folder for whoever has no sources: takes out of README what only sources can run, and fails if a
# command of that kind is left, or if a page links to a file that is not in the folder.
set -eu
sed -i -e '/^<!-- sources -->$/,/^<!-- end of sources -->$/d' -e '/^|.*| `\(make\|docker compose\) /d' "$1/README.md"
if grep -nE '(^|[`$] ?)(make|go|docker|docker compose) [a-z.]' "$1/README.md"; then
	echo "README.md has a command that needs the sources: put it between <!-- sources --> and <!-- end of sources -->"
	exit 1
fi
for page in "$1"/*.md "$1"/docs/*.md; do
	for link in $(grep -oE '\]\([^)# ]+' "$page" | cut -c3- | grep -v ://); do
		test -e "$(dirname "$page")/$link" || echo "$page links to $link, which is not shipped: see \"shipped\" in the Makefile"
	done
done | { ! grep .; }
