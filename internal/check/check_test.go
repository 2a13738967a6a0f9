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
	"rocketchat_import_exporter/internal/rocketchatsim"
)

var update = flag.Bool("update", false, "write testdata/check.txt anew")

const token = "a-token-that-must-not-show"

// now is the time on the simulated server.
var now = time.Date(2026, 11, 24, 6, 31, 55, 0, time.UTC)

// arrange makes a workspace that lacks nothing, and has had no import, another.
type arrange func(*rocketchatsim.Server, *config.Workspace)

// imports lets the workspace have an import that was last saved so long ago.
func imports(step string, age time.Duration, changes ...func(*rocketchatsim.Operation)) arrange {
	op := rocketchatsim.SlackOperation(step, now.Add(-age))
	op.ID = "6b052f5bf6f884453d01b94f"
	op.Count = &rocketchatsim.Count{Total: new(900), Completed: new(250), Error: new(0)}
	for _, change := range changes {
		change(&op)
	}
	return func(s *rocketchatsim.Server, _ *config.Workspace) { s.SetOperation(op) }
}

func invalid(o *rocketchatsim.Operation)      { o.Valid = false }
func pendingFiles(o *rocketchatsim.Operation) { o.ImporterKey = "pending-files" }
func failures(o *rocketchatsim.Operation)     { o.Count.Error = new(3) }
func nothing(o *rocketchatsim.Operation)      { o.Count.Total = new(0) }

// oneMessage is what the CSV importer counts in a Slack export.
func oneMessage(o *rocketchatsim.Operation) {
	o.Count = &rocketchatsim.Count{Total: new(1), Messages: new(1)}
}

func answers(front string) arrange {
	return func(s *rocketchatsim.Server, _ *config.Workspace) {
		s.Intercept(rocketchatsim.GetCurrentImportOperation, rocketchatsim.Fronts()[front])
	}
}

// check prints the result in words and as JSON.
func check(t *testing.T, generation rocketchatsim.Generation, change arrange) string {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, Now: func() time.Time { return now }})
	sim.SetUser("watcher", token, rocketchatsim.RunImport)
	server := httptest.NewServer(sim)
	defer server.Close()
	url, err := client.ParseURL(server.URL)
	require.NoError(t, err)
	w := config.Workspace{URL: url, UserID: "watcher", Token: token, Timeout: 10 * time.Second, HTTP: promconfig.DefaultHTTPClientConfig}
	change(sim, &w)
	result := Run(t.Context(), "acme", w, "test")
	encoded, err := json.Marshal(result)
	require.NoError(t, err)
	assert.Zero(t, sim.Requests(rocketchatsim.GetImportFileData))
	return strings.ReplaceAll(result.String()+string(encoded), server.URL, "https://chat.example.com")
}

func TestResults(t *testing.T) {
	var got strings.Builder
	for _, test := range []struct {
		name    string
		arrange arrange
	}{
		{"no import", func(*rocketchatsim.Server, *config.Workspace) {}},
		{"a wrong token", func(s *rocketchatsim.Server, _ *config.Workspace) { s.SetToken("watcher", "another") }},
		{"no permission", func(s *rocketchatsim.Server, _ *config.Workspace) { s.Revoke("watcher", rocketchatsim.RunImport) }},
		{"a firewall's 403", answers("403 page of a firewall")},
		{"a proxy's 401", answers("401 basic auth")},
		{"a URL that leads nowhere", func(_ *rocketchatsim.Server, w *config.Workspace) { w.URL.Host = "127.0.0.1:1" }},
		{"a token file that is gone", func(_ *rocketchatsim.Server, w *config.Workspace) { w.TokenFile = "/gone/token" }},
		{"a CA that is gone", func(_ *rocketchatsim.Server, w *config.Workspace) { w.HTTP.TLSConfig.CAFile = "/gone/ca.pem" }},

		{"new", imports(rocketchatsim.StepNew, 0, nothing)},
		{"loaded", imports(rocketchatsim.StepFileLoaded, 30*time.Minute, nothing)},
		{"loaded for long", imports(rocketchatsim.StepFileLoaded, 30*time.Minute+time.Second, nothing)},
		{"preparing", imports(rocketchatsim.StepPreparingUsers, 30*time.Minute)},
		{"interrupted while preparing", imports(rocketchatsim.StepPreparingUsers, 0, invalid)},
		{"ready", imports(rocketchatsim.StepUserSelection, 0)},
		{"ready with nothing", imports(rocketchatsim.StepUserSelection, 0, nothing)},
		{"ready with a file of another kind", imports(rocketchatsim.StepUserSelection, 0, oneMessage)},
		{"cleared", imports(rocketchatsim.StepUserSelection, 0, invalid)},
		{"importing", imports(rocketchatsim.StepImportingMessages, 15*time.Minute)},
		{"stalled", imports(rocketchatsim.StepImportingMessages, 26*time.Hour+5*time.Minute+10*time.Second, failures)},
		{"downloading files", imports(rocketchatsim.StepImportingFiles, time.Hour, pendingFiles)},
		{"interrupted", imports(rocketchatsim.StepImportingMessages, 0, invalid)},
		{"finished", imports(rocketchatsim.StepDone, time.Hour)},
		{"ended somehow", imports(rocketchatsim.StepDone, time.Hour+time.Second, invalid)},
		{"failed", imports(rocketchatsim.StepImportFailed, 0)},
		{"canceled", imports(rocketchatsim.StepImportCancelled, 0)},
		{"in an unknown step", imports("importer_dreaming", time.Hour)},
		{"no Date header", func(s *rocketchatsim.Server, w *config.Workspace) {
			imports(rocketchatsim.StepImportingUsers, time.Hour)(s, w)
			s.SetDate(nil)
		}},
		{"saved in the future", imports(rocketchatsim.StepImportingUsers, -time.Second)},
	} {
		fmt.Fprintf(&got, "--- %s\n%s\n", test.name, check(t, rocketchatsim.Latest, test.arrange))
	}
	fmt.Fprintf(&got, "--- an early server\n%s\n", check(t, rocketchatsim.Early3, imports(rocketchatsim.StepImportingUsers, 0)))
	assert.NotContains(t, got.String(), token)
	if *update {
		require.NoError(t, os.WriteFile("testdata/check.txt", []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/check.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String(), "if this is meant: go test ./internal/check -update")
}
