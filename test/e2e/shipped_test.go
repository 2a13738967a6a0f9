package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/demo/alertstack"
)

// TestShippedFilesAreGoodToDebiansPrograms has Prometheus 2.42 and amtool 0.25 of
// Debian 12 read the shipped files. It is skipped where they are not installed. The
// variable E2E_DEBIAN_BIN names another folder than /usr/bin, such as that of
// unpacked packages. "make rules" has promtool run the rules' own tests.
func TestShippedFilesAreGoodToDebiansPrograms(t *testing.T) {
	folder := cmp.Or(os.Getenv("E2E_DEBIAN_BIN"), "/usr/bin")
	itsPrometheus, amtool := filepath.Join(folder, "prometheus"), filepath.Join(folder, "amtool")
	for _, program := range []string{itsPrometheus, amtool} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("there is no %s: install Debian's prometheus and prometheus-alertmanager, or set E2E_DEBIAN_BIN", program)
		}
	}
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
	require.NoError(t, os.CopyFS(dir, os.DirFS(alerts)))
	commands := regexp.MustCompile("(?s)```\n(sed -e.*?)```").FindSubmatch(read(t, root+"/docs/alerting.md"))
	require.NotNil(t, commands, "docs/alerting.md has no command for the receiver")
	programs, err := filepath.Abs(bin)
	require.NoError(t, err)
	shell := exec.Command("sh", "-ec", string(commands[1]))
	shell.Dir, shell.Env = dir, []string{"PATH=" + programs + ":" + os.Getenv("PATH")}
	mustRun(t, shell)
	require.NoError(t, os.Rename(filepath.Join(dir, "alertmanager-rocketchat.yml"), filepath.Join(dir, "alertmanager.yml")))
	return dir
}

// mustRun runs a program that has to succeed.
func mustRun(t *testing.T, command *exec.Cmd) {
	t.Helper()
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}
