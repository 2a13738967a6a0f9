package check

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

var update = flag.Bool("update", false, "write testdata/check.txt anew")

const token = "a-token-that-must-not-show"

// now is the time on the simulated server.
var now = time.Date(2026, 11, 24, 6, 31, 55, 0, time.UTC)

// arrange changes a workspace that lacks nothing, and has had no import.
type arrange func(*sim.Server, *config.Workspace)

// imports lets the workspace have an import that was last saved so long ago.
func imports(step string, age time.Duration, count sim.Count) arrange {
	op := sim.SlackOperation(step, now.Add(-age))
	op.ID, op.Count = "6b052f5bf6f884453d01b94f", &count
	return func(s *sim.Server, _ *config.Workspace) { s.SetOperation(op) }
}

// check prints the result in words and as JSON.
func check(t *testing.T, generation sim.Generation, change arrange) string {
	t.Helper()
	rocketchat := sim.New(sim.Config{Generation: generation, Now: func() time.Time { return now }})
	rocketchat.SetUser("watcher", token, sim.RunImport)
	server := httptest.NewServer(rocketchat)
	defer server.Close()
	url, err := client.ParseURL(server.URL)
	require.NoError(t, err)
	w := config.Workspace{URL: url, UserID: "watcher", Token: token, Timeout: 10 * time.Second, HTTP: promconfig.DefaultHTTPClientConfig}
	change(rocketchat, &w)
	result := Run(t.Context(), "acme", w, "test")
	encoded, err := json.Marshal(result)
	require.NoError(t, err)
	assert.Zero(t, rocketchat.Requests(sim.GetImportFileData))
	return strings.ReplaceAll(result.String()+string(encoded), server.URL, "https://chat.example.com")
}

func TestResults(t *testing.T) {
	firewall := sim.Fronts()["403 page of a firewall"]
	counts := sim.Count{Total: new(900), Completed: new(250), Error: new(0)}
	failures := sim.Count{Total: new(900), Completed: new(250), Error: new(3)}
	var got strings.Builder
	for _, test := range []struct {
		name       string
		generation sim.Generation
		arrange    arrange
	}{
		{"no import", sim.Latest, func(*sim.Server, *config.Workspace) {}},
		{"a wrong token", sim.Latest, func(s *sim.Server, _ *config.Workspace) { s.SetToken("watcher", "another") }},
		{"no permission", sim.Latest, func(s *sim.Server, _ *config.Workspace) { s.Revoke("watcher", sim.RunImport) }},
		{"a firewall's 403", sim.Latest, func(s *sim.Server, _ *config.Workspace) { s.Intercept(sim.GetCurrentImportOperation, firewall) }},
		{"a URL that leads nowhere", sim.Latest, func(_ *sim.Server, w *config.Workspace) { w.URL.Host = "127.0.0.1:1" }},
		{"a token file that is gone", sim.Latest, func(_ *sim.Server, w *config.Workspace) { w.TokenFile = "/gone/token" }},
		{"a CA that is gone", sim.Latest, func(_ *sim.Server, w *config.Workspace) { w.HTTP.TLSConfig.CAFile = "/gone/ca.pem" }},

		{"ready", sim.Latest, imports(sim.StepUserSelection, 0, counts)},
		{"a file of another kind", sim.Latest, imports(sim.StepUserSelection, 0, sim.Count{Total: new(1), Messages: new(1)})},
		{"stalled, with failures", sim.Latest, imports(sim.StepImportingMessages, 26*time.Hour, failures)},
		{"in an unknown step", sim.Latest, imports("importer_dreaming", time.Hour, counts)},
		{"no Date header", sim.Latest, func(s *sim.Server, w *config.Workspace) {
			imports(sim.StepImportingUsers, time.Hour, counts)(s, w)
			s.SetDate(nil)
		}},
		{"an early server", sim.Early3, imports(sim.StepImportingUsers, 0, counts)},
	} {
		fmt.Fprintf(&got, "--- %s\n%s\n", test.name, check(t, test.generation, test.arrange))
	}
	assert.NotContains(t, got.String(), token)
	if *update {
		require.NoError(t, os.WriteFile("testdata/check.txt", []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/check.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String(), "if this is meant: go test ./internal/check -update")
}
