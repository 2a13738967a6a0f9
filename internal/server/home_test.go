package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// look is when the newest look was. now is twelve seconds later.
var look = time.Date(2026, 11, 24, 6, 31, 55, 0, time.UTC)
var now = look.Add(12 * time.Second)

func known(n int64) client.OptionalCount { return client.OptionalCount{Value: n, Known: true} }

// seenIn is a status with one good look at a Slack import in a step, whose clock
// is an hour ahead. Half of its records are handled, and it was saved a minute
// before the look.
func seenIn(step client.Step, changes ...func(*watch.Status)) watch.Status {
	server := look.Add(time.Hour)
	op := &client.Operation{
		ID: "6b052f5bf6f884453d01b94f", Importer: "slack", Type: "Slack", Step: step, Valid: true,
		Created: server.Add(-3 * time.Hour), Updated: server.Add(-time.Minute),
		Counts: client.Counts{Total: known(153400), Completed: known(76700), Users: known(3000), Channels: known(400), Messages: known(150000)},
	}
	s := watch.Status{
		At: look, Scraped: look,
		Snapshot: watch.Snapshot{Up: true, PositionKnown: true, Operation: op, ServerTime: server},
	}
	for _, change := range changes {
		change(&s)
	}
	s.Snapshot.State = op.State()
	if op.Step == client.StepDone && op.Valid {
		s.Snapshot.Ending = watch.EndingFinished
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

func importer(key string) func(*watch.Status) {
	return func(s *watch.Status) { s.Snapshot.Operation.Importer, s.Snapshot.Operation.Type = key, key }
}

func incident(kind watch.Incident, before time.Duration) func(*watch.Status) {
	return func(s *watch.Status) {
		s.Incident, s.IncidentAt = kind, look.Add(-before)
		if kind == watch.Aborted {
			s.Snapshot.Ending = watch.EndingAborted
		}
	}
}

// watched is a first look that long before the newest, with that many records less.
func watched(took time.Duration, done int64) func(*watch.Status) {
	return func(s *watch.Status) {
		c := s.Snapshot.Operation.Counts
		s.Last = watch.Look{At: look, Completed: c.Completed.Value + c.Error.Value}
		s.First = watch.Look{At: look.Add(-took), Completed: s.Last.Completed - done}
	}
}

func selected(users, channels, messages int64) func(*watch.Status) {
	return func(s *watch.Status) {
		s.Snapshot.Selection = &client.Selection{Users: known(users), Channels: known(channels), Messages: known(messages)}
	}
}

func failing(e *client.Error) func(*watch.Status) {
	return func(s *watch.Status) {
		s.Failing, s.Failure = true, watch.Failure{Err: e, At: look.Add(10 * time.Second)}
	}
}

// states are the states of a workspace, and what the page says of each.
var states = []struct {
	name    string
	seen    watch.Status
	words   string // with the time
	bad     bool
	runbook string
	bar     string
}{
	{"never scraped", watch.Status{}, "not seen yet", false, "", ""},
	{"no import", watch.Status{At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true, State: client.StateNone}}, "no import yet", false, "", ""},
	{"unguarded", watch.Status{At: look, Scraped: look}, "not known: in mode unguarded the exporter does not ask for the step", false, "", ""},
	{"unguarded and waiting", watch.Status{At: look, Scraped: look, Snapshot: watch.Snapshot{Waiting: true}}, "preparing the file", false, "", ""},
	{"new", seenIn("importer_new", counts(0, 0, 0), savedBefore(100*24*time.Hour)), "new: waits for its file or its records", false, "", ""},
	{"uploading for long", seenIn("importer_uploading", savedBefore(4*time.Hour), nothingCounted), "uploading the file", false, "", "No record staged so far"},
	{"uploading for too long", seenIn("importer_uploading", savedBefore(4*time.Hour+time.Second), nothingCounted), "stalled while uploading the file", true, "RocketChatImportPreparationStalled", "No record staged so far"},
	{"loaded, and nobody opened the page", seenIn("importer_file_loaded", savedBefore(31*time.Minute), nothingCounted), "file loaded: waits for somebody to open the import page", true, "RocketChatImportPreparationStalled", ""},
	{"preparing", seenIn("importer_preparing_messages", counts(132900, 0, 0)), "preparing messages", false, "", "153,400 records staged so far"},
	{"preparing for long", seenIn("importer_preparing_messages", savedBefore(30*time.Minute)), "preparing messages", false, "", "153,400 records staged so far"},
	{"preparing for too long", seenIn("importer_preparing_messages", savedBefore(30*time.Minute+time.Second)), "stalled while preparing messages", true, "RocketChatImportPreparationStalled", "153,400 records staged so far"},
	{"interrupted while preparing", seenIn("importer_preparing_users", notValid), "interrupted 72 seconds ago while preparing users: it never finishes", true, "RocketChatImportInterrupted", ""},
	{"given up before that", seenIn("importer_file_loaded", notValid), "given up 72 seconds ago by Rocket.Chat before anything was prepared", false, "RocketChatImportInterrupted", ""},
	{"ready", seenIn(client.StepUserSelection, savedBefore(100*24*time.Hour), selected(3000, 400, 150000)), "ready: waits for somebody to press start", false, "", ""},
	{"ready with nothing", seenIn(client.StepUserSelection, counts(1, 0, 0), selected(0, 0, 0)), "nothing staged: the file was empty or of another kind", false, "", ""},
	{"ready with messages alone", seenIn(client.StepUserSelection, selected(0, 0, 5)), "ready: waits for somebody to press start", false, "", ""},
	{"ready, and not even a selection", seenIn(client.StepUserSelection, counts(0, 0, 0)), "nothing staged: the file was empty or of another kind", false, "", ""},
	{"cleared", seenIn(client.StepUserSelection, notValid), "nothing staged: it was cleared", false, "", ""},
	{"importing", seenIn("importer_importing_messages"), "importing messages", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"importing in a later step", seenIn("importer_importing_emoji"), "importing (importer_importing_emoji)", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"importing, with failures", seenIn("importer_importing_users", importer("api"), counts(900, 250, 50)), "importing users", false, "", "33 %: 300 of 900 records handled, 50 of them failed"},
	{"importing without a total", seenIn("importer_importing_started", nothingCounted), "starting to import", false, "", "0 records handled"},
	{"importing above its total", seenIn("importer_importing_messages", counts(100, 120, 0)), "importing messages", false, "", "100 %: 120 of 100 records handled"},
	{"importing for long", seenIn("importer_importing_messages", savedBefore(15*time.Minute)), "importing messages", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"stalled", seenIn("importer_importing_messages", savedBefore(15*time.Minute+time.Second)), "stalled while importing messages", true, "RocketChatImportStalled", "50 %: 76,700 of 153,400 records handled"},
	{"stalled by a clock that is wrong", seenIn("importer_importing_messages", savedBefore(time.Hour), movedBefore(14*time.Minute)), "importing messages", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"downloading files for long", seenIn("importer_importing_files", importer("pending-files"), savedBefore(3*time.Hour)), "importing files", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"set back a while ago", seenIn("importer_importing_messages", incident(watch.SetBack, 59*time.Minute)), "set back: importing messages", true, "RocketChatImportDisturbed", "50 %: 76,700 of 153,400 records handled"},
	{"set back, and stalled", seenIn("importer_importing_messages", incident(watch.SetBack, 0), savedBefore(time.Hour)), "set back: stalled while importing messages", true, "RocketChatImportDisturbed", "50 %: 76,700 of 153,400 records handled"},
	{"set back long ago", seenIn("importer_importing_messages", incident(watch.SetBack, time.Hour)), "importing messages", false, "", "50 %: 76,700 of 153,400 records handled"},
	{"set back to ready", seenIn(client.StepUserSelection, incident(watch.SetBack, 2*time.Hour)), "set back: do not press start", false, "RocketChatImportDisturbed", ""},
	{"finished", seenIn(client.StepDone, counts(153400, 153000, 0), savedBefore(12*time.Minute)), "finished 12 minutes ago", false, "", "100 %: 153,000 of 153,400 records handled"},
	{"finished before a restart", seenIn(client.StepDone, notValid, finished), "finished", false, "", "100 %: 76,700 of 153,400 records handled"},
	{"ended somehow", seenIn(client.StepDone, notValid, counts(900, 250, 0)), "ended: finished before Rocket.Chat was restarted, or aborted; 250 of 900 saved", false, "RocketChatImportAborted", "27 %: 250 of 900 records handled"},
	{"aborted", seenIn(client.StepDone, notValid, counts(900, 250, 0), incident(watch.Aborted, 24*time.Hour-5*time.Second)), "aborted 24 hours ago; 250 of 900 saved", true, "RocketChatImportAborted", "Stopped at 27 %: 250 of 900 records handled"},
	{"aborted long ago", seenIn(client.StepDone, notValid, counts(900, 250, 0), incident(watch.Aborted, 24*time.Hour)), "aborted 24 hours ago; 250 of 900 saved", false, "RocketChatImportAborted", "Stopped at 27 %: 250 of 900 records handled"},
	{"interrupted", seenIn("importer_importing_users", notValid), "interrupted 72 seconds ago while importing users: it never finishes", true, "RocketChatImportInterrupted", "Stopped at 50 %: 76,700 of 153,400 records handled"},
	{"interrupted long ago", seenIn("importer_importing_users", notValid, savedBefore(24*time.Hour)), "interrupted 24 hours ago while importing users: it never finishes", false, "RocketChatImportInterrupted", "Stopped at 50 %: 76,700 of 153,400 records handled"},
	{"failed", seenIn("importer_import_failed", savedBefore(time.Hour)), "failed 60 minutes ago", true, "RocketChatImportFailed", "Stopped at 50 %: 76,700 of 153,400 records handled"},
	{"failed long ago", seenIn("importer_import_failed", savedBefore(24*time.Hour)), "failed 24 hours ago", false, "RocketChatImportFailed", "Stopped at 50 %: 76,700 of 153,400 records handled"},
	{"canceled", seenIn("importer_import_cancelled", savedBefore(50*time.Hour)), "canceled 2 days ago", false, "", ""},
	{"in an unknown step", seenIn("importer_dreaming"), "in the step importer_dreaming, which this exporter does not know", false, "", ""},
}

func totalAlone(n int64) func(*watch.Status) {
	return func(s *watch.Status) { s.Snapshot.Operation.Counts = client.Counts{Total: known(n)} }
}
func nothingCounted(s *watch.Status) { s.Snapshot.Operation.Counts = client.Counts{} }
func finished(s *watch.Status)       { s.Snapshot.Ending = watch.EndingFinished }
func movedBefore(d time.Duration) func(*watch.Status) {
	return func(s *watch.Status) { s.Moved = look.Add(-d) }
}

func TestHomeSaysHowAnImportIs(t *testing.T) {
	runbooks, err := os.ReadFile("../../docs/runbooks.md")
	require.NoError(t, err)
	for _, test := range states {
		t.Run(test.name, func(t *testing.T) {
			v := newView("acme", "https://chat.example.com", test.seen, now)
			words := v.Words
			if v.Since != nil {
				words += " " + v.Since.Text
			}
			words += v.More
			assert.Equal(t, test.words, words)
			assert.Equal(t, test.bad, v.Bad)
			assert.Equal(t, test.runbook, v.Runbook)
			assert.Equal(t, test.runbook != "" || v.Words == "nothing staged", v.Advice != "")
			if v.Runbook != "" {
				assert.Contains(t, string(runbooks), "\n## "+v.Runbook+"\n")
			}
			var shown bar
			if v.Bar != nil {
				shown = *v.Bar
			}
			assert.Equal(t, test.bar, shown.Text)
			assert.LessOrEqual(t, shown.Value, shown.Max)
			full := v.Words == "finished" || test.name == "importing above its total"
			assert.Equal(t, full, shown.Max > 0 && shown.Value == shown.Max)
		})
	}
}

func TestHomeSaysHowFastAnImportIs(t *testing.T) {
	const importing = client.Step("importer_importing_messages")
	for _, test := range []struct {
		name        string
		seen        watch.Status
		speed, left string
		end         time.Time
	}{
		{"nothing after one look", seenIn(importing, watched(0, 0)), "", "", time.Time{}},
		{"nothing where nothing moved", seenIn(importing, watched(4*time.Minute, 0)), "nothing saved in 4 minutes", "", time.Time{}},
		{"fast", seenIn(importing, watched(100*time.Second, 76700)), "767 records a second", "about 88 seconds", look.Add(100 * time.Second)},
		{"slow", seenIn(importing, watched(10*time.Minute, 500)), "50 records a minute", "about 25 hours", look.Add(76700 * 72 * time.Second / 60)},
		{"slower", seenIn(importing, watched(10*time.Hour, 500)), "50 records an hour", "about 63 days", look.Add(76700 * 72 * time.Second)},
		{"as good as not", seenIn(importing, counts(1<<53, 1, 0), watched(10*time.Hour, 1)), "0 records an hour", "about 11,574 days", look.Add(1e9 * time.Second)},
		{"at the end", seenIn(importing, counts(153400, 153400, 0), watched(time.Minute, 60000)), "1,000 records a second", "about to end", look},
		{"above its total", seenIn(importing, counts(100, 120, 0), watched(time.Minute, 60)), "1 record a second", "about to end", look},
		{"without a total", seenIn(importing, nothingCounted, func(s *watch.Status) {
			s.First.At, s.Last = look.Add(-time.Minute), watch.Look{At: look, Completed: 60}
		}), "1 record a second", "", time.Time{}},
		{"no end where it stalls", seenIn(importing, watched(time.Hour, 3600), savedBefore(time.Hour)), "1 record a second", "", time.Time{}},
		{"no speed where it is over", seenIn(client.StepDone, watched(time.Minute, 60)), "", "", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newView("acme", "", test.seen, now)
			var left moment
			if v.Left != nil {
				left = *v.Left
			}
			assert.Equal(t, test.speed, v.Speed)
			assert.Equal(t, moment{test.left, test.end}, left)
		})
	}
}

