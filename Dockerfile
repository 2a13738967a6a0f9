# It builds on the machine's own platform, for the one that is asked for. Docker needs BuildKit for
# that: "docker buildx version" prints one.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY *.go VERSION ./
COPY client client
COPY collector collector
COPY docs docs
COPY internal internal
ARG VERSION
ARG REVISION
ARG BRANCH
ARG TARGETARCH
# Without the argument the version is that of the tree.
RUN version=github.com/prometheus/common/version && \
    CGO_ENABLED=0 GOARCH=$TARGETARCH go build -trimpath -o /rocketchat_import_exporter \
    -ldflags "-s -w -X $version.Version=${VERSION:-$(cat VERSION)} -X $version.Revision=$REVISION -X $version.Branch=$BRANCH" .

# Nothing but the binary and the certificates that it trusts.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /rocketchat_import_exporter /rocketchat_import_exporter
# The health check asks this address too, so set the variable rather than the flag.
ENV ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=:10458
USER 65534:65534
EXPOSE 10458
HEALTHCHECK CMD ["/rocketchat_import_exporter", "health"]
ENTRYPOINT ["/rocketchat_import_exporter"]
# What changes with each build comes last, so that the layers above are cached.
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="rocketchat_import_exporter" \
      org.opencontainers.image.description="Prometheus exporter for data imports into Rocket.Chat" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
