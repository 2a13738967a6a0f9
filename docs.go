package main

import "embed"

// docs are the pages that the exporter serves beside its own, so that the
// links in its alerts lead somewhere wherever it runs.
//
//go:embed README.md docs/*.md
var docs embed.FS
