package check

import (
	"encoding/json"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

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
		if sim.Requests(rocketchatsim.GetImportFileData) != 0 {
			t.Error("the selection was read")
		}
	})
	return sim, server.URL
}

// run checks the workspace and returns the result, in words and as JSON.
func run(t *testing.T, address, tokenFile string) (r Result, words, asJSON string) {
	t.Helper()
	url, err := client.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	w := config.Workspace{
		URL: url, UserID: "watcher", Token: token, TokenFile: tokenFile,
		Timeout: 10 * time.Second, HTTP: promconfig.DefaultHTTPClientConfig,
	}
	r = Run(t.Context(), "acme", w, "test")
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String()+string(encoded), token) {
		t.Error("the result shows the token")
	}
	return r, text.String(), string(encoded)
}

func TestFindings(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	answer := func(a rocketchatsim.Answer) func() { return func() { sim.AnswerWith(&a) } }
	front := func(name string) func() { return answer(rocketchatsim.Fronts()[name]) }
	tests := map[string]struct {
		arrange                      func()
		url                          string
		file                         string // with the token
		reached, accepted, permitted string
		want                         string // in words
	}{
		"no import":                      {func() {}, url, "", "true", "true", "true", "import       there never was one"},
		"a wrong token":                  {func() { sim.SetToken("watcher", "another") }, url, "", "true", "false", "null", "HTTP status 401"},
		"a token that wants two factors": {answer(rocketchatsim.TOTPRequired()), url, "", "true", "false", "null", "Two Factor"},
		"no permission":                  {func() { sim.Revoke("watcher", rocketchatsim.RunImport) }, url, "", "true", "true", "false", "run-import is missing"},
		"a firewall's 403":               {front("403 page of a firewall"), url, "", "false", "null", "null", "HTTP status 403"},
		"a proxy's 401":                  {front("401 basic auth"), url, "", "false", "null", "null", "basic_auth"},
		"a proxy's 407":                  {front("407 of a proxy"), url, "", "false", "null", "null", "HTTP status 407"},
		"a login page":                   {front("login page"), url, "", "false", "null", "null", "HTTP status 200"},
		"a URL that leads nowhere":       {func() {}, "http://" + listener.Addr().String(), "", "false", "null", "null", "dial tcp"},
		"a token file that is gone":      {func() {}, url, "/gone/token", "null", "null", "null", "/gone/token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sim.SetUser("watcher", token, rocketchatsim.RunImport)
			sim.AnswerWith(nil)
			test.arrange()
			r, words, asJSON := run(t, test.url, test.file)
			want := `"reached":` + test.reached + `,"token_accepted":` + test.accepted + `,"permitted":` + test.permitted
			if !strings.Contains(asJSON, want) {
				t.Errorf("as JSON the result is %s, want %s", asJSON, want)
			}
			if !strings.HasPrefix(words, "acme ("+test.url+")\n") || !strings.Contains(words, test.want) {
				t.Errorf("in words the result is\n%swant %q", words, test.want)
			}
			if r.OK != (test.permitted == "true") || r.OK == (r.Hint != "") {
				t.Errorf("ok is %v, the hint %q", r.OK, r.Hint)
			}
		})
	}
}

func TestWords(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now()))
	if err := sim.Update(func(o *rocketchatsim.Operation) {
		o.Count = &rocketchatsim.Count{Total: new(153400), Completed: new(1200), Error: new(3)}
	}); err != nil {
		t.Fatal(err)
	}
	if err := sim.Backdate(26*time.Hour + 5*time.Minute + 10*time.Second); err != nil {
		t.Fatal(err)
	}
	_, words, _ := run(t, url, "")
	want := "acme (" + url + `)
  Rocket.Chat  was reached
  token        is accepted
  permission   run-import is there
  import       slack, state importing (importer_importing_users); 1200 of 153400 saved, 3 failed
  last saved   1d2h5m ago
  meaning      Stalled: a running import is saved more often than this. See RocketChatImportStalled in docs/runbooks.md.
`
	if words != want {
		t.Errorf("the words are\n%swant\n%s", words, want)
	}
}

