# The address of the runbooks. To change it, run "make generate RUNBOOK_BASE=https://…", which
# writes it into the rules and the dashboard.
RUNBOOK_BASE ?= http://localhost:10458/docs/runbooks.md
export RUNBOOK_BASE

VERSION  ?= $(shell cat VERSION)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null)
# The time of the commit, so that a later build of it has the same bytes.
CREATED  ?= $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
# Who maintains the packages, in Debian's form: Name <address>.
MAINTAINER ?= The maintainers of rocketchat_import_exporter <root@localhost>

version = github.com/prometheus/common/version
ldflags = -s -w -X $(version).Version=$(VERSION) -X $(version).Revision=$(REVISION) -X $(version).Branch=$(BRANCH)

DOCKER ?= docker
# Docker's old builder does not know the Dockerfile's platforms.
export DOCKER_BUILDKIT = 1

tool        = go tool -modfile=$(CURDIR)/tools/go.mod

# Where make tools puts the real engines, and where Debian's are.
bin             = test/bin
E2E_DEBIAN_BIN ?= /usr/bin
engines = make tools builds $(bin), in minutes; Debian's packages prometheus and prometheus-alertmanager have promtool and amtool in $(E2E_DEBIAN_BIN).

alerts = $(wildcard alerts/*.rules.yml alerts/*.test.yml)
# What the chart has copies of.
chart_files = alerts/rocketchat-import.rules.yml alerts/alertmanager.yml dashboards/rocketchat-import.json
stamp  = sed -E 's|(runbook_url: )[^\#]*|\1$(RUNBOOK_BASE)|'

platforms = linux-amd64 linux-arm64 linux-armv7 darwin-amd64 darwin-arm64 windows-amd64
architectures = amd64 arm64
archive   = rocketchat_import_exporter-$(VERSION)
# What is in an archive beside the binary.
shipped   = README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md $(wildcard docs/*.md docs/*.png) alerts/rocketchat-import.rules.yml alerts/alertmanager.yml alerts/email-receivers.yml alerts/slack-receivers.yml alerts/rocketchat-receiver.yml dashboards/rocketchat-import.json deploy

# -race for the race detector.
RACE ?=

.PHONY: build test download check format staticcheck spelling generated unit unit-dashboards changed-rules rules size complexity generate tools e2e soak bench image image-test engine-test deploy-test release release-check packages packages-test

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "$(ldflags)" -o rocketchat_import_exporter .

# What to run while you work. Nothing that make check adds is in it. What uses one core at most comes
# last, at the same time.
# What ships is built without C, and only the race detector needs it.
test: export CGO_ENABLED = $(if $(RACE),1,0)
test: format generated
	@$(MAKE) --no-print-directory --jobs=2 spelling download
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory --jobs=2 unit-dashboards changed-rules

# Downloads what the tests need, while the tool for spelling is built.
download:
	@go list -deps -test ./... >/dev/null && cd dashboards && go list -deps -test ./... >/dev/null

# What must pass before a change lands.
check: RACE = -race
check: format spelling generated unit unit-dashboards staticcheck complexity size rules

# RACE=-race runs the tests with the race detector. Some tests wait, so more run at once than there
# are cores. The folder is made before them: Go runs those again that look at a folder above a new one.
unit:
	@mkdir -p $(bin)
	go test $(RACE) -vet=all -p=4 ./...

# These tests read files outside their module, which Go does not see, so they are never taken from
# the cache.
unit-dashboards:
	cd dashboards && go test $(RACE) -vet=all -count=1 ./...

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

# Staticcheck on all modules, and vet on the one that unit leaves out. With the race detector they
# share what the tests have compiled.
staticcheck:
	@staticcheck=$$($(tool) -n staticcheck) && export GOFLAGS=-race && \
	echo "staticcheck ./..." && $$staticcheck ./... && \
	cd dashboards && echo "cd dashboards && staticcheck ./..." && $$staticcheck ./... && \
	cd ../test && echo "cd test && go vet ./... && staticcheck ./..." && go vet -tags image,engine,packages ./... && $$staticcheck -tags image,engine,packages ./...

# Words in code and pages that are misspelled in English. Links are a test.
spelling:
	@$(tool) misspell -error $$(git ls-files '*.go' '*.md' '*.yml' '*.yaml' '*.html' Makefile Dockerfile)

# The files of Go that ship.
ships = go list -deps -f '{{if and .Module .Module.Main}}{{$$d := .Dir}}{{range .GoFiles}}{{$$d}}/{{.}} {{end}}{{end}}' .

# No function that ships is hard to follow. A test checks how long they are.
complexity:
	@$(tool) gocyclo -over 12 $$($(ships)) || { echo "These functions that ship are over 12 in cyclomatic complexity."; exit 1; }

# Lines of Go that ship, and lines that are not tests.
most_ship      = 7550
most_not_tests = 12690
size:
	@ships=$$(cat $$($(ships)) | wc -l) && all=$$(cat $$(git ls-files '*.go' | grep -v '_test\.go$$') | wc -l) && \
	echo "$$ships lines of Go ship (at most $(most_ship)), $$all are not tests (at most $(most_not_tests))." && \
	test $$ships -le $(most_ship) && test $$all -le $(most_not_tests)

# The rules' own tests, unless they passed on the same engines and alerts/ is as it was then.
rules_stamp = $(bin)/rules-passed
changed-rules:
	@now=$$(ls -L $(foreach dir,$(bin) $(E2E_DEBIAN_BIN),$(dir)/promtool $(dir)/amtool) $(bin)/vmalert-tool 2>/dev/null; find alerts -type f | sort | xargs sha256sum) && \
	if test "$$now" = "$$(cat $(rules_stamp) 2>/dev/null)"; then echo "The rules have not changed since their tests passed."; \
	else $(MAKE) --no-print-directory rules QUICK=1 && mkdir -p $(bin) && echo "$$now" > $(rules_stamp); fi

# The rules' own tests on each engine that is there, at each scrape interval unless QUICK=1, and the example configuration of
# Alertmanager without and with the ready receivers. Debian's does not know the one for
# Rocket.Chat. vmalert-tool reads another form.
rules:
	@dir=$$(mktemp -d) && trap 'rm -rf $$dir' EXIT && mkdir $$dir/promtool && cp alerts/*.yml $$dir/promtool && $(if $(QUICK),,go run ./alerts/intervals $$dir/promtool &&) \
	for promtool in $(bin)/promtool $(E2E_DEBIAN_BIN)/promtool; do \
	  if test -x $$promtool; then $$promtool --version | head -1 && $$promtool check rules alerts/*.rules.yml && \
	    $$promtool test rules $$dir/promtool/*.test.yml || exit 1; \
	  else echo "Left out: $$promtool. $(engines)"; fi; done && \
	cp alerts/*.rules.yml $$dir && \
	for f in $$dir/promtool/*.test.yml; do awk -f alerts/vmalert-tool.awk $$f > $$dir/$${f##*/} || exit 1; done && \
	if test -x $(bin)/vmalert-tool; then TMPDIR=$$dir $(bin)/vmalert-tool unittest --disableAlertgroupLabel --files="$$dir/*.test.yml" || exit 1; \
	else echo "Left out: $(bin)/vmalert-tool. $(engines)"; fi && \
	sed -e '/^  - name: chat/,/^$$/d' -e '/^receivers:/r alerts/rocketchat-receiver.yml' alerts/alertmanager.yml > $$dir/rocketchat.yml && \
	for r in email slack; do sed -e '/^  - name: /,/^$$/d' -e "/^receivers:/r alerts/$$r-receivers.yml" alerts/alertmanager.yml > $$dir/$$r.yml && \
	  sed -e '/^  - name: chat/,/^$$/d' -e '/^receivers:/r alerts/rocketchat-receiver.yml' -e 's/# \([a-z]*_configs: \*\)/\1/' $$dir/$$r.yml > $$dir/$$r-rocketchat.yml; done && \
	if test -x $(bin)/amtool; then $(bin)/amtool check-config alerts/alertmanager.yml $$dir/rocketchat.yml $$dir/email*.yml $$dir/slack*.yml || exit 1; \
	else echo "Left out: $(bin)/amtool. $(engines)"; fi && \
	if test -x $(E2E_DEBIAN_BIN)/amtool; then $(E2E_DEBIAN_BIN)/amtool check-config alerts/alertmanager.yml $$dir/email.yml $$dir/slack.yml; \
	else echo "Left out: $(E2E_DEBIAN_BIN)/amtool. $(engines)"; fi

