package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// configFile is a configuration file that a test writes again and again.
type configFile struct {
	t    *testing.T
	path string
}

func newConfigFile(t *testing.T, content string) configFile {
	f := configFile{t, filepath.Join(t.TempDir(), "config.yml")}
	f.write(content)
	return f
}

func (f configFile) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// entry is a workspace in a configuration file.
func entry(name, url string) string {
	return "  " + name + ":\n    url: " + url + "\n    user_id: watcher\n    auth_token: " + secret + "\n"
}

func TestExporterServesTheWorkspacesOfAFile(t *testing.T) {
	_, url := workspace(t)
	f := newConfigFile(t, "workspaces:\n"+entry("acme", url))
	p := start(t, "--config.file="+f.path, "--web.enable-lifecycle")
	if probe := p.get("/probe?target=acme"); !strings.Contains(probe, "\nrocketchat_import_up 1\n") {
		t.Errorf("/probe shows\n%s", probe)
	}
	metrics := p.get("/metrics")
	if strings.Contains(metrics, "rocketchat_import_up") || !strings.Contains(metrics, "\nrocketchat_import_exporter_config_last_reload_successful 1\n") {
		t.Errorf("/metrics shows\n%s", metrics)
	}

	f.write("workspaces:\n" + entry("acme", url) + entry("other", url))
	p.post("/-/reload", http.StatusOK)
	if sd := p.get("/sd"); !strings.Contains(sd, `["acme"]`) || !strings.Contains(sd, `["other"]`) {
		t.Errorf("/sd shows %s", sd)
	}

	f.write("workspaces:\n")
	p.post("/-/reload", http.StatusInternalServerError)
	if sd := p.get("/sd"); !strings.Contains(sd, `["other"]`) {
		t.Errorf("after a bad file, /sd shows %s", sd)
	}
	if metrics := p.get("/metrics"); !strings.Contains(metrics, "\nrocketchat_import_exporter_config_last_reload_successful 0\n") {
		t.Errorf("after a bad file, /metrics shows\n%s", metrics)
	}
	p.stop()
	if strings.Contains(p.log, secret) {
		t.Errorf("the log shows the token:\n%s", p.log)
	}
}

func TestHangupReloads(t *testing.T) {
	_, url := workspace(t)
	f := newConfigFile(t, "workspaces:\n"+entry("acme", url))
	p := start(t, "--config.file="+f.path)
	f.write("workspaces:\n" + entry("acme", url) + entry("other", url))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(p.get("/sd"), `["other"]`) { // until the signal has arrived
	}
}

func TestHangupWithoutAFileIsLoggedAndIgnored(t *testing.T) {
	_, url := workspace(t)
	p := start(t, append(good, "--rocketchat.url="+url)...)
	logged := p.logged("nothing to reload")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-logged
	if metrics := p.get("/metrics"); !strings.Contains(metrics, "\nrocketchat_import_up 1\n") || strings.Contains(metrics, "config_last_reload") {
		t.Errorf("/metrics shows\n%s", metrics)
	}
}

func TestFlagsThatDescribeAWorkspaceContradictAFile(t *testing.T) {
	f := newConfigFile(t, "workspaces:\n"+entry("acme", "http://localhost:3000"))
	for _, flag := range []string{urlFlag, userIDFlag, tokenFlag, tokenFileFlag, httpConfigFileFlag} {
		want := flagAndEnv(flag) + ": contradicts --config.file"
		for _, source := range []string{"flag", "variable"} {
			t.Run(flag+" as a "+source, func(t *testing.T) {
				args := []string{"--config.file=" + f.path}
				if source == "flag" {
					args = append(args, "--"+flag+"=http://"+secret)
				} else {
					t.Setenv(variable(flag), "http://"+secret)
				}
				var stderr strings.Builder
				if code := run(t.Context(), args, nil, &stderr); code != 1 || !strings.Contains(stderr.String(), want) || strings.Contains(stderr.String(), secret) {
					t.Errorf("the exit code is %d, the error\n%s", code, &stderr)
				}
			})
		}
	}
}

func TestDefaultsForAFileAreCheckedToo(t *testing.T) {
	f := newConfigFile(t, "workspaces:\n"+entry("acme", "http://localhost:3000"))
	var stderr strings.Builder
	code := run(t.Context(), []string{"--config.file=" + f.path, "--rocketchat.timeout=0s"}, nil, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "--rocketchat.timeout (environment variable ROCKETCHAT_TIMEOUT)") {
		t.Errorf("the exit code is %d, the error\n%s", code, &stderr)
	}
}

func TestFileThatNamesNoWorkspaceIsAnError(t *testing.T) {
	f := newConfigFile(t, "workspaces:")
	for _, command := range []string{"serve", "check"} {
		var stderr strings.Builder
		code := run(t.Context(), []string{command, "--config.file=" + f.path}, io.Discard, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), flagAndEnv(configFileFlag)) || !strings.Contains(stderr.String(), "names no workspace") {
			t.Errorf("%s: the exit code is %d, the error\n%s", command, code, &stderr)
		}
	}
}

func TestCheckTellsOfEachWorkspace(t *testing.T) {
	good, goodURL := workspace(t)
	refusing, refusingURL := workspace(t)
	refusing.Revoke("watcher", rocketchatsim.RunImport)
	f := newConfigFile(t, "workspaces:\n"+entry("good", goodURL)+entry("refusing", refusingURL))

	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"check", "--config.file=" + f.path}, &stdout, &stderr); code != 1 || stderr.String() != "" {
		t.Errorf("the exit code is %d, the errors are %q", code, &stderr)
	}
	if !strings.HasPrefix(stdout.String(), "good (") || !strings.Contains(stdout.String(), "\n\nrefusing (") || !strings.Contains(stdout.String(), "run-import is missing") {
		t.Errorf("it tells\n%s", &stdout)
	}

	stdout.Reset()
	run(t.Context(), []string{"check", "--json", "--config.file=" + f.path}, &stdout, &stderr)
	var results []struct {
		Workspace string
		OK        bool
	}
	if err := json.Unmarshal([]byte(stdout.String()), &results); err != nil || len(results) != 2 || !results[0].OK || results[1].OK {
		t.Errorf("as JSON it tells (%v)\n%s", err, &stdout)
	}

	stdout.Reset()
	args := []string{"check", "--rocketchat.url=" + goodURL, "--rocketchat.user-id=watcher", "--rocketchat.auth-token=" + secret}
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Errorf("of one that is well, the exit code is %d:\n%s", code, &stdout)
	}
	if good.Requests(rocketchatsim.GetImportFileData) != 0 {
		t.Error("the selection was read")
	}
}