func TestMeaning(t *testing.T) {
	tests := []struct {
		step     string
		importer string // slack if empty
		age      time.Duration
		invalid  bool
		total    int
		want     string
	}{
		{rocketchatsim.StepNew, "", 0, false, 0, "New:"},
		{rocketchatsim.StepFileLoaded, "", 29 * time.Minute, false, 0, "Waiting: preparation begins"},
		{rocketchatsim.StepFileLoaded, "", 31 * time.Minute, false, 0, "Stalled: the file cannot be read"},
		{rocketchatsim.StepPreparingUsers, "", 29 * time.Minute, false, 0, "Preparing"},
		{rocketchatsim.StepPreparingUsers, "", 31 * time.Minute, false, 0, "Stalled: the file cannot be read"},
		{rocketchatsim.StepPreparingUsers, "", 0, true, 0, "Interrupted"},
		{rocketchatsim.StepUserSelection, "", time.Hour, false, 900, "Ready"},
		{rocketchatsim.StepUserSelection, "", 0, false, 0, "Nothing staged"},
		{rocketchatsim.StepUserSelection, "", 0, true, 900, "Nothing staged"},
		{rocketchatsim.StepImportingMessages, "", 14 * time.Minute, false, 900, "Running."},
		{rocketchatsim.StepImportingMessages, "", 16 * time.Minute, false, 900, "Stalled: a running import"},
		{rocketchatsim.StepFinishing, "", 16 * time.Minute, false, 900, "Stalled: a running import"},
		{rocketchatsim.StepImportingFiles, "pending-files", 16 * time.Minute, false, 900, "Running. Rocket.Chat may save only"},
		{rocketchatsim.StepImportingMessages, "", 0, true, 900, "Interrupted"},
		{rocketchatsim.StepDone, "", time.Hour, false, 900, "Finished."},
		{rocketchatsim.StepDone, "", 0, true, 900, "Ended: finished before Rocket.Chat was restarted, or aborted; 250 of 900 saved."},
		{rocketchatsim.StepImportFailed, "", 0, false, 900, "Failed."},
		{rocketchatsim.StepImportCancelled, "", 0, false, 900, "Canceled."},
		{"importer_dreaming", "", time.Hour, false, 900, "This version"},
	}
	sim, url := start(t, rocketchatsim.Latest)
	for _, test := range tests {
		op := rocketchatsim.SlackOperation(test.step, time.Now().Add(-test.age))
		op.Valid = !test.invalid
		op.Count = &rocketchatsim.Count{Total: &test.total, Completed: new(250)}
		if test.importer != "" {
			op.ImporterKey = test.importer
		}
		sim.SetOperation(op)
		r, _, _ := run(t, url, "")
		if r.Import == nil || !strings.HasPrefix(r.Import.Meaning, test.want) || r.Import.NothingStaged != (test.want == "Nothing staged") {
			t.Errorf("%+v: the import is %+v", test, r.Import)
		}
		if r.ServerTime == nil || r.Import.SecondsSinceSave == nil || *r.Import.SecondsSinceSave < max(0, test.age.Seconds()-2) {
			t.Errorf("%+v: the server's time is %v, %+v", test, r.ServerTime, r.Import)
		}
	}
}

func TestAnswerWithoutDate(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now().Add(-time.Hour)))
	sim.SetDate(nil)
	r, words, asJSON := run(t, url, "")
	if !r.OK || r.Import.Meaning != "Running." || !strings.Contains(words, "last saved   not known") || !strings.Contains(words, "note         The answer has no Date header") ||
		!strings.Contains(asJSON, `"server_time":null`) || !strings.Contains(asJSON, `"seconds_since_save":null`) {
		t.Errorf("the result is\n%s%s", words, asJSON)
	}
}

// An early server is named as such, and no other is.
func TestEarlyServer(t *testing.T) {
	for _, generation := range rocketchatsim.Generations() {
		for _, importer := range []string{"slack", "pending-files"} {
			sim, url := start(t, generation)
			op := rocketchatsim.SlackOperation(rocketchatsim.StepUserSelection, time.Now())
			op.ImporterKey = importer
			sim.SetOperation(op)
			_, words, _ := run(t, url, "")
			want := generation == rocketchatsim.Early3 && importer == "slack"
			if got := strings.Contains(words, "so the exporter never asks for them. After an upgrade to 3.14 to 6.2, wait for the next import"); got != want {
				t.Errorf("%s, %s: the note is %v in\n%s", generation, importer, got, words)
			}
		}
	}
}

// A Slack export that is given to the CSV importer counts one message.
func TestFileOfAnotherKindHasNothingStaged(t *testing.T) {
	sim, url := start(t, rocketchatsim.Latest)
	op := rocketchatsim.SlackOperation(rocketchatsim.StepUserSelection, time.Now())
	op.Count = &rocketchatsim.Count{Total: new(1), Messages: new(1)}
	sim.SetOperation(op)
	if r, _, _ := run(t, url, ""); r.Import == nil || !r.Import.NothingStaged {
		t.Errorf("the import is %+v", r.Import)
	}
}
