package server

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	promconfig "github.com/prometheus/common/config"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/workspaces"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a-token-that-must-not-show"

// rig is a server of workspaces that are simulated.
type rig struct {
	t    *testing.T
	url  string
	sims map[string]*rocketchatsim.Server
	set  *workspaces.Set
}

// newRig serves workspaces of these names as change makes of it.
func newRig(t *testing.T, names []string, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, sims: map[string]*rocketchatsim.Server{}, set: workspaces.NewSet("test", log.NewNopLogger())}
	configs := map[string]config.Workspace{}
	for _, name := range names {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
		sim.SetUser("watcher", token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		rocketchat := httptest.NewServer(sim)
		t.Cleanup(rocketchat.Close)
		url, err := client.ParseURL(rocketchat.URL)
		if err != nil {
			t.Fatal(err)
		}
		r.sims[name] = sim
		configs[name] = config.Workspace{
			URL: url, UserID: "watcher", Token: token, Timeout: 10 * time.Second,
			FileData: config.OnChange, FileDataTimeout: time.Minute, HTTP: promconfig.DefaultHTTPClientConfig,
		}
	}
	if err := r.set.Apply(configs); err != nil {
		t.Fatal(err)
	}
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector())
	options := Options{
		Set: r.set, TelemetryPath: "/metrics", Registry: own, Multi: true, Logger: log.NewNopLogger(),
		Docs: fstest.MapFS{"README.md": {Data: []byte("# Read me")}, "docs/runbooks.md": {Data: []byte("# Runbooks")}},
	}
	if change != nil {
		change(&options)
	}
	server := httptest.NewServer(New(options))
	r.url = server.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
		r.set.Close()
	})
	return r
}

// do returns the status and body of an answer.
func (r *rig) do(method, path string) (status int, header http.Header, body string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(content)
}

// calls is how many calls all workspaces have had.
func (r *rig) calls() int {
	n := 0
	for _, sim := range r.sims {
		n += sim.Requests(rocketchatsim.GetCurrentImportOperation) + sim.Requests(rocketchatsim.GetImportFileData)
	}
	return n
}

func TestProbeShowsTheWorkspaceThatTargetNames(t *testing.T) {
	r := newRig(t, []string{"acme", "other"}, nil)
	r.sims["other"].SetToken("watcher", "another")
	_, _, acme := r.do(http.MethodGet, "/probe?target=acme")
	_, _, other := r.do(http.MethodGet, "/probe?target=other")
	if !strings.Contains(acme, "\nrocketchat_import_up 1\n") || !strings.Contains(other, "\nrocketchat_import_up 0\n") {
		t.Errorf("acme shows\n%s\nother shows\n%s", acme, other)
	}
	if strings.Contains(acme, "go_goroutines") || strings.Contains(acme, "workspace=") {
		t.Errorf("acme shows more than its import:\n%s", acme)
	}
	if _, _, own := r.do(http.MethodGet, "/metrics"); strings.Contains(own, "rocketchat_import_up") || !strings.Contains(own, "\ngo_goroutines ") {
		t.Errorf("/metrics shows\n%s", own)
	}
}

func TestTargetThatIsNoNameOfTheFileIsNotFoundAndCallsNothing(t *testing.T) {
	victim := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { victim++ }))
	t.Cleanup(elsewhere.Close)
	r := newRig(t, []string{"acme"}, nil)
	for _, query := range []string{
		"", "?target=", "?target=nobody", "?target=ACME", "?target=acme%00", "?target=acme/", "?target=../acme",
		"?target=" + elsewhere.URL, "?target=" + strings.TrimPrefix(elsewhere.URL, "http://"), "?target=nobody&target=acme",
		"?module=acme", "?target=%20acme",
	} {
		status, _, body := r.do(http.MethodGet, "/probe"+query)
		if status != http.StatusNotFound {
			t.Errorf("%s answers %d", query, status)
		}
		if strings.Contains(body, "nobody") || strings.Contains(body, elsewhere.URL) {
			t.Errorf("%s is repeated: %s", query, body)
		}
	}
	if victim != 0 || r.calls() != 0 {
		t.Errorf("%d calls went elsewhere, %d to the workspace", victim, r.calls())
	}
}

func TestDiscoveryListsTheWorkspaces(t *testing.T) {
	r := newRig(t, []string{"b", "a"}, nil)
	urls := map[string]string{}
	for _, w := range r.set.All() {
		urls[w.Name] = w.Config.URL.String()
	}
	_, header, body := r.do(http.MethodGet, "/sd")
	want := `[{"targets":["a"],"labels":{"__meta_rocketchat_url":"` + urls["a"] + `"}},{"targets":["b"],"labels":{"__meta_rocketchat_url":"` + urls["b"] + `"}}]` + "\n"
	if header.Get("Content-Type") != "application/json" || body != want {
		t.Errorf("%s:\n%s", header.Get("Content-Type"), body)
	}
	if err := r.set.Apply(nil); err != nil {
		t.Fatal(err)
	}
	if _, _, body := r.do(http.MethodGet, "/sd"); body != "[]\n" {
		t.Errorf("of no workspaces, %s", body)
	}
}

func TestSingleWorkspaceIsShownWithTheExporter(t *testing.T) {
	r := newRig(t, []string{"chat.example"}, func(o *Options) { o.Multi, o.Workspace = false, "chat.example" })
	if _, _, body := r.do(http.MethodGet, "/metrics"); !strings.Contains(body, "\nrocketchat_import_up 1\n") || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("/metrics shows\n%s", body)
	}
	for _, path := range []string{"/probe?target=chat.example", "/sd"} {
		if status, _, _ := r.do(http.MethodGet, path); status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

func TestReload(t *testing.T) {
	reloads, failure := 0, error(nil)
	enabled := newRig(t, nil, func(o *Options) { o.Reload = func() error { reloads++; return failure } })
	disabled := newRig(t, nil, nil)
	tests := []struct {
		name    string
		r       *rig
		method  string
		failure error
		status  int
		reloads int
	}{
		{"is refused where it is not enabled", disabled, http.MethodPost, nil, http.StatusForbidden, 0},
		{"is not done by a GET", enabled, http.MethodGet, nil, http.StatusMethodNotAllowed, 0},
		{"is done by a POST", enabled, http.MethodPost, nil, http.StatusOK, 1},
		{"is done by a PUT", enabled, http.MethodPut, nil, http.StatusOK, 1},
		{"says what is wrong with the file", enabled, http.MethodPost, errors.New("line 6"), http.StatusInternalServerError, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reloads, failure = 0, test.failure
			status, _, body := test.r.do(test.method, "/-/reload")
			if status != test.status || reloads != test.reloads {
				t.Errorf("it answers %d after %d reloads", status, reloads)
			}
			if failure != nil && !strings.Contains(body, "line 6") {
				t.Errorf("it says %s", body)
			}
		})
	}
}

func TestHealthAndDocs(t *testing.T) {
	r := newRig(t, []string{"acme"}, nil)
	for path, want := range map[string]string{
		"/-/healthy": "Healthy.", "/-/ready": "Ready.", "/README.md": "# Read me", "/docs/runbooks.md": "# Runbooks",
	} {
		status, header, body := r.do(http.MethodGet, path)
		if status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
		if kind := header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
			t.Errorf("%s is %s", path, kind) // a browser would download text/markdown
		}
	}
	if status, _, _ := r.do(http.MethodGet, "/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("/debug/pprof/ answers %d", status)
	}
	if r.calls() != 0 {
		t.Errorf("%d calls were made", r.calls())
	}
}
