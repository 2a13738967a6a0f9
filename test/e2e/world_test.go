package e2e

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// world is all that runs together.
type world struct {
	// chat's user is exempt from the rate limit.
	chat *workspace
	// support's user is not, but its limit is high.
	support      *workspace
	prometheus   v1.API
	alertmanager string // base URL
	pager        *pager
}

// workspace is a simulated Rocket.Chat, and the exporter that watches it.
type workspace struct {
	name     string
	sim      *rocketchatsim.Server
	url      string
	binary   string
	address  string // of the exporter
	exporter *process.Process
}

const (
	userID = "exporter"
	token  = "the-exporters-token"
)

// newWorld starts everything, and ends it with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	binary := buildExporter(t)
	w := &world{
		chat: newWorkspace(t, "chat", binary, rocketchatsim.Config{Generation: rocketchatsim.Latest},
			rocketchatsim.RunImport, rocketchatsim.BypassRateLimit),
		support: newWorkspace(t, "support", binary, rocketchatsim.Config{Generation: rocketchatsim.Classic, RateLimit: 1_000_000},
			rocketchatsim.RunImport),
	}
	receiver, url := startPager(t)
	stack := start(t, alertstack.Config{
		Prometheus: pinned.prometheus, Alertmanager: pinnedAlertmanager, Alerts: alerts, Speed: speed, Webhook: url,
		Exporters: map[string]string{w.chat.name: w.chat.address, w.support.name: w.support.address},
	})
	w.pager, w.alertmanager, w.prometheus = receiver, stack.AlertmanagerURL, newPrometheus(t, stack)
	return w
}

// start starts Prometheus and Alertmanager, and ends them with the test.
func start(t *testing.T, config alertstack.Config) *alertstack.Stack {
	t.Helper()
	config.Dir = t.TempDir()
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
	binary := filepath.Join(t.TempDir(), "rocketchat_import_exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", binary, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the exporter: %v\n%s", err, out)
	}
	return binary
}

func newWorkspace(t *testing.T, name, binary string, config rocketchatsim.Config, permissions ...rocketchatsim.Permission) *workspace {
	t.Helper()
	sim := rocketchatsim.New(config)
	sim.SetUser(userID, token, permissions...)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{name: name, sim: sim, url: server.URL, binary: binary, address: address}
	w.startExporter(t)
	t.Cleanup(func() { w.stopExporter(t) })
	return w
}

// startExporter starts the exporter, or starts it again.
func (w *workspace) startExporter(t *testing.T) {
	t.Helper()
	exporter, err := process.Start("the exporter of "+w.name, []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, w.binary,
		"--rocketchat.url="+w.url,
		"--rocketchat.user-id="+userID,
		"--rocketchat.min-interval=0s",
		"--web.listen-address="+w.address,
	)
	if err != nil {
		t.Fatal(err)
	}
	w.exporter = exporter
	if err := exporter.AwaitOK(t.Context(), "http://"+w.address+"/metrics"); err != nil {
		t.Fatal(err)
	}
}

// stopExporter requires that the exporter ends well, and has neither logged its
// token nor had a data race.
func (w *workspace) stopExporter(t *testing.T) {
	t.Helper()
	w.exporter.Stop()
	if err := w.exporter.Err(); err != nil {
		t.Error(err)
	}
	if strings.Contains(w.exporter.Output(), token) {
		t.Error("the exporter has logged its token")
	}
	showOutput(t, "The exporter of "+w.name, w.exporter)
}

// readSelection does what an exporter must not: it calls getImportFileData
// whatever the step.
func (w *workspace) readSelection(t *testing.T) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/v1/"+rocketchatsim.GetImportFileData, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}
