package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLayersKnowNothingToTheirRight keeps the way of a reply one way: socket,
// client, watch, collector, exposition.
func TestLayersKnowNothingToTheirRight(t *testing.T) {
	const module = "rocketchat_import_exporter/"
	forbidden := map[string][]string{
		"client":         {"github.com/prometheus/client_golang", module},
		"internal/watch": {"github.com/prometheus/client_golang", module + "collector", module + "internal/server", module + "internal/workspaces"},
		"collector":      {module + "internal/server", module + "internal/workspaces"},
	}
	for folder, prefixes := range forbidden {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, imported := range parsed.Imports {
				for _, prefix := range prefixes {
					if strings.HasPrefix(strings.Trim(imported.Path.Value, `"`), prefix) {
						t.Errorf("%s imports %s", file, imported.Path.Value)
					}
				}
			}
		}
	}
}