func TestHomeSaysWhenThingsWere(t *testing.T) {
	seen := seenIn("importer_importing_messages")
	v := newView("acme", "", seen, now)
	assert.Equal(t, &moment{"12 seconds ago", look}, v.Seen)
	// Rocket.Chat's clock is an hour ahead. The page shows what it says.
	assert.Equal(t, &moment{"72 seconds ago", look.Add(59 * time.Minute)}, v.Saved)
	assert.Equal(t, &moment{"3 hours ago", look.Add(-2 * time.Hour)}, v.Created)
	assert.Equal(t, "2026-11-24 07:30:55 UTC", v.Saved.Title())
	assert.Equal(t, "2026-11-24T07:30:55Z", v.Saved.DateTime())
	v = newView("acme", "", seen, look.Add(time.Hour))
	assert.Equal(t, "61 minutes ago", v.Saved.Text)
	assert.Equal(t, "4 hours ago", v.Created.Text)
	assert.Equal(t, "0 seconds ago", past(look, -time.Second).Text)

	op := seen.Snapshot.Operation
	seen.Snapshot.ServerTime, op.Updated = time.Time{}, look.Add(-time.Minute) // without a Date header
	assert.Equal(t, "72 seconds ago", newView("acme", "", seen, now).Saved.Text)
	op.Updated, op.Created = time.Time{}, time.Time{}
	v = newView("acme", "", seen, now)
	assert.Nil(t, v.Saved)
	assert.Nil(t, v.Created)
}

func TestHomeGroupsNumbersAndChoosesUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 61912: "61,912", 153400: "153,400", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		assert.Equal(t, want, grouped(n))
	}
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 1000 * 24 * time.Hour: "1,000 days",
	} {
		assert.Equal(t, want, span(d))
	}
}

// tokenRefused is a failure with something to do.
func tokenRefused(t *testing.T) *client.Error {
	t.Helper()
	r := newRig(t, many, "refused")
	r.sims["refused"].SetToken("watcher", "another")
	r.get("/probe?target=refused")
	var e *client.Error
	require.ErrorAs(t, r.set.All()[0].Status().Failure.Err, &e)
	return e
}

// views are the views of these workspaces, sorted by name.
func views(seen map[string]watch.Status, at time.Time) (all []view) {
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		host := name
		if !strings.Contains(name, ".") {
			host += ".example.com"
		}
		all = append(all, newView(name, "https://"+host, seen[name], at))
	}
	return all
}

// show is the page of these workspaces as a browser gets it, without the space.
func show(t *testing.T, o Options, target string, seen map[string]watch.Status, at time.Time) string {
	t.Helper()
	w := httptest.NewRecorder()
	s := server{o}
	s.write(w, s.page(httptest.NewRequest(http.MethodGet, target, nil), views(seen, at)))
	return strings.Join(strings.Fields(w.Body.String()), " ")
}

