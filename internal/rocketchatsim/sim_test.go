package rocketchatsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	clock := sim.NewClock(epoch)
	config.Now = clock.Now
	server := sim.New(config)
	server.SetUser(testUser, testToken, sim.RunImport, sim.BypassRateLimit)
	return &workspace{server, t, clock}
}

// get calls an endpoint with the user's own token.
func (w *workspace) get(endpoint string) *httptest.ResponseRecorder {
	return w.request(http.MethodGet, "/api/v1/"+endpoint, testToken, "")
}

func (w *workspace) request(method, path, token, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("X-User-Id", testUser)
	request.Header.Set("X-Auth-Token", token)
	response := httptest.NewRecorder()
	w.ServeHTTP(response, request)
	return response
}

// place puts an operation with a selection of 3 users, 2 channels and 5 messages,
// counted, into the step.
func (w *workspace) place(step string, change func(*sim.Operation)) {
	op := sim.SlackOperation(step, epoch)
	op.Count = &sim.Count{Total: new(10), Users: new(3), Channels: new(2), Messages: new(5)}
	if change != nil {
		change(&op)
	}
	w.SetOperation(op)
	require.NoError(w.t, w.SetSelection(sim.Selection{Users: 3, Channels: 2, Messages: 5}))
}

// current is the newest operation, which must be there.
func (w *workspace) current() sim.Operation {
	op, ok := w.Operation()
	require.True(w.t, ok, "there is no operation")
	return op
}

// record is what getCurrentImportOperation answers of the operation.
func (w *workspace) record() map[string]any {
	return decode[struct{ Operation map[string]any }](w.t, w.get(sim.GetCurrentImportOperation).Body.String()).Operation
}

func decode[T any](t *testing.T, body string) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(body), &value), "%.200s", body)
	return value
}

// completed is the count of an operation that has one.
func completed(op sim.Operation) int {
	if op.Count == nil || op.Count.Completed == nil {
		return 0
	}
	return *op.Count.Completed
}
