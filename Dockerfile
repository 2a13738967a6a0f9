FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY *.go README.md ./
COPY client client
COPY collector collector
COPY docs docs
COPY internal internal
ARG VERSION
ARG REVISION
ARG BRANCH
RUN version=github.com/prometheus/common/version && \
    CGO_ENABLED=0 go build -trimpath -o /rocketchat_import_exporter \
    -ldflags "-s -w -X $version.Version=$VERSION -X $version.Revision=$REVISION -X $version.Branch=$BRANCH" .

# Nothing but the binary and the certificates that it trusts. The orchestrator
# checks its health: there is no shell to do so from within.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /rocketchat_import_exporter /rocketchat_import_exporter
USER 65534:65534
EXPOSE 10458
ENTRYPOINT ["/rocketchat_import_exporter"]
