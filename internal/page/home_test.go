package page

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

var (
	update      = flag.Bool("update", false, "write testdata/home.html anew")
	screenshots = flag.String("screenshots", "", "folder to write docs/page.png to")
)

// look is when the newest look was. now is twelve seconds later.
var look = time.Date(2026, 11, 24, 6, 31, 55, 0, time.UTC)
var now = look.Add(12 * time.Second)

func known(n int64) client.OptionalCount { return client.OptionalCount{Value: n, Known: true} }

// seenIn is a status with one answer about a Slack import in a step, whose clock is an hour ahead.
// Half of its records are handled, and it was saved a minute before the look.
func seenIn(step client.Step, changes ...func(*watch.Status)) watch.Status {
	server := look.Add(time.Hour)
	op := &client.Operation{
		ID: "6b052f5bf6f884453d01b94f", Importer: "slack", Type: "Slack", Step: step, Valid: true, CreatedISO: true,
		Created: server.Add(-3 * time.Hour), Updated: server.Add(-time.Minute),
		Counts: client.Counts{Total: known(153400), Completed: known(76700), Users: known(3000), Channels: known(400), Messages: known(150000)},
	}
	if state := step.State(); state == client.StateLoading || state == client.StateReady {
		op.Counts.Completed = client.OptionalCount{}
	}
	s := watch.Status{
		At: look, Scraped: look,
		Snapshot: watch.Snapshot{Up: true, PositionKnown: true, Operation: op, ServerTime: server},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func notValid(s *watch.Status) { s.Snapshot.Operation.Valid = false }

// savedBefore makes the newest save that old at the look.
func savedBefore(d time.Duration) func(*watch.Status) {
	return func(s *watch.Status) { s.Snapshot.Operation.Updated = look.Add(time.Hour - d) }
}

func counts(total, completed, failed int64) func(*watch.Status) {
	return func(s *watch.Status) {
		c := &s.Snapshot.Operation.Counts
		c.Total, c.Completed, c.Error = known(total), known(completed), known(failed)
	}
}

func counted(c client.Counts) func(*watch.Status) {
	return func(s *watch.Status) { s.Snapshot.Operation.Counts = c }
}

func importer(key string) func(*watch.Status) {
	return func(s *watch.Status) { s.Snapshot.Operation.Importer, s.Snapshot.Operation.Type = key, key }
}

func incident(kind watch.Incident, before time.Duration) func(*watch.Status) {
	return func(s *watch.Status) {
		if kind == watch.SetBack {
			s.Snapshot.SetBackAt = look.Add(-before)
		} else {
			s.Snapshot.AbortedAt, s.Snapshot.Ending = look.Add(-before), watch.EndingAborted
		}
	}
}

// watched is a first look that long before the newest, with that many records less.
func watched(took time.Duration, done int64) func(*watch.Status) {
	return func(s *watch.Status) {
		c := s.Snapshot.Operation.Counts
		s.Snapshot.Last = watch.Sample{At: look, Handled: c.Handled()}
		s.Snapshot.First = watch.Sample{At: look.Add(-took), Handled: c.Handled() - done}
	}
}

func selected(users, channels, messages int64) func(*watch.Status) {
	return func(s *watch.Status) {
		s.Snapshot.Selection = &client.Selection{Users: known(users), Channels: known(channels), Messages: known(messages)}
	}
}

// states are the states of a workspace.
var states = []struct {
	name string
	seen watch.Status
}{
	{"never scraped", watch.Status{}},
	{"no import", watch.Status{At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true, Selection: &client.Selection{Users: known(0)}}}},
	{"unguarded", watch.Status{At: look, Scraped: look, Snapshot: watch.Snapshot{Selection: &client.Selection{Users: known(12)}}}},
	{"unguarded and waiting", watch.Status{At: look, Scraped: look, Snapshot: watch.Snapshot{Waiting: true}}},
	{"new", seenIn("importer_new", counts(0, 0, 0), savedBefore(100*24*time.Hour))},
	{"uploading", seenIn("importer_uploading", counted(client.Counts{}))},
	{"loaded, and nobody opened the page", seenIn("importer_file_loaded", savedBefore(31*time.Minute), counted(client.Counts{}))},
	{"preparing", seenIn("importer_preparing_contacts", counted(client.Counts{Total: known(2999), Users: known(3000), Contacts: known(400)}))},
	{"preparing for too long", seenIn("importer_preparing_messages", savedBefore(30*time.Minute+time.Second))},
	{"interrupted while preparing", seenIn("importer_preparing_users", notValid)},
	{"given up before that", seenIn("importer_file_loaded", notValid)},
	{"ready", seenIn(client.StepUserSelection, savedBefore(100*24*time.Hour), selected(3000, 400, 150000))},
	{"ready with nothing", seenIn(client.StepUserSelection, counts(1, 0, 0), selected(0, 0, 0))},
	{"ready with contacts alone", seenIn(client.StepUserSelection, counted(client.Counts{Total: known(5), Contacts: known(5)}))},
	{"ready with messages alone", seenIn(client.StepUserSelection, selected(0, 0, 5))},
	{"ready, and not even a selection", seenIn(client.StepUserSelection, counted(client.Counts{Total: known(0)}))},
	{"ready with a file of another kind", seenIn(client.StepUserSelection, counted(client.Counts{Total: known(1), Messages: known(1)}))},
	{"cleared", seenIn(client.StepUserSelection, notValid)},
	{"importing", seenIn("importer_importing_messages")},
	{"importing, with failures", seenIn("importer_importing_users", importer("api"), counts(900, 250, 50))},
	{"importing without a total", seenIn("importer_importing_started", counted(client.Counts{}))},
	{"downloading files", seenIn("importer_importing_files", importer("pending-files"), savedBefore(time.Hour))},
	{"importing above its total", seenIn("importer_importing_messages", counts(100, 120, 0))},
	{"stalled", seenIn("importer_importing_messages", savedBefore(15*time.Minute+time.Second))},
	{"set back a while ago", seenIn("importer_importing_messages", incident(watch.SetBack, 59*time.Minute))},
	{"set back, and stalled", seenIn("importer_importing_messages", incident(watch.SetBack, 0), savedBefore(time.Hour))},
	{"set back long ago", seenIn("importer_importing_messages", incident(watch.SetBack, time.Hour))},
	{"set back to ready", seenIn(client.StepUserSelection, incident(watch.SetBack, time.Hour))},
	{"set back, seen from one look", seenIn(client.StepUserSelection, counts(10642, 200, 0))},
	{"finished", seenIn(client.StepDone, counts(153400, 153000, 0), savedBefore(12*time.Minute))},
	{"finished before a restart", seenIn(client.StepDone, notValid, finished)},
	{"ended somehow", seenIn(client.StepDone, notValid, counts(900, 250, 0))},
	{"ended somehow, and nothing is counted", seenIn(client.StepDone, notValid, counted(client.Counts{}))},
	{"aborted", seenIn(client.StepDone, notValid, counts(900, 250, 0), incident(watch.Aborted, 24*time.Hour-5*time.Second))},
	{"aborted long ago", seenIn(client.StepDone, notValid, counts(900, 250, 0), incident(watch.Aborted, 24*time.Hour))},
	{"interrupted", seenIn("importer_importing_users", notValid)},
	{"interrupted long ago", seenIn("importer_importing_users", notValid, savedBefore(24*time.Hour))},
	{"failed", seenIn("importer_import_failed", savedBefore(time.Hour))},
	{"canceled", seenIn("importer_import_cancelled", savedBefore(50*time.Hour))},
	{"in an unknown step", seenIn("importer_dreaming")},
	{"no speed after one look", seenIn("importer_importing_messages", watched(0, 0))},
	{"no speed where nothing moved", seenIn("importer_importing_messages", watched(4*time.Minute, 0))},
	{"fast", seenIn("importer_importing_messages", watched(100*time.Second, 76700))},
	{"slow", seenIn("importer_importing_messages", watched(10*time.Minute, 500))},
	{"slower", seenIn("importer_importing_messages", watched(10*time.Hour, 500))},
	{"as good as not", seenIn("importer_importing_messages", counts(1<<53, 1, 0), watched(10*time.Hour, 1))},
	{"about to end", seenIn("importer_importing_messages", counts(153400, 153400, 0), watched(time.Minute, 60000))},
	{"done, above its total", seenIn("importer_importing_messages", counts(100, 120, 0), watched(time.Minute, 60))},
	{"fast, without a total", seenIn("importer_importing_messages", counted(client.Counts{}), func(s *watch.Status) {
		s.Snapshot.First.At, s.Snapshot.Last = look.Add(-time.Minute), watch.Sample{At: look, Handled: 60}
	})},
	{"no end where it stalls", seenIn("importer_importing_messages", watched(time.Hour, 3600), savedBefore(time.Hour))},
	{"no speed where it is over", seenIn(client.StepDone, watched(time.Minute, 60))},
}

func finished(s *watch.Status) { s.Snapshot.Ending = watch.EndingFinished }

// ten are workspaces in many states.
func ten(t *testing.T) map[string]watch.Status {
	const messages = client.Step("importer_importing_messages")
	umbrella := simtest.New(t, rocketchatsim.Latest)
	umbrella.Sim.SetToken(simtest.UserID, "another")
	c, err := umbrella.Config.Client("test", func(client.Call) {})
	require.NoError(t, err)
	_, failure := c.Look(t.Context())
	require.Error(t, failure)
	refused := seenIn(messages)
	refused.Failing, refused.Failure, refused.FailedAt = true, failure, look.Add(10*time.Second)
	return map[string]watch.Status{
		"acme":     seenIn(messages, watched(100*time.Second, 76700)),
		"globex":   seenIn(messages, savedBefore(25*time.Minute), watched(40*time.Minute, 61000)),
		"hooli":    seenIn(client.StepDone, notValid, savedBefore(2*time.Hour), counts(153400, 61500, 0), incident(watch.Aborted, 2*time.Hour)),
		"initech":  seenIn(client.StepDone, counts(153400, 153000, 0), savedBefore(12*time.Minute)),
		"soylent":  seenIn("importer_preparing_messages", counted(client.Counts{Total: known(132900)})),
		"stark":    seenIn(client.StepUserSelection, selected(3000, 400, 150000)),
		"umbrella": refused,
		"wayne":    {At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true}},
		"wonka":    seenIn(client.StepUserSelection, counts(1, 0, 0), selected(0, 0, 0)),
		"zorg":     {},
	}
}

