#!/bin/sh
# Builds dist/*.deb and dist/*.rpm for an architecture: build.sh amd64. "make packages"
# runs it at the root of the repository, and sets LDFLAGS, SHIPPED, NFPM, CREATED and
# what nfpm.yaml reads.
set -eu
export ARCH="$1" SOURCE_DATE_EPOCH="$(date -d "$CREATED" +%s)" CGO_ENABLED=0
stage=dist/stage-$ARCH
rm -rf "$stage"
mkdir -p "$stage/pages"

GOOS=linux GOARCH=$ARCH go build -trimpath -buildvcs=false -ldflags "$LDFLAGS" -o "$stage/rocketchat_import_exporter" .
go build -o "$stage/here" . # runs on this machine, and prints what follows
for shell in bash zsh; do
	"$stage/here" --completion-script-$shell | sed '/./,$!d' > "$stage/completion.$shell"
done
# kingpin's heading holds the version of Go, and its name no description.
{
	printf '.TH ROCKETCHAT_IMPORT_EXPORTER 1\n.SH NAME\n'
	"$stage/here" --help-man | sed '1,/^\.SH "NAME"/d' | sed '1s/$/ \\- Prometheus exporter for data imports into Rocket.Chat/'
	printf '.SH ENVIRONMENT\nEach variable sets a flag. A flag that is given wins.\n'
	"$stage/here" --help | awk '
		match($0, /--(\[no-\])?[a-z][a-z.-]*/) && /^ +(-[a-z], )?--/ {flag = substr($0, RSTART, RLENGTH); sub(/\[no-\]/, "", flag); gsub("-", "\\-", flag)}
		match($0, /\(\$[A-Z_]+\)/) {print ".TP\n\\fB" substr($0, RSTART + 2, RLENGTH - 3) "\\fR\n" flag}'
	printf '.SH FILES\n.TP\n/etc/default/rocketchat_import_exporter, /etc/sysconfig/rocketchat_import_exporter\nVariables of the service: the first on Debian, the second with an rpm.\n'
	printf '.TP\n/etc/rocketchat_import_exporter/token\nThe token of the service.\n'
	printf '.SH SEE ALSO\n/usr/share/doc/rocketchat-import-exporter/README.md\n'
} | gzip -9n > "$stage/rocketchat_import_exporter.1.gz"
cp -r --parents $SHIPPED "$stage/pages"
packaging/pages.sh "$stage/pages"
rm "$stage"/pages/deploy/*/.*ignore
cp -r packaging/*.sh packaging/lintian-overrides deploy/systemd alerts dashboards "$stage"
touch "$stage/token"
cat > "$stage/changelog.yaml" <<END
- semver: $VERSION-1
  date: $(date -u -d "$CREATED" +%Y-%m-%dT%H:%M:%SZ)
  packager: "$MAINTAINER"
  deb: {urgency: medium, distributions: [unstable]}
  changes: [{note: "Release $VERSION: see CHANGELOG.md beside this file"}]
END
{
	printf 'rocketchat_import_exporter\n\nCopyright 2026 its authors. No licence has been chosen yet.\n'
	printf '\nThe program contains these Go modules, each under the licence in its own source:\n\n'
	go version -m "$stage/rocketchat_import_exporter" | awk '$1 == "dep" {print "  " $2 " " $3}'
} > "$stage/copyright"
{
	cat packaging/nfpm.yaml
	(cd "$stage" && find pages -type f -printf '  - {src: %p, dst: /usr/share/doc/rocketchat-import-exporter/%P, type: doc}\n' | sort)
} > "$stage/rpm.yaml"
sed 's/, type: doc//' "$stage/rpm.yaml" > "$stage/deb.yaml" # nfpm leaves these out of a .deb
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec touch -d "$CREATED" {} +
for format in deb rpm; do
	(cd "$stage" && $NFPM package -f $format.yaml -p $format -t ..)
done
rm -r "$stage"
