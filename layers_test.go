package main

import (
	"go/build"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLayersKnowNothingToTheirRight keeps the way of a reply one way: socket,
// client, watch, collector, exposition.
func TestLayersKnowNothingToTheirRight(t *testing.T) {
	const module, clientGolang = "rocketchat_import_exporter/", "github.com/prometheus/client_golang"
	for folder, forbidden := range map[string][]string{
		"client":             {clientGolang, module},
		"internal/watch":     {clientGolang, module + "collector", module + "internal/server", module + "internal/page", module + "internal/workspaces", module + "internal/diagnosis"},
		"collector":          {module + "internal/server", module + "internal/page", module + "internal/workspaces", module + "internal/diagnosis"},
		"internal/diagnosis": {clientGolang, module + "collector", module + "internal/server", module + "internal/page", module + "internal/workspaces"},
		"internal/page":      {clientGolang, module + "collector", module + "internal/server", module + "internal/workspaces"},
	} {
		layer, err := build.ImportDir(folder, 0)
		require.NoError(t, err)
		for _, imported := range layer.Imports {
			for _, prefix := range forbidden {
				assert.False(t, strings.HasPrefix(imported, prefix), "%s imports %s", folder, imported)
			}
		}
	}
}