var (
	one  = Home{Single: "acme", TelemetryPath: "/metrics"}
	many = Home{TelemetryPath: "/metrics"}
)

// opened is a page of workspaces, and when it is opened.
type opened struct {
	name   string
	home   Home
	target string
	seen   map[string]watch.Status
	at     time.Time
}

// ServeHTTP writes the page.
func (o opened) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	o.home.Workspaces = func() (all []Workspace) {
		for _, name := range slices.Sorted(maps.Keys(o.seen)) {
			all = append(all, Workspace{name, "https://" + name + ".example.com", o.seen[name], true, config.Workspace{}.Hint})
		}
		return all
	}
	o.home.serve(w, httptest.NewRequest(http.MethodGet, o.target, nil), o.at)
}

// byItself is what is seen while nobody scrapes.
func byItself(seen watch.Status) watch.Status {
	seen.Scraped = time.Time{}
	return seen
}

// pages are what the tests open.
func pages(t *testing.T) (all []opened) {
	acme := func(seen watch.Status) map[string]watch.Status { return map[string]watch.Status{"acme": seen} }
	inEach := map[string]watch.Status{}
	for _, state := range states {
		inEach[strings.NewReplacer(" ", "-", ",", "").Replace(state.name)] = state.seen
		all = append(all, opened{state.name, one, "/", acme(state.seen), now})
	}
	ten := ten(t)
	running, refused, recovered := ten["acme"], ten["umbrella"], ten["umbrella"]
	recovered.Failing = false
	early, noDate, noTimes := seenIn(client.StepUserSelection), seenIn("importer_importing_messages"), seenIn("importer_importing_messages")
	early.Snapshot.Operation.CreatedISO = false
	noDate.Snapshot.ServerTime, noDate.Snapshot.Operation.Updated = time.Time{}, look.Add(-time.Minute)
	noTimes.Snapshot.Operation.Updated, noTimes.Snapshot.Operation.Created = time.Time{}, time.Time{}
	before := seenIn(client.StepDone, func(s *watch.Status) { s.At = look.Add(-time.Minute) })
	return append(all,
		opened{"an answer has no Date", one, "/", acme(noDate), now},
		opened{"a record has no times", one, "/", acme(noTimes), now},
		opened{"the clock was set back after the look", one, "/", acme(running), look.Add(-time.Second)},
		opened{"the selection is nearer the truth than the counts", one, "/", acme(seenIn(client.StepUserSelection, selected(2990, 400, 149739))), now},
		opened{"an early server", one, "/", acme(early), now},
		opened{"a failure that lasts is shown with what to do", one, "/", acme(refused), now},
		opened{"a failure that is over is kept", one, "/", acme(recovered), now},
		opened{"nothing was scraped lately", Home{Single: "acme", TelemetryPath: "/m"}, "https://[::1]/", acme(running), look.Add(6 * time.Minute)},
		opened{"it was scraped five minutes ago", one, "/", acme(running), look.Add(5 * time.Minute)},
		opened{"a scrape stopped the looks of the exporter", one, "/", acme(running), look.Add(2 * time.Minute)},
		opened{"the most pressing are first", many, "/", inEach, now},
		opened{"the address names the one that is shown in full", many, "/?workspace=acme", ten, now},
		opened{"the address names none that there is", many, "/?workspace=elsewhere", acme(running), now},
		opened{"no workspace was scraped for long", many, "http://x:1/", map[string]watch.Status{"a": {}, "b": running, "c": refused}, look.Add(7 * time.Minute)},
		opened{"one of them was not scraped for long", many, "/?workspace=a", map[string]watch.Status{"a": {}, "b": running, "c": before}, now},
		opened{"nobody scrapes, and the exporter looks by itself", one, "/", acme(byItself(running)), now},
		opened{"it looks by itself at some of them", many, "/", map[string]watch.Status{"a": {}, "b": byItself(running), "c": byItself(refused)}, now},
		opened{"the configuration file was rejected", Home{TelemetryPath: "/metrics", Rejected: func() error { return errors.New("line 6: workspace <acme>") }}, "/", acme(running), now},
		opened{"several instances answer", one, "/", acme(seenIn(client.StepUserSelection, selected(3000, 400, 150000), func(s *watch.Status) { s.Snapshot.Instances = 2 })), now},
		opened{"it says why the import died", one, "/", acme(seenIn("importer_importing_users", notValid, func(s *watch.Status) {
			s.Snapshot.Died = "an instance of Rocket.Chat was started between 06:31:40 and 06:31:55 UTC"
		})), now},
		opened{"there are none", many, "/", nil, now},
	)
}

