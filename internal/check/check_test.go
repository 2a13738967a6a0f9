package check

import (
	"encoding/json"
	"net/http/httptest"
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

const token = "a-token-that-must-not-show"

// start serves a simulated workspace.
func start(t *testing.T, generation rocketchatsim.Generation) (*rocketchatsim.Server, string) {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation})
	sim.SetUser("watcher", token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		assert.Zero(t, sim.Requests(rocketchatsim.GetImportFileData))
	})
	return sim, server.URL
}

// run checks the workspace and returns the result, in words and as JSON.
func run(t *testing.T, address, tokenFile string) (r Result, words, asJSON string) {
	t.Helper()
	url, err := client.ParseURL(address)
	require.NoError(t, err)
	w := config.Workspace{
		URL: url, UserID: "watcher", Token: token, TokenFile: tokenFile,
		Timeout: 10 * time.Second, HTTP: promconfig.DefaultHTTPClientConfig,
	}
	r = Run(t.Context(), "acme", w, "test")
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, r.String()+string(encoded), token)
	return r, r.String(), string(encoded)
}

func TestFindings(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	nowhere := httptest.NewServer(nil)
	nowhere.Close()
	front := func(name string) func() {
		answer := rocketchatsim.Fronts()[name]
		return func() { sim.AnswerWith(&answer) }
	}
	for name, test := range map[string]struct {
		arrange                      func()
		url                          string
		file                         string // with the token
		reached, accepted, permitted string
		want                         string // in words
	}{
		"no import":                 {func() {}, url, "", "true", "true", "true", "import       there never was one"},
		"a wrong token":             {func() { sim.SetToken("watcher", "another") }, url, "", "true", "false", "null", "HTTP status 401"},
		"no permission":             {func() { sim.Revoke("watcher", rocketchatsim.RunImport) }, url, "", "true", "true", "false", "run-import is missing"},
		"a firewall's 403":          {front("403 page of a firewall"), url, "", "false", "null", "null", "HTTP status 403"},
		"a proxy's 401":             {front("401 basic auth"), url, "", "false", "null", "null", "basic_auth"},
		"a URL that leads nowhere":  {func() {}, nowhere.URL, "", "false", "null", "null", "dial tcp"},
		"a token file that is gone": {func() {}, url, "/gone/token", "null", "null", "null", "/gone/token"},
	} {
		t.Run(name, func(t *testing.T) {
			sim.SetUser("watcher", token, rocketchatsim.RunImport)
			sim.AnswerWith(nil)
			test.arrange()
			r, words, asJSON := run(t, test.url, test.file)
			assert.Contains(t, asJSON, `"reached":`+test.reached+`,"token_accepted":`+test.accepted+`,"permitted":`+test.permitted)
			assert.Contains(t, words, "acme ("+test.url+")\n")
			assert.Contains(t, words, test.want)
			assert.Equal(t, test.permitted == "true", r.OK)
			assert.Equal(t, !r.OK, r.Hint != "")
		})
	}
}

func TestWords(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	op := rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now())
	op.Count = &rocketchatsim.Count{Total: new(153400), Completed: new(1200), Error: new(3)}
	sim.SetOperation(op)
	require.NoError(t, sim.Backdate(26*time.Hour+5*time.Minute+10*time.Second))
	_, words, _ := run(t, url, "")
	assert.Equal(t, "acme ("+url+`)
  Rocket.Chat  was reached
  token        is accepted
  permission   run-import is there
  import       slack, state importing (importer_importing_users); 1200 of 153400 saved, 3 failed
  last saved   1d2h5m ago
  meaning      Stalled: a running import is saved more often than this. See RocketChatImportStalled in docs/runbooks.md.
`, words)
}

