package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rocketchat_import_exporter/demo/alertstack"
)

// programs are builds of those programs to which the shipped files must be good.
type programs struct{ prometheus, promtool, amtool string }

var pinned = programs{
	prometheus: filepath.Join(bin, "prometheus"),
	promtool:   filepath.Join(bin, "promtool"),
	amtool:     filepath.Join(bin, "amtool"),
}

var pinnedAlertmanager = filepath.Join(bin, "alertmanager")

// debian returns the programs of Debian's packages prometheus and
// prometheus-alertmanager, and skips the test where they are not installed. The
// variable E2E_DEBIAN_BIN names another folder, such as that of unpacked packages.
func debian(t *testing.T) programs {
	t.Helper()
	folder := os.Getenv("E2E_DEBIAN_BIN")
	if folder == "" {
		folder = "/usr/bin"
	}
	p := programs{
		prometheus: filepath.Join(folder, "prometheus"),
		promtool:   filepath.Join(folder, "promtool"),
		amtool:     filepath.Join(folder, "amtool"),
	}
	for _, program := range []string{p.prometheus, p.promtool, p.amtool} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("there is no %s: install Debian's prometheus and prometheus-alertmanager, or set E2E_DEBIAN_BIN", program)
		}
	}
	return p
}

func TestShippedFilesAreGoodToThePinnedPrograms(t *testing.T) {
	checkFiles(t, pinned)
}

// TestShippedFilesAreGoodToDebiansPrograms has Prometheus 2.42 and amtool 0.25 in
// Debian 12.
func TestShippedFilesAreGoodToDebiansPrograms(t *testing.T) {
	p := debian(t)
	t.Log(firstLine(mustRun(t, p.prometheus, "--version")))
	t.Log(firstLine(mustRun(t, p.amtool, "--version")))
	checkFiles(t, p)
	stack := start(t, alertstack.Config{
		Prometheus: p.prometheus, Alertmanager: pinnedAlertmanager, Alerts: alerts, Dir: t.TempDir(), Speed: speed, Webhook: "http://127.0.0.1:9",
	})
	requireHealthyRules(t, newClient(t, stack.PrometheusURL))
}

func checkFiles(t *testing.T, p programs) {
	t.Helper()
	mustRun(t, p.promtool, append([]string{"check", "rules"}, shipped(t, "*.rules.yml")...)...)
	mustRun(t, p.promtool, append([]string{"test", "rules"}, shipped(t, "*.test.yml")...)...)
	mustRun(t, p.amtool, "check-config", filepath.Join(alerts, "alertmanager.yml"))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// shipped returns the files in alerts/ that match.
func shipped(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(alerts, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("alerts/ has no %s", pattern)
	}
	return files
}

// mustRun runs a program that has to succeed. It ends with the test.
func mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%s is not built: run make e2e", program)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}
