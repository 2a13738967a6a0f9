package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/config"
)

// workspacesAt is the content of a configuration file with workspaces of these names.
func workspacesAt(url string, names ...string) string {
	var file strings.Builder
	file.WriteString("workspaces:\n")
	for _, name := range names {
		file.WriteString("  " + name + ": {url: '" + url + "', user_id: watcher, auth_token: " + secret + "}\n")
	}
	return file.String()
}

func TestExporterServesTheWorkspacesOfAFile(t *testing.T) {
	_, url := workspace(t)
	file := temporary(t, workspacesAt(url, "one"))
	p := start(t, "--config.file="+file, "--web.enable-lifecycle")
	assert.Contains(t, p.get("/probe?target=one"), "\nrocketchat_import_up 1\n")
	metrics := p.get("/metrics")
	assert.Contains(t, metrics, "\nrocketchat_import_exporter_config_last_reload_successful 1\n")
	assert.Contains(t, metrics, "\nrocketchat_import_exporter_config_last_reload_success_timestamp_seconds 1.")
	assert.NotContains(t, metrics, "rocketchat_import_up")

	write(t, file, workspacesAt(url, "one", "two"))
	p.do(http.MethodPost, "/-/reload", http.StatusOK)
	assert.Contains(t, p.get("/sd"), `["two"]`)

	write(t, file, "workspaces:\n")
	p.do(http.MethodPost, "/-/reload", http.StatusInternalServerError)
	assert.Contains(t, p.get("/sd"), `["two"]`)
	assert.Contains(t, p.get("/metrics"), "\nrocketchat_import_exporter_config_last_reload_successful 0\n")
}

func TestAReloadOverHTTPMustBeEnabled(t *testing.T) {
	p := start(t, "--config.file="+temporary(t, workspacesAt("http://localhost:3000", "one")))
	assert.Contains(t, p.do(http.MethodPost, "/-/reload", http.StatusForbidden), "--web.enable-lifecycle")
}

func TestFileIsReadAgain(t *testing.T) {
	for name, interval := range map[string]string{"at a SIGHUP": "0s", "once it has changed": "10ms"} {
		t.Run(name, func(t *testing.T) {
			file := temporary(t, workspacesAt("http://localhost:3000", "one"))
			p := start(t, "--config.file="+file, "--config.auto-reload-interval="+interval)
			write(t, file, workspacesAt("http://localhost:3000", "one", "two"))
			if name == "at a SIGHUP" {
				require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
			}
			assert.Contains(t, p.logged("workspaces=2"), "reloaded the configuration file")
			assert.Contains(t, p.get("/sd"), `["two"]`)
		})
	}
}

func TestHangupWithoutAFileIsLoggedAndIgnored(t *testing.T) {
	_, url := workspace(t)
	p := start(t, append(credentials, "--rocketchat.url="+url)...)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	p.logged("nothing to reload")
	metrics := p.get("/metrics")
	assert.Contains(t, metrics, "\nrocketchat_import_up 1\n")
	assert.NotContains(t, metrics, "config_last_reload")
}

func TestFileAndFlagsThatDescribeAWorkspace(t *testing.T) {
	file := "--config.file=" + temporary(t, workspacesAt("http://localhost:3000", "one"))
	for _, flag := range []string{config.SettingURL.Flag, config.SettingUserID.Flag, config.SettingToken.Flag, config.SettingTokenFile.Flag, config.SettingHTTP.Flag} {
		t.Run(flag, func(t *testing.T) {
			want := flagAndEnv(flag) + ": contradicts --config.file"
			assertFails(t, want, file, "--"+flag+"=http://"+secret)
			t.Setenv(variable(flag), "http://"+secret)
			assertFails(t, want, file)
		})
	}
	assertFails(t, flagAndEnv(config.SettingTimeout.Flag), file, "--rocketchat.timeout=0s") // which would be the default
	for _, command := range []string{"serve", "check"} {
		empty := temporary(t, "workspaces:")
		assertFails(t, empty+": the file names no workspace", command, "--config.file="+empty)
		assertFails(t, flagAndEnv(configFileFlag), command, "--config.file=/gone/config.yml")
	}
}

func TestReloadIfChanged(t *testing.T) {
	one, two := workspacesAt("http://localhost:3000", "one"), workspacesAt("http://localhost:3000", "one", "two")
	dir := t.TempDir()
	write := func(name, content string) string { return write(t, filepath.Join(dir, name), content) }
	rename := func(from, to string) { require.NoError(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to))) }
	link := func(to string) { // as Kubernetes changes a ConfigMap
		require.NoError(t, os.Symlink(to, filepath.Join(dir, "new")))
		rename("new", "config.yml")
	}

	f, err := parseFlags([]string{"--config.file=" + write("config.yml", one)}, nil)
	require.NoError(t, err)
	var lines strings.Builder
	e, err := newExporter(f, log.NewLogfmtLogger(&lines))
	require.NoError(t, err)
	defer e.set.Close()
	for _, step := range []struct {
		name       string
		change     func()
		workspaces int
		log        string // of the one line; empty if there is none
	}{
		{"nothing", func() {}, 1, ""},
		{"the content", func() { write("config.yml", two) }, 2, "reloaded"},
		{"nothing after a reload", func() {}, 2, ""},
		{"the time alone", func() { write("config.yml", two) }, 2, ""},
		{"an editor's rename", func() { write("draft", one); rename("draft", "config.yml") }, 1, "reloaded"},
		{"the link of a ConfigMap", func() { write("data", two); link("data") }, 2, "reloaded"},
		{"the link, with the same content", func() { write("data2", two); link("data2") }, 2, ""},
		{"a content that is rejected", func() { write("config.yml", "workspaces:") }, 2, "cannot be used"},
		{"nothing after a rejection", func() {}, 2, ""},
		{"a file that is gone", func() { rename("config.yml", "away") }, 2, "cannot be used"},
		{"a file that is back", func() { write("config.yml", one) }, 1, "reloaded"},
		{"a good file that is gone", func() { rename("config.yml", "away") }, 1, "cannot be used"},
		{"the same file, back", func() { rename("away", "config.yml") }, 1, "reloaded"},
		{"a content that a SIGHUP has loaded", func() { write("config.yml", two); e.reload() }, 2, ""},
	} {
		step.change()
		lines.Reset()
		e.reloadIfChanged()
		assert.Empty(t, lines.String(), "%s: somebody may still be writing", step.name)
		e.reloadIfChanged()
		assert.Len(t, e.set.All(), step.workspaces, step.name)
		assert.Contains(t, lines.String(), step.log, step.name)
		assert.Equal(t, step.log != "", lines.Len() > 0, step.name)
		assert.LessOrEqual(t, strings.Count(lines.String(), "msg="), 1, step.name)
	}
	for i := range two { // somebody writes the file a byte at a time
		write("config.yml", two[:i])
		e.reloadIfChanged()
		assert.Len(t, e.set.All(), 2)
	}
	write("config.yml", one)
	e.reload()
	assert.Len(t, e.set.All(), 1, "whoever asks for a reload has written the file")
}