func TestMeaning(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	invalid := func(o *rocketchatsim.Operation) { o.Valid = false }
	pendingFiles := func(o *rocketchatsim.Operation) { o.ImporterKey = "pending-files" }
	nothing := func(o *rocketchatsim.Operation) { o.Count.Total = new(0) }
	// So the CSV importer counts a Slack export.
	oneMessage := func(o *rocketchatsim.Operation) { o.Count.Total, o.Count.Messages = new(1), new(1) }
	for _, test := range []struct {
		step   string
		change func(*rocketchatsim.Operation)
		age    time.Duration
		want   string
	}{
		{rocketchatsim.StepNew, nothing, 0, "New:"},
		{rocketchatsim.StepFileLoaded, nothing, 29 * time.Minute, "Waiting: preparation begins"},
		{rocketchatsim.StepFileLoaded, nothing, 31 * time.Minute, "Stalled: the file cannot be read"},
		{rocketchatsim.StepPreparingUsers, nothing, 29 * time.Minute, "Preparing"},
		{rocketchatsim.StepPreparingUsers, invalid, 0, "Interrupted"},
		{rocketchatsim.StepUserSelection, nil, time.Hour, "Ready"},
		{rocketchatsim.StepUserSelection, nothing, 0, "Nothing staged"},
		{rocketchatsim.StepUserSelection, invalid, 0, "Nothing staged"},
		{rocketchatsim.StepUserSelection, oneMessage, 0, "Nothing staged"},
		{rocketchatsim.StepImportingMessages, nil, 14 * time.Minute, "Running."},
		{rocketchatsim.StepImportingMessages, nil, 16 * time.Minute, "Stalled: a running import"},
		{rocketchatsim.StepImportingFiles, pendingFiles, 16 * time.Minute, "Running. Rocket.Chat may save only"},
		{rocketchatsim.StepImportingMessages, invalid, 0, "Interrupted"},
		{rocketchatsim.StepDone, nil, time.Hour, "Finished."},
		{rocketchatsim.StepDone, invalid, 0, "Ended: finished before Rocket.Chat was restarted, or aborted; 250 of 900 saved."},
		{rocketchatsim.StepImportFailed, nil, 0, "Failed."},
		{rocketchatsim.StepImportCancelled, nil, 0, "Canceled."},
		{"importer_dreaming", nil, time.Hour, "This version"},
	} {
		op := rocketchatsim.SlackOperation(test.step, time.Now().Add(-test.age))
		op.Count = &rocketchatsim.Count{Total: new(900), Completed: new(250)}
		if test.change != nil {
			test.change(&op)
		}
		sim.SetOperation(op)
		r, _, _ := run(t, url, "")
		require.NotNil(t, r.Import)
		assert.True(t, strings.HasPrefix(r.Import.Meaning, test.want), "%s, %s old: %s", test.step, test.age, r.Import.Meaning)
		assert.Equal(t, test.want == "Nothing staged", r.Import.NothingStaged)
		assert.NotNil(t, r.ServerTime)
		require.NotNil(t, r.Import.SecondsSinceSave)
		assert.GreaterOrEqual(t, *r.Import.SecondsSinceSave, max(0, test.age.Seconds()-2))
	}
}

func TestNotes(t *testing.T) {
	sim, url := start(t, rocketchatsim.Early3)
	sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now().Add(-time.Hour)))
	_, words, _ := run(t, url, "")
	assert.Contains(t, words, "\n  note         This Rocket.Chat (3.0 to 3.13) keeps selections in its records, so the exporter never asks for them. "+
		"After an upgrade to 3.14 to 6.2, wait for the next import, then restart the exporter to make it forget this.\n")
	sim.SetDate(nil)
	r, words, asJSON := run(t, url, "")
	assert.True(t, r.OK)
	assert.Equal(t, "Running.", r.Import.Meaning)
	assert.Contains(t, words, "last saved   not known")
	assert.Contains(t, words, "note         The answer has no Date header")
	assert.Contains(t, asJSON, `"server_time":null`)
	assert.Contains(t, asJSON, `"seconds_since_save":null`)
}
