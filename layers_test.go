package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
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

// shipped returns the folders of all packages that the exporter is built from.
func shipped(t *testing.T) (folders []string) {
	t.Helper()
	seen := map[string]bool{}
	var visit func(folder string)
	visit = func(folder string) {
		if seen[folder] {
			return
		}
		seen[folder] = true
		folders = append(folders, folder)
		pkg, err := build.ImportDir(folder, 0)
		require.NoError(t, err)
		for _, imported := range pkg.Imports {
			if inModule, found := strings.CutPrefix(imported, "rocketchat_import_exporter/"); found {
				visit(inModule)
			}
		}
	}
	visit(".")
	require.Greater(t, len(folders), 5)
	return folders
}

func TestEachFunctionThatShipsFitsOnAScreen(t *testing.T) {
	const most = 50 // lines
	files := token.NewFileSet()
	for _, folder := range shipped(t) {
		pkg, err := build.ImportDir(folder, 0)
		require.NoError(t, err)
		for _, name := range pkg.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(folder, name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, declared := range file.Decls {
				if f, ok := declared.(*ast.FuncDecl); ok {
					lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1
					assert.LessOrEqual(t, lines, most, "%s: %s", files.Position(f.Pos()), f.Name)
				}
			}
		}
	}
}
