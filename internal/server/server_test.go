package server

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/workspaces"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	one  = Options{Workspace: "acme", TelemetryPath: "/metrics"}
	many = Options{TelemetryPath: "/metrics"}
)

// rig is a server of workspaces that are simulated.
type rig struct {
	t    *testing.T
	url  string
	sims map[string]*rocketchatsim.Server
	set  *workspaces.Set
}

// newRig serves workspaces of these names.
func newRig(t *testing.T, o Options, names ...string) *rig {
	t.Helper()
	r := &rig{t: t, sims: map[string]*rocketchatsim.Server{}, set: workspaces.NewSet("test", log.NewNopLogger())}
	configs := map[string]config.Workspace{}
	for _, name := range names {
		rocketchat := simtest.New(t, rocketchatsim.Latest)
		r.sims[name], configs[name] = rocketchat.Sim, rocketchat.Config
	}
	require.NoError(t, r.set.Apply(configs))
	o.Set, o.Registry, o.Logger = r.set, prometheus.NewRegistry(), log.NewNopLogger()
	o.Registry.MustRegister(collectors.NewGoCollector())
	server := httptest.NewServer(New(o))
	r.url = server.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
		r.set.Close()
	})
	return r
}

// do returns an answer, which must have that status.
func (r *rig) do(method, path string, status int) (header http.Header, body string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, nil)
	require.NoError(r.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	assert.Equal(r.t, status, resp.StatusCode, path)
	return resp.Header, string(content)
}

func (r *rig) get(path string) (body string) {
	r.t.Helper()
	_, body = r.do(http.MethodGet, path, http.StatusOK)
	return body
}

// calls is how many calls all workspaces have had.
func (r *rig) calls() (n int) {
	for sim := range maps.Values(r.sims) {
		n += sim.Requests(rocketchatsim.GetCurrentImportOperation) + sim.Requests(rocketchatsim.GetImportFileData)
	}
	return n
}

func TestProbeShowsTheWorkspaceThatTargetNames(t *testing.T) {
	r := newRig(t, many, "acme", "other")
	r.sims["other"].SetToken(simtest.UserID, "another")
	acme := r.get("/probe?target=acme")
	assert.Contains(t, acme, "\nrocketchat_import_up 1\n")
	assert.NotContains(t, acme, "go_goroutines")
	assert.NotContains(t, acme, "workspace=")
	assert.Contains(t, r.get("/probe?target=other"), "\nrocketchat_import_up 0\n")
	own := r.get("/metrics")
	assert.Contains(t, own, "\ngo_goroutines ")
	assert.NotContains(t, own, "rocketchat_import_up")
}

func TestTargetThatIsNoNameOfTheFileIsNotFoundAndCallsNothing(t *testing.T) {
	victim := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { victim++ }))
	t.Cleanup(elsewhere.Close)
	r := newRig(t, many, "acme")
	for _, query := range []string{
		"?target=nobody", "?target=ACME", "?target=acme%00", "?target=acme/", "?target=../acme",
		"?target=" + elsewhere.URL, "?target=" + strings.TrimPrefix(elsewhere.URL, "http://"), "?target=nobody&target=acme",
		"?target=%20acme",
	} {
		_, body := r.do(http.MethodGet, "/probe"+query, http.StatusNotFound)
		assert.NotContains(t, body, "nobody")
		assert.NotContains(t, body, elsewhere.URL)
	}
	assert.Zero(t, victim)
	assert.Zero(t, r.calls())
}

func TestProbeWithoutATargetSaysWhereTheTargetsAre(t *testing.T) {
	r := newRig(t, many, "acme")
	for _, query := range []string{"", "?target=", "?module=acme"} {
		_, body := r.do(http.MethodGet, "/probe"+query, http.StatusBadRequest)
		assert.Equal(t, "The parameter target is missing. The workspaces are listed at /sd.\n", body)
	}
	assert.Zero(t, r.calls())
}

func TestDiscoveryListsTheWorkspaces(t *testing.T) {
	r := newRig(t, many, "b", "a")
	all := r.set.All()
	header, body := r.do(http.MethodGet, "/sd", http.StatusOK)
	assert.Equal(t, "application/json", header.Get("Content-Type"))
	assert.Equal(t, `[{"targets":["a"],"labels":{"__meta_rocketchat_url":"`+all[0].Config.URL.String()+
		`"}},{"targets":["b"],"labels":{"__meta_rocketchat_url":"`+all[1].Config.URL.String()+`"}}]`+"\n", body)
	require.NoError(t, r.set.Apply(nil))
	assert.Equal(t, "[]\n", r.get("/sd"))
}

func TestSingleWorkspaceIsShownWithTheExporter(t *testing.T) {
	r := newRig(t, one, "acme")
	body := r.get("/metrics")
	assert.Contains(t, body, "\nrocketchat_import_up 1\n")
	assert.Contains(t, body, "\ngo_goroutines ")
	assert.NotContains(t, r.get("/"), "./sd")
	for _, query := range []string{"", "?target=acme"} {
		_, body := r.do(http.MethodGet, "/probe"+query, http.StatusBadRequest)
		assert.Equal(t, "This exporter watches one workspace. Its metrics are at /metrics.\n", body)
	}
	r.do(http.MethodGet, "/sd", http.StatusNotFound)
}