generate:
	for f in $(alerts); do $(stamp) $$f > $$f.new && mv $$f.new $$f; done
	cd dashboards && go run .
	cp $(chart_files) deploy/kubernetes/files/
	go test -run TestThePageOfMetrics -update .

# Fails if a generated file is stale, or if an alert has no runbook. Tests check the dashboard and
# docs/metrics.md.
generated:
	@for f in $(alerts); do $(stamp) $$f | diff -u $$f - || { echo "$$f is stale: run make generate"; exit 1; }; done
	@for f in $(chart_files); do diff -u $$f deploy/kubernetes/files/$${f##*/} || { echo "The chart's copy is stale: run make generate"; exit 1; }; done
	@for a in $$(sed -n 's/.*runbook_url: .*#//p' alerts/*.rules.yml); do \
	  grep -iqx "## $$a" docs/runbooks.md || { echo "docs/runbooks.md has no section $$a"; exit 1; }; done

# The real Prometheus, VictoriaMetrics and Alertmanager, and their tools. The first build takes
# minutes, later ones are cached.
tools:
	cd test && go build -o $(abspath $(bin))/ tool
	cd test/alertmanager && go build -o $(abspath $(bin))/ tool

# Alerts and dashboard on the real programs.
e2e: tools
	cd test && go test -race -count=1 -timeout 10m ./e2e ./situations

# What the exporter costs, beside what people would use instead: all tables of docs/performance.md
# except the last. It measures jq only if that is installed.
bench:
	cd test && go run ./bench

# 500 workspaces, two replicas of Prometheus, 5 minutes: the last table.
soak:
	cd test && go run ./bench soak

# DOCKER=buildah builds it too, and keeps the health check with
# DOCKER_FLAGS="--format docker". DOCKER_FLAGS="--platform linux/arm64" builds it
# for another platform.
image:
	$(DOCKER) build $(DOCKER_FLAGS) --build-arg VERSION="$(VERSION)" --build-arg REVISION="$(REVISION)" \
	  --build-arg BRANCH="$(BRANCH)" --build-arg CREATED="$(CREATED)" \
	  $(if $(SOURCE),--label org.opencontainers.image.source="$(SOURCE)") -t rocketchat_import_exporter .

# The image, built by buildah in a stand-in for its base image, and at work.
image-test:
	@command -v buildah >/dev/null || { echo "image-test needs buildah: apt-get install buildah"; exit 1; }
	@test "$$(id -u)" = 0 || { echo "image-test needs root, for chroot"; exit 1; }
	cd test && go test -tags image -count=1 -timeout 20m -v ./image

# The pages of the container and of Compose, on the Docker engine of DOCKER_HOST. It takes their names
# and ports. A client from 23 on, and Compose, need buildx.
engine-test:
	@if test -z "$$DOCKER_HOST" || ! docker version >/dev/null 2>&1; then echo "Left out: engine-test. No Docker engine answers at DOCKER_HOST."; exit; fi; \
	test "$$(id -u)" = 0 || { echo "engine-test needs root, to give the token to its user"; exit 1; }; \
	test -x /bin/busybox || { echo "engine-test needs busybox: apt-get install busybox-static"; exit 1; }; \
	cd test && CGO_ENABLED=0 go test -tags engine -count=1 -timeout 20m -v ./engine

# What is in deploy/, read by what it is made for. Helm is built first, which takes
# minutes once. DEPLOY_TEST_KUBECONFIG names a cluster for tests, with the operator's
# CRDs, where the chart is installed too.
deploy-test:
	cd tools/helm && go tool -n helm
	cd test && go test -race -count=1 ./deploy

# What a version is released as, in dist/: an archive for each platform, the
# packages, an SBOM and checksums. The same commit, version, branch and Go give the
# same bytes, on any machine with GNU tar.
release:
	rm -rf dist
	$(MAKE) $(platforms:%=dist/$(archive).%.tar.gz) packages
	tar -xzf dist/$(archive).linux-amd64.tar.gz -C dist --strip-components=1 $(archive).linux-amd64/rocketchat_import_exporter
	$(tool) cyclonedx-gomod bin -json -noserial -notimestamp -std -version $(VERSION) -output dist/$(archive).cdx.json dist/rocketchat_import_exporter
	rm dist/rocketchat_import_exporter
	cd dist && sha256sum *.tar.gz *.deb *.rpm *.json > sha256sums.txt && cat sha256sums.txt

dist/$(archive).%.tar.gz:
	@mkdir -p dist/$(archive).$*
	os=$(word 1,$(subst -, ,$*)) arch=$(word 2,$(subst -, ,$*)) && \
	CGO_ENABLED=0 GOOS=$$os GOARCH=$${arch%v7} GOARM=7 go build -trimpath -buildvcs=false -ldflags "$(ldflags)" \
	  -o dist/$(archive).$*/rocketchat_import_exporter$$(test $$os != windows || echo .exe) .
	cp -r --parents $(shipped) dist/$(archive).$*
	packaging/pages.sh dist/$(archive).$*
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --mtime=@0 -C dist -c $(archive).$* | gzip -9n > $@
	rm -r dist/$(archive).$*

# A .deb and an .rpm for each architecture, in dist/.
packages:
	for arch in $(architectures); do LDFLAGS="$(ldflags)" SHIPPED="$(shipped)" NFPM="$(tool) nfpm" CREATED="$(CREATED)" \
	  VERSION="$(VERSION)" MAINTAINER="$(MAINTAINER)" packaging/build.sh $$arch || exit 1; done

# Builds a clone of the same commit in another folder, with an empty cache, and compares the bytes.
release-check: release
	clone=$$(mktemp -d) && trap 'rm -rf $$clone' EXIT && git clone -q . $$clone && \
	GOCACHE=$$clone/.cache $(MAKE) -C $$clone release VERSION=$(VERSION) REVISION=$(REVISION) BRANCH=$(BRANCH) && \
	diff dist/sha256sums.txt $$clone/dist/sha256sums.txt && echo "The same bytes twice."

# The packages, installed, upgraded, removed and purged.
packages-test:
	@test "$$(id -u)" = 0 || { echo "packages-test needs root, for chroot"; exit 1; }
	cd test && go test -tags packages -count=1 -timeout 30m -v ./packages
