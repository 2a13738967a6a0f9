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
	printf '.SH ENVIRONMENT\nEach flag is an environment variable too, which --help shows.\n'
	printf '.SH SEE ALSO\n/usr/share/doc/rocketchat-import-exporter/README.md\n'
} | gzip -9n > "$stage/rocketchat_import_exporter.1.gz"
cp -r --parents $SHIPPED "$stage/pages"
cp -r packaging/*.sh deploy/systemd alerts dashboards "$stage"
touch "$stage/token"
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec touch -d "$CREATED" {} +
for format in deb rpm; do
	(cd "$stage" && $NFPM package -f ../../packaging/nfpm.yaml -p $format -t ..)
done
rm -r "$stage"
