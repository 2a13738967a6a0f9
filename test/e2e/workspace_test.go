package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "exporter"
	token  = "the-exporters-token"
)

// workspace is a simulated Rocket.Chat, and the exporter that watches it.
type workspace struct {
	name     string
	sim      *rocketchatsim.Server
	clock    clock // of the simulated Rocket.Chat
	url      string
	binary   string
	address  string // of the exporter
	exporter *process.Process
	past     strings.Builder // what it answered, as OpenMetrics
}

// clock is a clock that a test can set back and forward.
type clock struct{ behind atomic.Int64 }

func (c *clock) now() time.Time             { return time.Now().Add(-time.Duration(c.behind.Load())) }
func (c *clock) setBehind(by time.Duration) { c.behind.Store(int64(by)) }

// sample is a line of an exposition with a name, labels and a value.
var sample = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? (\S+)$`)

// newWorkspace starts the exporter of a workspace that has no import.
func newWorkspace(t *testing.T, name, binary string, server rocketchatsim.Config) *workspace {
	t.Helper()
	w := &workspace{name: name, binary: binary, address: freeAddress(t)}
	server.Now = w.clock.now
	w.sim = rocketchatsim.New(server)
	w.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	listener := httptest.NewServer(w.sim)
	t.Cleanup(listener.Close)
	w.url = listener.URL
	w.startExporter(t)
	return w
}

// startExporter starts the exporter, or starts it again.
func (w *workspace) startExporter(t *testing.T) {
	t.Helper()
	w.exporter = runExporter(t, w.binary, w.address, "/metrics", []string{"ROCKETCHAT_AUTH_TOKEN=" + token},
		"--rocketchat.url="+w.url, "--rocketchat.user-id="+userID)
}

// pass moves the clock of the workspace from so long ago until so long ago, and
// records what the exporter answers every half minute. This is the past that
// Prometheus has at its start, so that no test waits for it.
func (w *workspace) pass(t *testing.T, from, until time.Duration) {
	t.Helper()
	for ago := from; ago > until; ago -= 30 * time.Second {
		w.clock.setBehind(ago)
		at := float64(w.clock.now().UnixMilli()) / 1000
		for _, m := range sample.FindAllSubmatch(get(t, "http://"+w.address+"/metrics"), -1) {
			fmt.Fprintf(&w.past, "%s{job=\"rocketchat_import\",instance=%q,%s} %s %.3f\n", m[1], w.name, m[2], m[3], at)
		}
	}
	w.clock.setBehind(until)
}

// readSelection does what an exporter must not: it calls getImportFileData
// whatever the step.
func (w *workspace) readSelection() {
	request := httptest.NewRequest(http.MethodGet, "/api/v1/"+rocketchatsim.GetImportFileData, nil)
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", token)
	w.sim.ServeHTTP(httptest.NewRecorder(), request)
}