var (
	one  = Options{Workspace: "acme", TelemetryPath: "/metrics"}
	many = Options{Multi: true, TelemetryPath: "/metrics"}
)

func TestHome(t *testing.T) {
	acme := func(seen watch.Status) map[string]watch.Status { return map[string]watch.Status{"acme": seen} }
	importing := seenIn("importer_importing_messages", watched(100*time.Second, 76700))
	stalled := seenIn("importer_importing_messages", savedBefore(25*time.Minute), watched(100*time.Second, 76700))
	early := seenIn("importer_user_selection")
	early.Snapshot.Early = true
	recovered := seenIn("importer_importing_messages", failing(tokenRefused(t)))
	recovered.Failing = false
	for _, test := range []struct {
		name     string
		options  Options
		target   string
		seen     map[string]watch.Status
		at       time.Time
		want     []string
		unwanted []string
	}{
		{"one workspace is shown in full", one, "/", acme(importing), now, []string{
			`<title>50 % importing messages: acme</title>`, `<meta http-equiv="refresh" content="15">`,
			`<progress aria-label="Progress of acme" max="153400" value="76700">50 %: 76,700 of 153,400 records handled</progress>`,
			`Last saved</dt><dd><time datetime="2026-11-24T07:30:55Z" title="2026-11-24 07:30:55 UTC">72 seconds ago</time>`,
			`First seen running</dt><dd><time datetime="2026-11-24T06:30:15Z" title="2026-11-24 06:30:15 UTC">112 seconds ago`, `767 records a second<`, `title="2026-11-24 06:33:35 UTC">about 88 seconds</time>`,
			`Users</dt><dd>3,000<`, `Seen <time datetime="2026-11-24T06:31:55Z" title="2026-11-24 06:31:55 UTC">12 seconds ago</time>.`,
			"counts a record that fails as handled", `href="./metrics"`, `href="./docs/runbooks.md"`,
		}, []string{`class="bad"`, "<table", "scrape_configs", "./sd", "/probe"}},
		{"before two looks nothing is known of its speed", one, "/", acme(seenIn("importer_importing_messages", watched(0, 0))), now,
			[]string{"Speed since then</dt><dd>not known yet<", "Time left</dt><dd>not known yet<"}, nil},
		{"a stalled import is red, with what to do", one, "/", acme(stalled), now,
			[]string{`<p class="state bad">`, `Last saved</dt><dd class="bad"><time`, `25 minutes ago</time>, see the <a href="./docs/runbooks.md#rocketchatimportstalled:~:text=%23%23%20RocketChatImportStalled">`, "Time left</dt><dd>not known<", "Do not restart Rocket.Chat", `href="./docs/runbooks.md#rocketchatimportstalled:~:text=%23%23%20RocketChatImportStalled"`}, nil},
		{"a preparation has a bar without an end", one, "/", acme(seenIn("importer_preparing_messages", totalAlone(132900))), now,
			[]string{`<progress aria-label="Progress of acme">132,900 records staged so far</progress>`, `<p>132,900 records staged so far.`}, []string{"max="}},
		{"a finished import has a full bar", one, "/", acme(seenIn(client.StepDone)), now,
			[]string{`<title>finished: acme</title>`, `max="1" value="1">`}, nil},
		{"a cleared import has nothing staged", one, "/", acme(seenIn(client.StepUserSelection, notValid)), now, []string{"nothing staged"}, []string{"Users"}},
		{"the selection is nearer the truth than the counts", one, "/", acme(seenIn(client.StepUserSelection, selected(2990, 400, 149739))), now, []string{"Users</dt><dd>2,990<", "Messages</dt><dd>149,739<"}, nil},
		{"an import by import.run counts what fails", one, "/", acme(seenIn("importer_importing_users", importer("api"))), now, []string{"Rocket.Chat does not save the last counts."}, []string{"record that fails"}},
		{"an early server", one, "/", acme(early), now, []string{"After an upgrade to 3.14 to 6.2, wait for the next import, then restart the exporter to make it forget this."}, nil},
		{"a failure that lasts is shown with what to do", one, "/", acme(seenIn("importer_importing_messages", failing(tokenRefused(t)))), now,
			[]string{"Cannot be seen now.", "HTTP status 401", "Create a new token", "The last failure was <time", "Below is what was seen <time"}, nil},
		{"a failure that is over is kept", one, "/", acme(recovered), now,
			[]string{"Last failure, <time", "2 seconds ago", "Create a new token"}, []string{"Cannot be seen"}},
		{"nothing was ever scraped", one, "http://exporter.example.com:10458/", acme(watch.Status{}), now,
			[]string{"Nobody has scraped this yet: is Prometheus configured?", `- targets: ["exporter.example.com:10458"]`, `instance: "acme"`, "not seen yet"}, []string{"metrics_path"}},
		{"nothing was scraped lately", Options{Workspace: "acme", TelemetryPath: "/m"}, "https://[::1]/", acme(importing), look.Add(6 * time.Minute),
			[]string{"Nobody has scraped this for 6 minutes", "Time left</dt><dd>not known<", "scheme: https", `metrics_path: "/m"`, `["[::1]"]`}, nil},
		{"it was scraped five minutes ago", one, "/", acme(importing), look.Add(5 * time.Minute), nil, []string{"Nobody"}},
		{"of many, all are in the table", many, "/", map[string]watch.Status{
			"a": seenIn(client.StepDone, func(s *watch.Status) { s.At = look.Add(-time.Minute) }), "b": importing, "c": stalled, "d": seenIn("importer_importing_users", failing(tokenRefused(t))), "e": {},
		}, now, []string{
			"<title>5 workspaces: 1 stalled, 1 cannot be seen, 1 importing, 1 not scraped, 1 ended</title>",
			"cannot be seen: the user id or the token was not accepted", `href="?workspace=b"`, "not scraped yet", `href="./sd"`, `title="2026-11-24 06:30:55 UTC">72 seconds ago</time>.</span>`,
		}, []string{"<section", "scrape_configs"}},
		{"the address names the one that is shown in full", many, "/?workspace=b", map[string]watch.Status{"a": stalled, "b": importing}, now,
			[]string{`<h2 id="opened">b</h2>`, `href="?workspace=b" aria-current="true"`, `href="./probe?target=b"`, `href="./"`, "767 records a second"}, []string{`<h2 id="opened">a`}},
		{"the address names none that there is", many, "/?workspace=nobody", acme(importing), now, []string{"There is no workspace of that name"}, []string{"<section", "nobody"}},
		{"no workspace was scraped for long", many, "http://x:1/", map[string]watch.Status{"a": {}, "b": importing, "c": seenIn("importer_importing_users", failing(tokenRefused(t)))}, look.Add(7 * time.Minute),
			[]string{"3 workspaces: 3 not scraped", `data-label="Time left">not known<`, "Nobody has scraped this for 7 minutes", `- url: "http://x:1/sd"`, "job_name: rocketchat_import_exporter"}, nil},
		{"one of them was not scraped for long", many, "/?workspace=a", map[string]watch.Status{"a": {}, "b": importing}, now,
			[]string{"Nobody has scraped it yet."}, []string{"scrape_configs"}},
		{"there are none", many, "/", nil, now, []string{"names no workspace"}, []string{"scrape_configs", "<table"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := show(t, test.options, test.target, test.seen, test.at)
			for _, want := range append(test.want, "</html>") {
				assert.Contains(t, body, want)
			}
			for _, unwanted := range append(test.unwanted, `href="/`, "<script", token) {
				assert.NotContains(t, body, unwanted)
			}
		})
	}
}

func TestHomePutsTheMostPressingFirst(t *testing.T) {
	seen := map[string]watch.Status{
		"g": seenIn(client.StepDone), "f": seenIn(client.StepUserSelection), "e": seenIn("importer_preparing_users"), "d": seenIn("importer_importing_users"),
		"c": seenIn("importer_importing_users", failing(tokenRefused(t))), "b": seenIn("importer_import_failed"), "a2": seenIn("importer_importing_users", savedBefore(time.Hour)),
		"a1": seenIn("importer_preparing_users", savedBefore(time.Hour)), "h": {At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true}}, "f2": {},
	}
	for i := range 500 {
		seen[fmt.Sprintf("g-%03d", i)] = seenIn(client.StepDone)
	}
	body := show(t, many, "/", seen, now)
	var order []string
	for _, match := range regexp.MustCompile(`href="\?workspace=([^"]+)"`).FindAllStringSubmatch(body, -1) {
		order = append(order, match[1])
	}
	require.Len(t, order, len(seen))
	assert.Equal(t, "a1 a2 b c d e f f2 g g-000 g-001", strings.Join(order[:11], " "))
	assert.Equal(t, "h", order[len(order)-1])
	assert.LessOrEqual(t, len(body), 500*1024)
}
