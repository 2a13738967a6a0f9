package rocketchatsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	testUser  = "watcher"
	testToken = "a-token"
)

// epoch is when the clock of every test starts.
var epoch = time.Date(2026, 11, 24, 6, 31, 55, 842e6, time.UTC)

// workspace is a simulated workspace with one user who may do everything.
type workspace struct {
	*sim.Server
	t     *testing.T
	clock *sim.Clock
}

func newWorkspace(t *testing.T, config sim.Config) *workspace {
	t.Helper()
	c := sim.NewClock(epoch)
	config.Now = c.Now
	server := sim.New(config)
	server.SetUser(testUser, testToken, sim.RunImport, sim.BypassRateLimit)
	return &workspace{server, t, c}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// get calls an endpoint with the user's own token.
func (w *workspace) get(endpoint string) answer {
	return w.request(http.MethodGet, "/api/v1/"+endpoint, testToken, "")
}

func (w *workspace) request(method, path, token, body string) answer {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("X-User-Id", testUser)
	request.Header.Set("X-Auth-Token", token)
	response := httptest.NewRecorder()
	w.ServeHTTP(response, request)
	return answer{response.Code, response.Result().Header, response.Body.String()}
}

// place puts an operation with a selection of 3 users, 2 channels and 5 messages,
// counted, into the step.
func (w *workspace) place(step string, change func(*sim.Operation)) {
	w.t.Helper()
	op := sim.SlackOperation(step, epoch)
	op.Count = &sim.Count{Total: new(10), Users: new(3), Channels: new(2), Messages: new(5)}
	if change != nil {
		change(&op)
	}
	w.SetOperation(op)
	w.must(w.SetSelection(sim.Selection{Users: 3, Channels: 2, Messages: 5}))
}

func (w *workspace) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// current is the newest operation, which must be there.
func (w *workspace) current() sim.Operation {
	w.t.Helper()
	op, ok := w.Operation()
	if !ok {
		w.t.Fatal("there is no operation")
	}
	return op
}

// record is what getCurrentImportOperation answers of the operation.
func (w *workspace) record() map[string]any {
	w.t.Helper()
	return decode[struct{ Operation map[string]any }](w.t, w.get(sim.GetCurrentImportOperation).body).Operation
}

// watch returns the operation at each look, until so much time has passed.
func (w *workspace) watch(length, every time.Duration) []sim.Operation {
	w.t.Helper()
	seen := []sim.Operation{w.current()}
	for passed := time.Duration(0); passed < length; passed += every {
		w.clock.Advance(every)
		seen = append(seen, w.current())
	}
	return seen
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return value
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func wantBody(t *testing.T, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("%d %s, want %d %s", got.status, got.body, status, body)
	}
}

func wantError(t *testing.T, got answer, status int, errorType string) {
	t.Helper()
	refusal := decode[struct{ Error, ErrorType string }](t, got.body)
	if got.status != status || refusal.ErrorType != errorType || !strings.HasSuffix(refusal.Error, "["+errorType+"]") {
		t.Errorf("%d %s, want %d %s", got.status, got.body, status, errorType)
	}
}
