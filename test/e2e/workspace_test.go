package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	past     []scrape
}

// clock is a clock that a test can set back and forward.
type clock struct{ behind atomic.Int64 }

func (c *clock) now() time.Time             { return time.Now().Add(-time.Duration(c.behind.Load())) }
func (c *clock) setBehind(by time.Duration) { c.behind.Store(int64(by)) }

// scrape is what an exporter answered.
type scrape struct {
	at   time.Time
	text []byte
}

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
		w.past = append(w.past, scrape{w.clock.now(), get(t, "http://"+w.address+"/metrics")})
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

// place makes an import of that age the newest one.
func (w *workspace) place(step string, age time.Duration, count rocketchatsim.Count) {
	operation := rocketchatsim.SlackOperation(step, w.clock.now().Add(-age))
	operation.Count = &count
	w.sim.SetOperation(operation)
}

// change alters the import, which is a save.
func (w *workspace) change(t *testing.T, change func(*rocketchatsim.Operation)) {
	t.Helper()
	require.NoError(t, w.sim.Update(change))
}
