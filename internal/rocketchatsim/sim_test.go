package rocketchatsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

// clock is moved by one goroutine only: the test's own, between requests.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) Advance(d time.Duration) { c.now = c.now.Add(d) }

// workspace is a simulated workspace behind a real socket, with one user who may
// do everything.
type workspace struct {
	*sim.Server
	t     *testing.T
	clock *clock
	url   string
}

func newWorkspace(t *testing.T, config sim.Config) *workspace {
	t.Helper()
	c := &clock{epoch}
	config.Now = c.Now
	server := sim.New(config)
	server.SetUser(testUser, testToken, sim.RunImport, sim.ViewImportOperations, sim.BypassRateLimit)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return &workspace{server, t, c, listener.URL}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// get calls an endpoint with the user's own token.
func (w *workspace) get(endpoint string) answer {
	w.t.Helper()
	return w.request(http.MethodGet, w.url+"/api/v1/"+endpoint, testToken)
}

func (w *workspace) request(method, url, token string) answer {
	w.t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("X-User-Id", testUser)
	request.Header.Set("X-Auth-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
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
	if err := w.SetSelection(sim.Selection{Users: 3, Channels: 2, Messages: 5}); err != nil {
		w.t.Fatal(err)
	}
}

// operation is the newest operation, which must be there.
func (w *workspace) operation() sim.Operation {
	w.t.Helper()
	op, ok := w.Operation()
	if !ok {
		w.t.Fatal("there is no operation")
	}
	return op
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return value
}
