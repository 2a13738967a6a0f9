package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rocketchat_import_exporter/demo/alertstack"
)

// TestShippedFilesAreGoodToDebiansPrograms has Prometheus 2.42 and amtool 0.25 of
// Debian 12 read the shipped files. It is skipped where they are not installed. The
// variable E2E_DEBIAN_BIN names another folder than /usr/bin, such as that of
// unpacked packages. "make rules" has promtool run the rules' own tests.
func TestShippedFilesAreGoodToDebiansPrograms(t *testing.T) {
	folder := os.Getenv("E2E_DEBIAN_BIN")
	if folder == "" {
		folder = "/usr/bin"
	}
	itsPrometheus, amtool := filepath.Join(folder, "prometheus"), filepath.Join(folder, "amtool")
	for _, program := range []string{itsPrometheus, amtool} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("there is no %s: install Debian's prometheus and prometheus-alertmanager, or set E2E_DEBIAN_BIN", program)
		}
	}
	t.Log(mustRun(t, exec.Command(itsPrometheus, "--version")))
	t.Log(mustRun(t, exec.Command(amtool, "--version")))
	mustRun(t, exec.Command(amtool, "check-config", filepath.Join(alerts, "alertmanager.yml")))
	stack := start(t, alertstack.Config{
		Prometheus: itsPrometheus, Alertmanager: alertmanager, Alerts: alerts, Dir: t.TempDir(),
		Speed: speed, Webhook: "http://127.0.0.1:9",
	})
	requireHealthyRules(t, newClient(t, stack.PrometheusURL))
}

// withReceiver copies alerts/, runs the commands in docs/alerting.md that put the
// receiver for Rocket.Chat into alertmanager.yml, and returns the folder.
func withReceiver(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(alerts)); err != nil {
		t.Fatal(err)
	}
	_, commands, found := strings.Cut(read(t, filepath.Join(root, "docs/alerting.md")), "```\nsed -e")
	commands, _, closed := strings.Cut("sed -e"+commands, "```")
	if !found || !closed {
		t.Fatal("docs/alerting.md has no command for the receiver")
	}
	programs, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-ec", commands)
	shell.Dir, shell.Env = dir, []string{"PATH=" + programs + ":" + os.Getenv("PATH")}
	mustRun(t, shell)
	if err := os.Rename(filepath.Join(dir, "alertmanager-rocketchat.yml"), filepath.Join(dir, "alertmanager.yml")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mustRun runs a program that has to succeed, and returns what it wrote.
func mustRun(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
