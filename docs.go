package main

import (
	"embed"
	"io/fs"
)

// docs are the Markdown pages and the files that they link to. The exporter
// serves them, so that the links in its alerts work wherever it runs.
var docs = docsFS{embedded}

//go:embed README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs
//go:embed alerts/alertmanager.yml alerts/rocketchat-import.rules.yml alerts/rocketchat-receiver.yml
//go:embed deploy/kubernetes/values.yaml deploy/kubernetes/ci/everything-values.yaml
//go:embed deploy/kubernetes/files/rocketchat-import.json
var embedded embed.FS

type docsFS struct{ embed.FS }

// Open opens the chart's copy of the dashboard, since the dashboard itself is
// in another Go module, where embed cannot reach it.
func (d docsFS) Open(name string) (fs.File, error) {
	if name == "dashboards/rocketchat-import.json" {
		name = "deploy/kubernetes/files/rocketchat-import.json"
	}
	return d.FS.Open(name)
}
