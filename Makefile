# Where the runbooks are read; stamped into alerts and dashboard by make generate.
RUNBOOK_BASE ?= docs/runbooks.md

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null)

version = github.com/prometheus/common/version
ldflags = -s -w -X $(version).Version=$(VERSION) -X $(version).Revision=$(REVISION) -X $(version).Branch=$(BRANCH)

staticcheck = go tool -modfile=$(CURDIR)/tools/go.mod staticcheck

.PHONY: build test format vet unit bench image

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "$(ldflags)" -o rocketchat_import_exporter .

test: format vet unit

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...
	$(staticcheck) ./...
	cd dashboards && go vet ./... && $(staticcheck) ./...

unit:
	go test -race ./...
	cd dashboards && go test -race ./...

# What reading a large selection costs, beside reading the same reply and throwing it away.
bench:
	go test -run '^$$' -bench . -benchmem ./client

image:
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg BRANCH=$(BRANCH) -t rocketchat_import_exporter .
