package main

import "embed"

// docs are the Markdown pages. The exporter serves them, so that the links in
// its alerts work wherever it runs.
//
//go:embed README.md docs/*.md
var docs embed.FS
