package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// speed is how many times shorter than shipped a wait is here: a minute of "for"
// is a second of the test.
const speed = 60

// Where things are, seen from this folder.
const (
	root      = "../.."
	bin       = "../bin"
	alerts    = "../../alerts"
	dashboard = "../../dashboards/rocketchat-import.json"

	prometheus   = bin + "/prometheus"
	alertmanager = bin + "/alertmanager"
)

// world is all that runs together.
type world struct {
	workspaces      map[string]*workspace
	prometheus      v1.API
	victoriaMetrics v1.API
	alertmanager    string // base URL
	pager           *pager
	// channel is the Rocket.Chat that Alertmanager posts to.
	channel *rocketchatsim.Server
}

// newWorld starts an exporter for each story, lets it begin, and then starts what
// watches them. It ends with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{workspaces: map[string]*workspace{}, channel: rocketchatsim.New(rocketchatsim.Config{RateLimit: -1})}
	exporters := map[string]string{}
	binary := buildExporter(t)
	for name, what := range stories {
		workspace := newWorkspace(t, name, binary, what.server)
		if what.begin != nil {
			what.begin(t, workspace)
		}
		w.workspaces[name], exporters[name] = workspace, workspace.address
	}
	w.channel.SetUser("alertmanager", "its-token")
	channel := httptest.NewServer(w.channel)
	t.Cleanup(channel.Close)
	receiver, url := startPager(t)
	config := alertstack.Config{
		Prometheus: prometheus, Alertmanager: alertmanager, Alerts: withReceiver(t), Dir: t.TempDir(), Speed: speed,
		Exporters: exporters, Webhook: url,
		RocketChat: &alertstack.RocketChat{URL: channel.URL, UserID: "alertmanager", Token: "its-token"},
	}
	rememberPast(t, filepath.Join(config.Dir, "prometheus"), w.workspaces)
	stack := start(t, config)
	w.pager, w.alertmanager, w.prometheus = receiver, stack.AlertmanagerURL, newClient(t, stack.PrometheusURL)
	w.victoriaMetrics = startVictoriaMetrics(t, config.Dir, w.workspaces)
	return w
}

// start starts Prometheus and Alertmanager, and ends them with the test.
func start(t *testing.T, config alertstack.Config) *alertstack.Stack {
	t.Helper()
	stack, err := alertstack.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stack.Stop()
		showOutput(t, "Prometheus", stack.Prometheus)
		showOutput(t, "Alertmanager", stack.Alertmanager)
	})
	return stack
}

func showOutput(t *testing.T, name string, p *process.Process) {
	if t.Failed() {
		t.Logf("%s wrote:\n%s", name, p.Output())
	}
}

// buildExporter builds the exporter as its own module pins it, with the race
// detector in it, and returns the binary.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", "-C", root, "-race")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