func TestHome(t *testing.T) {
	runbooks, err := os.ReadFile("../../docs/runbooks.md")
	require.NoError(t, err)
	var shown strings.Builder
	for _, page := range pages(t) {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, nil)
		assert.LessOrEqual(t, w.Body.Len(), 10*1024+1000*len(page.seen), "%s: the page is large", page.name)
		_, title, _ := strings.Cut(w.Body.String(), "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		_, main, _ := strings.Cut(w.Body.String(), "<main>\n")
		main, _, _ = strings.Cut(main, "</main>")
		fmt.Fprintf(&shown, "<hr><!-- %s -->\n<h1>%s</h1>\n%s", page.name, title, main)
	}
	for _, unwanted := range []string{`href="/`, "<script", "elsewhere", simtest.Token} {
		assert.False(t, strings.Contains(shown.String(), unwanted), unwanted)
	}
	for _, runbook := range regexp.MustCompile(`RocketChatImport\w+`).FindAllString(shown.String(), -1) {
		assert.True(t, strings.Contains(string(runbooks), "\n## "+runbook+"\n"), "there is no runbook %s", runbook)
	}
	if *update {
		require.NoError(t, os.WriteFile("testdata/home.html", []byte(shown.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/home.html")
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(shown.String(), "\n"), "if this is meant: go test ./internal/page -run TestHome -update")
}

// chromium runs Debian's Chromium on a page of this machine.
func chromium(t *testing.T, args ...string) {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: install Debian's package to look at the page in a browser")
	}
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}, args...)
	out, err := exec.CommandContext(t.Context(), binary, args...).Output()
	require.NoError(t, err, string(out))
}

func TestHomeInABrowser(t *testing.T) {
	all := pages(t)
	i := slices.IndexFunc(all, func(page opened) bool { return page.target == "/?workspace=acme" })
	web := httptest.NewServer(all[i])
	t.Cleanup(web.Close)
	if *screenshots != "" {
		chromium(t, "--window-size=1280,1080", "--screenshot="+filepath.Join(*screenshots, "page.png"), web.URL)
	}
	answer, err := web.Client().Get(web.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	parsed, err := html.Parse(answer.Body) // as browsers do, by the same standard
	require.NoError(t, err)
	var dom strings.Builder
	require.NoError(t, html.Render(&dom, parsed))
	for element, want := range map[string]int{
		"<h1>": 1, "<h2": 1, "<main>": 1, "<header>": 1, "<footer": 1, "<section aria-labelledby=": 1, "<table": 1, "<tbody>": 1, `scope="row"`: 10, "<progress": 7,
		`<progress aria-label="Progress of acme"`: 2, `<html lang="en">`: 1, `<nav aria-label=`: 1, `name="viewport"`: 1, "<script": 0,
	} {
		assert.Equal(t, want, strings.Count(dom.String(), element), element)
	}
}
