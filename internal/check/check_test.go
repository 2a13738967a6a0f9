package check

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

var update = flag.Bool("update", false, "write testdata/check.txt anew")

// now is what the simulated server sends as its time.
var now = simtest.Epoch.Truncate(time.Second)

// arrange changes a workspace that lacks nothing, and has had no import.
type arrange func(*simtest.Rig)

// imports lets the workspace have an import that was last saved so long ago.
func imports(step string, age time.Duration, count sim.Count) arrange {
	op := sim.SlackOperation(step, now.Add(-age))
	op.ID, op.Count = "6b052f5bf6f884453d01b94f", &count
	return func(r *simtest.Rig) { r.Sim.SetOperation(op) }
}

// check prints the result in words and as JSON.
func check(t *testing.T, generation sim.Generation, change arrange) string {
	t.Helper()
	r := simtest.New(t, generation)
	url := r.Config.URL.String()
	change(r)
	result := Run(t.Context(), "acme", r.Config, "test")
	for result.LookSeconds != nil && *result.LookSeconds > watch.MaxTook.Seconds() { // the machine is busy
		result = Run(t.Context(), "acme", r.Config, "test")
	}
	if result.LookSeconds != nil {
		assert.Positive(t, *result.LookSeconds)
		result.LookSeconds = new(0.012)
	}
	encoded, err := json.Marshal(result)
	require.NoError(t, err)
	assert.Zero(t, r.Reads())
	said := strings.NewReplacer(url, "https://chat.example.com", r.Config.URL.String(), "https://chat.example.com").Replace(result.String() + string(encoded))
	return regexp.MustCompile(`within [0-9.]+m?s`).ReplaceAllString(said, "within 10s") // or less, if this machine is busy
}

// front answers instead of Rocket.Chat.
func front(status int, headers ...string) arrange {
	return func(r *simtest.Rig) {
		r.Sim.Intercept(sim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
			for pair := range slices.Chunk(headers, 2) {
				w.Header().Set(pair[0], pair[1])
			}
			w.WriteHeader(status)
			io.WriteString(w, "<html></html>")
		})
	}
}

// at leads the exporter to another address.
func at(address string) arrange {
	return func(r *simtest.Rig) { r.Config.URL, _ = url.Parse(address) }
}

func withBasicAuth(r *simtest.Rig) {
	front(401, "WWW-Authenticate", "Negotiate, Basic realm=\"chat\"")(r)
	r.Config.HTTP.BasicAuth = &promconfig.BasicAuth{Username: "me", Password: "wrong"}
}

func TestResults(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	firewall := sim.Fronts()["403 page of a firewall"]
	counts := sim.Count{Total: new(900), Completed: new(250), Error: new(0)}
	failures := sim.Count{Total: new(900), Completed: new(250), Error: new(3)}
	var got strings.Builder
	for _, test := range []struct {
		name       string
		generation sim.Generation
		arrange    arrange
	}{
		{"no import", sim.Latest, func(*simtest.Rig) {}},
		{"a wrong token", sim.Latest, func(r *simtest.Rig) { r.Sim.SetToken(simtest.UserID, "another") }},
		{"no permission", sim.Latest, func(r *simtest.Rig) { r.Sim.Revoke(simtest.UserID, sim.RunImport) }},
		{"a firewall's 403", sim.Latest, func(r *simtest.Rig) { r.Sim.Intercept(sim.GetCurrentImportOperation, firewall) }},
		{"a URL that leads nowhere", sim.Latest, func(r *simtest.Rig) { r.Config.URL.Host = "127.0.0.1:1" }},
		{"a token file that is gone", sim.Latest, func(r *simtest.Rig) { r.Config.TokenFile = "/gone/token" }},
		// What people get wrong, and what stands between them and Rocket.Chat.
		{"the user name for the id", sim.Classic, func(r *simtest.Rig) { r.Config.UserID = "exporter" }},
		{"id and token swapped", sim.Classic, func(r *simtest.Rig) { r.Config.UserID, r.Config.Token = r.Config.Token, "aobEdbYhXfu5hkeqG" }},
		{"a path too many", sim.Classic, func(r *simtest.Rig) { r.Config.URL.Path = "/api/v1" }},
		{"a path too many, 8.x", sim.Latest, func(r *simtest.Rig) { r.Config.URL.Path = "/api/v1" }},
		{"too many calls", sim.Latest, func(r *simtest.Rig) {
			r.Sim.SetUser(simtest.UserID, simtest.Token, sim.RunImport)
			for range 10 {
				Run(t.Context(), "acme", r.Config, "test")
			}
		}},
		{"http to an https port", sim.Latest, at(strings.Replace(secure.URL, "https", "http", 1))},
		{"https to an http port", sim.Latest, at(strings.Replace(plain.URL, "http", "https", 1))},
		{"a certificate that is not trusted", sim.Latest, at(secure.URL)},
		{"a redirect to https", sim.Latest, front(302, "Location", "https://127.0.0.1/api/v1/getCurrentImportOperation")},
		{"an unknown host", sim.Latest, at("http://no..such.host")},
		{"a proxy that is down", sim.Latest, func(r *simtest.Rig) {
			r.Config.HTTP.ProxyURL = promconfig.URL{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}
		}},
		{"basic_auth that is missing", sim.Latest, front(401, "WWW-Authenticate", "Basic")},
		{"basic_auth that is wrong", sim.Latest, withBasicAuth},
		{"a password_file that is gone", sim.Latest, func(r *simtest.Rig) {
			r.Config.HTTP.BasicAuth = &promconfig.BasicAuth{Username: "me", PasswordFile: "/gone/password"}
		}},
		{"a 404 of nginx", sim.Latest, front(404, "Server", "nginx/1.22.1")},
		{"a 413 of nginx", sim.Latest, front(413, "Server", "nginx/1.22.1")},
		{"an answer of a cache", sim.Latest, front(200, "Age", "30")},
		{"no answer", sim.Latest, func(r *simtest.Rig) {
			r.Sim.Hold(sim.GetCurrentImportOperation)
			r.Config.Timeout = 200 * time.Millisecond
		}},
		{"a CA that is gone", sim.Latest, func(r *simtest.Rig) { r.Config.HTTP.TLSConfig.CAFile = "/gone/ca.pem" }},

		{"ready", sim.Latest, imports(sim.StepUserSelection, 0, sim.Count{Total: new(900), Users: new(100)})},
		{"set back", sim.Latest, imports(sim.StepUserSelection, 0, counts)},
		{"a file of another kind", sim.Latest, imports(sim.StepUserSelection, 0, sim.Count{Total: new(1), Messages: new(1)})},
		{"stalled, with failures", sim.Latest, imports(sim.StepImportingMessages, 26*time.Hour, failures)},
		{"in an unknown step", sim.Latest, imports("importer_dreaming", time.Hour, counts)},
		{"no Date header", sim.Latest, func(r *simtest.Rig) {
			imports(sim.StepImportingUsers, time.Hour, counts)(r)
			r.Sim.SetDate(nil)
		}},
		{"an early server", sim.Early3, imports(sim.StepImportingUsers, 0, counts)},
	} {
		fmt.Fprintf(&got, "--- %s\n%s\n", test.name, check(t, test.generation, test.arrange))
	}
	assert.NotContains(t, got.String(), simtest.Token)
	if *update {
		require.NoError(t, os.WriteFile("testdata/check.txt", []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/check.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String(), "if this is meant: go test ./internal/check -update")
}
