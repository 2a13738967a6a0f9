package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
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
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{name: name, binary: binary, address: address}
	server.Now = w.clock.now
	w.sim = rocketchatsim.New(server)
	w.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	listener := httptest.NewServer(w.sim)
	t.Cleanup(listener.Close)
	w.url = listener.URL
	w.startExporter(t)
	t.Cleanup(func() { w.stopExporter(t) })
	return w
}

// startExporter starts the exporter, or starts it again.
func (w *workspace) startExporter(t *testing.T) {
	t.Helper()
	// Without the second that the race detector waits at the end.
	env := []string{"ROCKETCHAT_AUTH_TOKEN=" + token, "GORACE=atexit_sleep_ms=0"}
	exporter, err := process.Start("the exporter of "+w.name, env, w.binary,
		"--rocketchat.url="+w.url,
		"--rocketchat.user-id="+userID,
		"--rocketchat.min-interval=0s",
		"--web.listen-address="+w.address,
	)
	if err != nil {
		t.Fatal(err)
	}
	w.exporter = exporter
	if err := exporter.AwaitOK(t.Context(), w.metrics()); err != nil {
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

func (w *workspace) metrics() string { return "http://" + w.address + "/metrics" }

// pass moves the clock of the workspace from so long ago until so long ago, and
// records what the exporter answers every half minute. This is the past that
// Prometheus has at its start, so that no test waits for it.
func (w *workspace) pass(t *testing.T, from, until time.Duration) {
	t.Helper()
	for ago := from; ago > until; ago -= 30 * time.Second {
		w.clock.setBehind(ago)
		w.past = append(w.past, scrape{w.clock.now(), get(t, w.metrics(), nil)})
	}
	w.clock.setBehind(until)
}

// readSelection does what an exporter must not: it calls getImportFileData
// whatever the step.
func (w *workspace) readSelection(t *testing.T) {
	t.Helper()
	get(t, w.url+"/api/v1/"+rocketchatsim.GetImportFileData, http.Header{"X-User-Id": {userID}, "X-Auth-Token": {token}})
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
	if err := w.sim.Update(change); err != nil {
		t.Fatal(err)
	}
}

// get returns the body of an answer with status 200.
func get(t *testing.T, url string, header http.Header) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	return do(t, request)
}

func do(t *testing.T, request *http.Request) []byte {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s: %s %v %s", request.URL, response.Status, err, body)
	}
	return body
}
