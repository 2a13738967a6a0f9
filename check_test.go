package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/check"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestCheckTellsOfEachWorkspace(t *testing.T) {
	_, goodURL := workspace(t)
	refusing, refusingURL := workspace(t)
	refusing.Revoke("watcher", rocketchatsim.RunImport)
	file := "--config.file=" + temporary(t, workspacesAt(goodURL, "good")+strings.TrimPrefix(workspacesAt(refusingURL, "refusing"), "workspaces:\n"))

	code, stdout, stderr := execute(t, "check", file)
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr)
	assert.True(t, strings.HasPrefix(stdout, "good ("), stdout)
	assert.Contains(t, stdout, "\n\nrefusing (")
	assert.Contains(t, stdout, "run-import is missing")

	_, stdout, _ = execute(t, "check", "--json", file)
	var results []check.Result
	require.NoError(t, json.Unmarshal([]byte(stdout), &results))
	require.Len(t, results, 2)
	assert.True(t, results[0].OK)
	assert.False(t, results[1].OK)

	code, stdout, _ = execute(t, append(credentials, "check", "--rocketchat.url="+goodURL)...)
	assert.Zero(t, code, stdout)
}
