package follow

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vbauerster/mpb/v8/decor"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig follows the import of a simulated Rocket.Chat, whose clock moves only while the follower waits.
type rig struct {
	*simtest.Rig
	t     *testing.T
	out   bytes.Buffer
	f     *follower
	later []action // in the order of their time
}

// action is what happens that long after the start.
type action struct {
	after time.Duration
	do    func()
}

func newRig(t *testing.T, changes ...func(*Options)) *rig {
	r := &rig{Rig: simtest.New(t, rocketchatsim.Latest), t: t}
	o := Options{Name: "acme", Config: r.Config, UserAgent: "test", Interval: 15 * time.Second, Timeout: time.Hour, Out: &r.out}
	for _, change := range changes {
		change(&o)
	}
	r.f = &follower{Options: o, now: r.Clock.Now, display: newDisplay(o, r.Clock.Now)}
	r.f.wait = r.wait
	return r
}

// at lets something happen that long after the start.
func (r *rig) at(after time.Duration, do func()) { r.later = append(r.later, action{after, do}) }

// wait moves the clock, and lets happen what is due.
func (r *rig) wait(ctx context.Context, d time.Duration) {
	end := r.Clock.Now().Add(d)
	for len(r.later) > 0 && !simtest.Epoch.Add(r.later[0].after).After(end) && ctx.Err() == nil {
		r.Clock.Advance(simtest.Epoch.Add(r.later[0].after).Sub(r.Clock.Now()))
		r.later[0].do()
		r.later = r.later[1:]
	}
	r.Clock.Advance(end.Sub(r.Clock.Now()))
}

// run follows until the end, which must have that code, and returns what was shown.
func (r *rig) run(code int) string {
	r.t.Helper()
	got, err := r.f.run(r.t.Context())
	require.NoError(r.t, err)
	assert.Equal(r.t, code, got, r.out.String())
	assert.Zero(r.t, r.Reads(), "getImportFileData was called")
	return r.out.String()
}

func TestAnImportThatIsOverIsSaidAtOnceWithItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		step  string
		valid bool
		total int
		code  int
		says  string
	}{
		"finished":                 {rocketchatsim.StepDone, true, 57, Finished, "Finished"},
		"failed":                   {rocketchatsim.StepImportFailed, true, 57, NotFinished, "Failed"},
		"interrupted":              {rocketchatsim.StepImportingUsers, false, 57, NotFinished, "Interrupted while importing users"},
		"interrupted before":       {rocketchatsim.StepPreparingUsers, false, 57, NotFinished, "Interrupted while preparing users"},
		"done, its end was unseen": {rocketchatsim.StepDone, false, 57, NotFinished, "Ended: finished before Rocket.Chat was restarted, or aborted"},
		"nothing staged":           {rocketchatsim.StepUserSelection, true, 40, NotFinished, "Nothing staged: the file was empty"},
		"cleared":                  {rocketchatsim.StepUserSelection, false, 57, NotFinished, "Nothing staged: it was cleared"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			op := simtest.Operation(c.step)
			op.Valid, op.Count.Total = c.valid, &c.total
			if c.step != rocketchatsim.StepUserSelection && c.step != rocketchatsim.StepPreparingUsers {
				op.Count.Completed = new(3)
			}
			r.Place(op)
			assert.Contains(t, r.run(c.code), c.says)
			assert.Equal(t, 1, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation))
		})
	}
}