func TestReloadIsGuardedAgainstBrowsers(t *testing.T) {
	reloads := 0
	reload := func() error { reloads++; return nil }
	for name, test := range map[string]struct {
		local   bool
		host    string
		headers map[string]string
		status  int
	}{
		"a script":                           {false, "exporter.example.com", nil, 200},
		"a script beside it":                 {true, "localhost:10458", nil, 200},
		"a script that names the address":    {true, "127.0.0.1:10458", nil, 200},
		"a script that names the IPv6":       {true, "[::1]:10458", nil, 200},
		"a name below localhost":             {true, "exporter.LocalHost:10458", nil, 200},
		"a host without a port":              {true, "[::1]", nil, 200},
		"a page of the exporter":             {true, "localhost:10458", map[string]string{"Origin": "http://localhost:10458", "Sec-Fetch-Site": "same-origin"}, 200},
		"a foreign page":                     {false, "exporter.example.com", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403},
		"a foreign page in an old browser":   {false, "exporter.example.com", map[string]string{"Origin": "https://evil.example"}, 403},
		"a name that was made to lead here":  {true, "evil.example:10458", map[string]string{"Origin": "http://evil.example:10458", "Sec-Fetch-Site": "same-origin"}, 403},
		"a name that begins like an address": {true, "127.0.0.1.evil.example", nil, 403},
		"a name that a proxy in front sends": {false, "exporter.example.com", map[string]string{"Origin": "https://exporter.example.com"}, 200},
	} {
		before := reloads
		req := httptest.NewRequest(http.MethodPost, "/-/reload", nil)
		req.Host = test.host
		for header, value := range test.headers {
			req.Header.Set(header, value)
		}
		w := httptest.NewRecorder()
		o := Options{TelemetryPath: "/metrics", Registry: prometheus.NewRegistry(), Reload: reload, Local: test.local}
		New(o).ServeHTTP(w, req)
		assert.Equal(t, test.status, w.Code, name)
		assert.Equal(t, test.status == 200, reloads > before, name)
		get := httptest.NewRequest(http.MethodGet, "/-/healthy", nil)
		get.Host, get.Header = test.host, req.Header
		w = httptest.NewRecorder()
		New(o).ServeHTTP(w, get)
		assert.Equal(t, http.StatusOK, w.Code, name) // any host may look
	}
}

func TestReload(t *testing.T) {
	reloads, failure := 0, error(nil)
	r := newRig(t, Options{TelemetryPath: "/metrics", Reload: func() error { reloads++; return failure }})
	r.do(http.MethodGet, "/-/reload", http.StatusMethodNotAllowed)
	assert.Equal(t, 0, reloads)
	r.do(http.MethodPost, "/-/reload", http.StatusOK)
	assert.Equal(t, 1, reloads)
	r.do(http.MethodPut, "/-/reload", http.StatusOK)
	assert.Equal(t, 2, reloads)
	failure = errors.New("line 6")
	_, body := r.do(http.MethodPost, "/-/reload", http.StatusInternalServerError)
	assert.Contains(t, body, "line 6")
	newRig(t, one).do(http.MethodPost, "/-/reload", http.StatusForbidden)
}

func TestHealthAndDocs(t *testing.T) {
	r := newRig(t, many)
	for path, want := range map[string]string{
		"/-/healthy": "Healthy.\n", "/-/ready": "Ready.\n", "/docs/README.md": `<h1 id="documentation">Documentation</h1>`, "/docs/page.png": "\x89PNG",
	} {
		assert.Contains(t, r.get(path), want)
	}
	for _, path := range []string{"/debug/pprof/", "/README.md", "/docs/elsewhere.md"} {
		r.do(http.MethodGet, path, http.StatusNotFound)
	}
}

func TestHomeAsksNothing(t *testing.T) {
	r := newRig(t, many, "acme")
	op := rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now())
	op.Type = "<script>alert(1)</script>"
	r.sims["acme"].SetOperation(op)
	r.get("/probe?target=acme")
	before := r.calls()
	for path, status := range map[string]int{"/": 200, "/?workspace=acme": 200, "/?workspace=%3Cscript%3E": 404} {
		header, body := r.do(http.MethodGet, path, status)
		assert.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'", header.Get("Content-Security-Policy"))
		assert.Equal(t, "no-store", header.Get("Cache-Control"))
		for _, want := range []string{
			"importing users", `<meta http-equiv="refresh" content="15">`, `href="./metrics"`, `href="./sd"`, `href="./docs/runbooks.md"`,
		} {
			assert.Contains(t, body, want)
		}
		assert.NotContains(t, body, "<script")
		assert.NotContains(t, body, simtest.Token)
	}
	assert.Equal(t, before, r.calls())
}
