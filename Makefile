# Where the runbooks are read. Set it, then run make generate, which stamps it
# into alerts and dashboard.
RUNBOOK_BASE ?= docs/runbooks.md
export RUNBOOK_BASE

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null)

version = github.com/prometheus/common/version
ldflags = -s -w -X $(version).Version=$(VERSION) -X $(version).Revision=$(REVISION) -X $(version).Branch=$(BRANCH)

staticcheck = go tool -modfile=$(CURDIR)/tools/go.mod staticcheck

alerts = $(wildcard alerts/*.rules.yml alerts/*.test.yml)
stamp  = sed -E 's|(runbook_url: )[^\#]*|\1$(RUNBOOK_BASE)|'

.PHONY: build test format vet generated unit rules generate tools e2e soak bench image deploy-test

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "$(ldflags)" -o rocketchat_import_exporter .

test: format vet generated unit rules

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...
	$(staticcheck) ./...
	cd dashboards && go vet ./... && $(staticcheck) ./...
	cd e2e && go vet ./... && $(staticcheck) ./...

unit:
	go test -race ./...
	cd dashboards && go test -race ./...

# The rules' own tests, where make tools has built what they need.
rules:
	@if test -x e2e/bin/promtool && test -x e2e/bin/amtool; then \
	  set -x; e2e/bin/promtool check rules alerts/*.rules.yml && e2e/bin/promtool test rules alerts/*.test.yml && \
	  e2e/bin/amtool check-config alerts/alertmanager.yml; \
	else echo "The rules were not tested: make tools builds promtool and amtool, which takes minutes."; fi

generate:
	for f in $(alerts); do $(stamp) $$f > $$f.new && mv $$f.new $$f; done
	cd dashboards && go run . -runbook-base "$(RUNBOOK_BASE)" -o rocketchat-import.json

# That what is generated is not stale, and each runbook is there. That of the
# dashboard is a test of its own.
generated:
	@for f in $(alerts); do $(stamp) $$f | diff -u $$f - || { echo "$$f is stale: run make generate"; exit 1; }; done
	@for a in $$(sed -n 's/.*runbook_url: .*#//p' alerts/*.rules.yml); do \
	  grep -iqx "## $$a" docs/runbooks.md || { echo "docs/runbooks.md has no section $$a"; exit 1; }; done

# The real Prometheus and Alertmanager, and their tools. The first build takes
# minutes, later ones are cached.
tools:
	cd e2e && go build -o bin/ tool
	cd e2e/alertmanager && go build -o ../bin/ tool

# Alerts and dashboard on the real programs.
e2e: tools
	cd e2e && go test -race -count=1 -timeout 10m ./...

# 500 workspaces, two replicas of Prometheus, 5 minutes.
soak:
	go run ./internal/soak

# What reading a large selection costs, beside reading the same reply and throwing it away.
bench:
	go test -run '^$$' -bench . -benchmem ./client

image:
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg BRANCH=$(BRANCH) -t rocketchat_import_exporter .

# What is in deploy/, read by what it is made for. Helm is built first, which takes
# minutes once.
deploy-test:
	cd deploy/helm && go tool -n helm
	cd deploy && go vet ./... && go test -race -count=1 ./...