func TestAnImportIsFollowedToItsEnd(t *testing.T) {
	r := newRig(t)
	place := func(step string, completed int) func() {
		return func() {
			op := simtest.Operation(step)
			op.Count.Total, op.Count.Completed, op.Updated = new(1000), &completed, r.Clock.Now()
			r.Place(op)
		}
	}
	r.at(20*time.Second, place(rocketchatsim.StepPreparingUsers, 0))
	r.at(40*time.Second, place(rocketchatsim.StepUserSelection, 0))
	r.at(60*time.Second, place(rocketchatsim.StepImportingUsers, 50))
	r.at(80*time.Second, place(rocketchatsim.StepImportingUsers, 500))
	r.at(17*time.Minute, place(rocketchatsim.StepImportingMessages, 900))
	r.at(18*time.Minute, place(rocketchatsim.StepDone, 950))
	assert.Equal(t, strings.TrimLeft(`
06:31:55  Following acme (URL). Ctrl-C ends this command, not the import.
06:31:55  No import yet.
06:32:25  Preparing users (1,000 records staged, saved 9 seconds ago).
06:32:40  Ready: waits for somebody to press start (1,000 records staged, saved 4 seconds ago).
06:32:55  Importing users (5 %, 50 of 1,000 records, saved 0 seconds ago).
06:33:25  Importing users (50 %, 500 of 1,000 records, about 33 seconds left, 15 records a second, saved 9 seconds ago).
06:48:40  Stalled while importing users (50 %, 500 of 1,000 records, 29 records a minute, saved 15 minutes ago). Look at the log of Rocket.Chat, and at the load of Rocket.Chat and MongoDB. Do not restart Rocket.Chat to hurry it: a restart ends the import for good. See RocketChatImportStalled in docs/runbooks.md.
06:48:55  Importing messages (90 %, 900 of 1,000 records, about 112 seconds left, 53 records a minute, saved 0 seconds ago).
06:49:55  Finished (950 of 1,000 records, saved 0 seconds ago).
`, "\n"), strings.ReplaceAll(r.run(Finished), r.Config.URL.String(), "URL"))
}

func TestAnImportThatEndsBadlyHasCodeOne(t *testing.T) {
	for name, end := range map[string]struct {
		change func(*rocketchatsim.Operation)
		says   string
	}{
		"failed":      {func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportFailed }, "Failed"},
		"interrupted": {func(op *rocketchatsim.Operation) { op.Valid = false }, "Interrupted while importing users"},
		"aborted":     {func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false }, "Aborted"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
			r.at(20*time.Second, func() { r.Update(end.change) })
			assert.Contains(t, r.run(NotFinished), "06:32:25  "+end.says)
		})
	}
}

func TestTheTimeoutEndsIt(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Timeout = 16*time.Minute + time.Second })
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	out := r.run(TimedOut)
	assert.Contains(t, out, "06:47:10  Stalled while importing users")
	assert.Contains(t, out, "06:47:56  Stopped following after 16m1s, as --timeout says: stalled while importing users. The import goes on.")
}

func TestCtrlCEndsIt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	for name, when := range map[string]func(r *rig){
		"while it waits": func(r *rig) { r.at(20*time.Second, interrupt) },
		"during a look": func(r *rig) {
			r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(_ http.ResponseWriter, req *http.Request) {
				interrupt()
				<-req.Context().Done()
			})
		},
	} {
		r := newRig(t)
		when(r)
		code, err := r.f.run(ctx)
		require.NoError(t, err)
		assert.Equal(t, Interrupted, code, name)
	}
}

func TestANewerImportIsFollowed(t *testing.T) {
	r := newRig(t)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	r.at(20*time.Second, func() {
		op := simtest.Operation(rocketchatsim.StepUserSelection)
		op.ID, op.Created = "another", op.Created.Add(time.Minute)
		r.Place(op)
	})
	r.at(40*time.Second, func() { r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepDone }) })
	out := r.run(Finished)
	assert.Contains(t, out, "06:32:25  A newer import has appeared, and is followed now.\n06:32:25  Ready: waits")
}

func TestAFirstLookThatFailsEndsItInTheWordsOfCheck(t *testing.T) {
	r := newRig(t)
	r.Sim.SetToken(simtest.UserID, "another")
	out := r.run(NotFinished)
	assert.Contains(t, out, "\n  token        is not accepted\n")
	assert.Contains(t, out, "\n  what to do   ")
	assert.NotContains(t, out, simtest.Token)
}

