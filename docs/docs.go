// Package docs has the pages of the documentation. The exporter serves them, so that the links in
// its alerts lead to the runbooks of the version that runs.
package docs

import "embed"

// Files are the pages and their pictures, by name: runbooks.md.
//
//go:embed *.md *.png
var Files embed.FS
