// Package rig holds what the tests in this folder share: a workspace, programs, and files.
package rig

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// Who the exporter is to Rocket.Chat. The examples in deploy/ have the same user.
const (
	UserID = "aobEdbYhXfu5hkeqG"
	Token  = "a-token-that-must-not-show"
)

// RocketChat serves a simulated workspace below a path until the test ends.
func RocketChat(t *testing.T, path string, start func(http.Handler) *httptest.Server) *httptest.Server {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{BasePath: path, RateLimit: -1})
	sim.SetUser(UserID, Token, rocketchatsim.RunImport)
	server := start(sim)
	t.Cleanup(server.Close)
	return server
}

// BuildExporter builds the exporter as its own module pins it. The flags are those of go build.
func BuildExporter(t *testing.T, repository string, flags ...string) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", append([]string{"-C", repository}, flags...)...)
	require.NoError(t, err)
	return binary
}

// RunExporter is Run for the exporter. It must end well, and not have logged its token.
func RunExporter(t *testing.T, url string, env []string, binary string, args ...string) *process.Process {
	t.Helper()
	exporter := Run(t, url, env, binary, args...)
	t.Cleanup(func() {
		exporter.Stop()
		assert.NoError(t, exporter.Err())
		assert.NotContains(t, exporter.Output(), Token)
	})
	return exporter
}

// Run starts a program, waits until the URL answers, and ends it with the test.
func Run(t *testing.T, url string, env []string, binary string, args ...string) *process.Process {
	t.Helper()
	name := filepath.Base(binary) + " of " + url
	p, err := process.Start(name, env, binary, args...)
	require.NoError(t, err)
	EndWithTest(t, name, p)
	require.NoError(t, p.AwaitOK(t.Context(), url))
	return p
}

// EndWithTest ends the program with the test, and shows what it wrote if that failed.
func EndWithTest(t *testing.T, name string, p *process.Process) {
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, p.Output())
		}
	})
}

// FreeAddress returns an address where nothing listens.
func FreeAddress(t *testing.T) string {
	t.Helper()
	address, err := process.FreeAddress("127.0.0.1:0")
	require.NoError(t, err)
	return address
}

// Get returns the body of an answer with status 200.
func Get(t require.TestingT, url string) string {
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return string(body)
}

// Output runs a program, which has to succeed, and returns what it prints.
func Output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s%s", cmd, out, &stderr)
	return strings.TrimSpace(string(out))
}

// ReadFile returns the content of a file.
func ReadFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// WriteFile writes a file that anybody may read, and makes the directories above it.
func WriteFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}
