#!/bin/sh
# Fails if a page in a folder links to a file that is not in the folder.
set -eu
for page in "$1"/*.md "$1"/docs/*.md; do
	for link in $(grep -oE '\]\([^)# ]+' "$page" | cut -c3- | grep -v ://); do
		test -e "$(dirname "$page")/$link" || echo "$page links to $link, which is not shipped: see \"shipped\" in the Makefile"
	done
done | { ! grep .; }