func TestALaterLookThatFailsIsShownAndTriedAgain(t *testing.T) {
	r := newRig(t)
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	r.at(10*time.Second, func() { r.Sim.SetToken(simtest.UserID, "another") })
	r.at(70*time.Second, func() { r.Sim.SetToken(simtest.UserID, simtest.Token) })
	r.at(100*time.Second, func() { r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepDone }) })
	out := r.run(Finished)
	assert.Equal(t, 1, strings.Count(out, "Cannot be seen: getCurrentImportOperation: HTTP status 401"), out)
	assert.Contains(t, out, "06:33:10  Can be seen again.\n")
	assert.Contains(t, out, "06:33:40  Finished")
}

func TestTheRateLimitIsWaitedOut(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Interval = time.Second })
	r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit)
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	r.at(59*time.Second, func() {
		assert.Equal(t, 5, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation), "until the limit resets")
	})
	r.at(61*time.Second, func() {
		assert.Equal(t, 6, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation))
		for range 9 { // somebody else calls
			require.NoError(t, ask(r))
		}
	})
	r.at(119*time.Second, func() {
		assert.Equal(t, 16, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation), "one call met a 429")
	})
	r.at(125*time.Second, func() { r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepDone }) })
	out := r.run(Finished)
	assert.Contains(t, out, "HTTP status 429")
}

// ask asks for the import once.
func ask(r *rig) error {
	c, err := r.Config.Client("another", nil)
	require.NoError(r.t, err)
	look, err := c.Look(r.t.Context())
	if err == nil {
		look.Close()
	}
	return err
}

func TestADaemonAtTheSameAddressLosesNoScrape(t *testing.T) {
	for offset := range 15 {
		r := newRig(t, func(o *Options) { o.Timeout = 10 * time.Minute })
		r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit)
		r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
		c, err := r.Config.Client("daemon", nil)
		require.NoError(t, err)
		r.Config.MinInterval = 7 * time.Second
		daemon := watch.New(t.Context(), c, r.Config, watch.NewMemory(log.NewNopLogger(), watch.MaxTook), r.Clock.Now)
		scrapes := 0
		for after := time.Duration(offset) * time.Second; after < 10*time.Minute; after += 15 * time.Second {
			r.at(after, func() {
				scrapes++
				assert.True(t, daemon.Scrape(t.Context(), 0).Up, "offset %d, scrape %d", offset, scrapes)
			})
		}
		assert.NotContains(t, r.run(TimedOut), "Cannot be seen")
		assert.Equal(t, 40, scrapes)
		daemon.Close()
	}
}

func TestATerminalKeepsEventsAboveOneLineThatIsDrawnAgain(t *testing.T) {
	var screen bytes.Buffer
	d := newTerminal(&screen, func() time.Time { return simtest.Epoch })
	op := &client.Operation{Step: "importer_importing_users", Valid: true, Updated: simtest.Epoch.Add(-3 * time.Second), Counts: client.Counts{
		Total: client.OptionalCount{Value: 1000, Known: true}, Completed: client.OptionalCount{Value: 400, Known: true},
	}}
	seen := watch.Status{At: simtest.Epoch, Snapshot: watch.Snapshot{PositionKnown: true, Operation: op}}
	seen.Snapshot.First, seen.Snapshot.Last = watch.Sample{At: simtest.Epoch.Add(-time.Minute)}, watch.Sample{At: simtest.Epoch, Handled: 400}
	v := view{diagnosis.Diagnose(seen), seen}
	d.event("Something has happened.")
	d.update(v, true)
	assert.Equal(t, "importing users", d.state(decor.Statistics{}))
	for width, want := range map[int]string{
		200: "40 %  400 of 1,000  90 s left  7/s  saved 3 s ago",
		50:  "40 %  400 of 1,000  90 s left  7/s",
		20:  "40 %",
		1:   "40 %",
	} {
		assert.Equal(t, want, d.rest(decor.Statistics{AvailableWidth: width}))
	}
	d.close()
	out := screen.String()
	assert.Contains(t, out, "Something has happened.\n")
	assert.Contains(t, out, "Importing users (40 %, 400 of 1,000 records, about 90 seconds left, 7 records a second, saved 3 seconds ago).\n")
}
