package watch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func total(n int64) func(*client.Operation) {
	return func(op *client.Operation) { op.Counts.Total = client.OptionalCount{Value: n, Known: true} }
}

func handled(n int64) func(*client.Operation) {
	return func(op *client.Operation) { op.Counts.Completed = client.OptionalCount{Value: n, Known: true} }
}

func TestFollower(t *testing.T) {
	const (
		loading   = client.Step("importer_preparing_users")
		importing = client.Step("importer_importing_users")
	)
	// Each is saved later than the one before, as the server does.
	var (
		waits    = ready("a", 1, total(100))
		loads    = ready("a", 1, in(loading), total(50))
		runs     = ready("a", 1, in(importing), total(100))
		fails    = ready("a", 1, in("importer_import_failed"))
		finished = ready("a", 1, in(client.StepDone), total(100))
		cut      = ready("a", 1, in(client.StepDone), total(100), invalid)
		grown    = ready("a", 1, total(200))
		another  = ready("b", 1, in(client.StepDone), invalid)
		missed   = &client.Operation{} // a look that returned no answer
	)
	type look struct {
		op     *client.Operation
		want   Incident
		ending Ending
		after  time.Duration
	}
	for rule, looks := range map[string][]look{
		"a regular import has no incident, and stays finished after a restart": {
			{op: loads}, {op: waits}, {op: runs}, {op: finished, ending: EndingFinished}, {op: cut, ending: EndingFinished},
		},
		"a running operation that is loading or ready was set back, once for each time": {
			{op: runs}, {op: loads, want: SetBack}, {op: waits}, {op: runs}, {op: waits, want: SetBack}, {op: waits},
		},
		"a running operation that is loading again was set back, valid or not": {
			{op: ready("a", 1, in(importing), invalid)}, {op: ready("a", 1, in("importer_file_loaded"), invalid), want: SetBack},
		},
		"a done operation that is ready again was set back":          {{op: finished, ending: EndingFinished}, {op: waits, want: SetBack}},
		"a failed operation that is ready again was not set back":    {{op: fails}, {op: waits}},
		"a set-back is counted across failed looks and long gaps":    {{op: runs}, {op: missed}, {op: waits, after: time.Hour, want: SetBack}},
		"a set-back is counted although there was no import between": {{op: runs}, {op: nil}, {op: waits, want: SetBack}},
		"another operation ends what is known of the one before": {
			{op: finished, ending: EndingFinished}, {op: another}, {op: runs}, {op: another}, {op: runs}, {op: ready("b", 1, handled(50))},
		},
		"handled records in a ready import show that it ran between two looks": {
			{op: waits}, {op: ready("a", 1, total(100), handled(50)), want: SetBack}, {op: ready("a", 1, total(100), handled(60))},
		},
		"failed records in a loading import show it too": {
			{op: loads}, {op: ready("a", 1, in(loading), func(op *client.Operation) { op.Counts.Error = client.OptionalCount{Value: 1, Known: true} }), want: SetBack},
		},
		"handled records at the first look are counted as nothing": {{op: ready("a", 1, handled(50))}, {op: ready("a", 1, handled(60))}},
		"a total that grew after ready shows a second preparation, once": {
			{op: waits}, {op: grown, want: SetBack}, {op: ready("a", 1, total(300))}, {op: ready("a", 1, total(300))}, {op: ready("a", 1, total(400)), want: SetBack},
		},
		"a total that grew while the import ran": {
			{op: runs}, {op: ready("a", 1, in("importer_importing_messages"), total(200), handled(50)), want: SetBack},
		},
		"a total that grew from ready to done":                              {{op: waits}, {op: ready("a", 1, in(client.StepDone), total(200)), want: SetBack, ending: EndingFinished}},
		"a total that grows right after a set-back is the same disturbance": {{op: runs}, {op: waits, want: SetBack}, {op: grown}},
		"a set-back whose total has grown counts once": {
			{op: runs}, {op: ready("a", 1, total(200), handled(50)), want: SetBack}, {op: ready("a", 1, in(importing), total(250), handled(50))},
		},
		"a total that grows while it is loading is regular": {{op: loads}, {op: ready("a", 1, in(loading), total(90))}, {op: waits}},
		"a total that becomes known is regular":             {{op: ready("a", 1)}, {op: waits}},
		"a program may add records to an import of its own": {{op: ready("a", 1, importer("api"), total(50))}, {op: ready("a", 1, importer("api"), total(100))}},
		"a running operation that is done and not valid was aborted, once": {
			{op: runs}, {op: cut, want: Aborted, ending: EndingAborted}, {op: cut, ending: EndingAborted},
		},
		"without a total it was aborted, too": {
			{op: ready("a", 1, in(importing))}, {op: ready("a", 1, in(client.StepDone), invalid), want: Aborted, ending: EndingAborted},
		},
		"it was not aborted where all of its total is handled": {
			{op: runs}, {op: ready("a", 1, in(client.StepDone), invalid, total(100), handled(100))},
		},
		"it was aborted where one record of its total is not": {
			{op: ready("a", 1, in(importing), total(101))}, {op: ready("a", 1, in(client.StepDone), invalid, total(101), handled(100)), want: Aborted, ending: EndingAborted},
		},
		"of an operation that is done and not valid at the first look nobody knows": {{op: cut}, {op: cut}},
		"after five minutes without a look it was still aborted": {
			{op: runs}, {op: cut, after: 5 * time.Minute, want: Aborted, ending: EndingAborted},
		},
		"after more than that it may have finished before a restart":              {{op: runs}, {op: cut, after: 5*time.Minute + 1}},
		"after a look that found no import it may have finished before a restart": {{op: runs}, {op: nil}, {op: cut}},
		"after a failed look it may have finished before a restart, if up to 500 records are left": {
			{op: ready("a", 1, in(importing), total(1050))}, {op: missed}, {op: ready("a", 1, in(client.StepDone), invalid, completed(500), total(1050))}, // 50 failed
		},
		"after a failed look it was aborted if more than 500 records are left": {
			{op: ready("a", 1, in(importing), total(1051))}, {op: missed},
			{op: ready("a", 1, in(client.StepDone), invalid, completed(500), total(1051)), want: Aborted, ending: EndingAborted},
		},
		"a good look ends the doubt that a failed one raised": {
			{op: runs}, {op: missed}, {op: runs}, {op: cut, want: Aborted, ending: EndingAborted},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			f, now := newFollower(), epoch
			want := map[Incident]uint64{}
			for i, look := range looks {
				if now = now.Add(look.after); look.op == missed {
					f.missed = true
					continue
				}
				if look.want != "" {
					want[look.want]++
				}
				if look.op != nil {
					later := *look.op
					later.Updated = epoch.Add(time.Duration(i) * time.Second)
					look.op = &later
				}
				require.False(t, f.outdated(look.op, now))
				assert.Equal(t, look.want, f.observe(client.OperationAnswer{Operation: look.op}, now), "look %d", i+1)
				assert.Equal(t, look.ending, f.course.Ending, "look %d", i+1)
			}
			assert.Equal(t, want, f.counts)
		})
	}
}

func TestOutdated(t *testing.T) {
	const (
		loading   = client.Step("importer_preparing_users")
		importing = client.Step("importer_importing_users")
		messages  = client.Step("importer_importing_messages")
		second    = time.Second
	)
	newest := func(changes ...func(*client.Operation)) *client.Operation {
		return ready("a", 1, append([]func(*client.Operation){in(importing), total(100), handled(50), created(10 * second), saved(20 * second)}, changes...)...)
	}
	type look struct {
		op    *client.Operation
		old   bool // it is not believed
		after time.Duration
		date  time.Duration // of the answer, after epoch; 0 if it has no Date header
		want  Incident
	}
	for rule, looks := range map[string][]look{
		"the same and newer answers are believed": {{op: newest()}, {op: newest()}, {op: newest(saved(21 * second))}},
		"an older ts is another, older operation": {
			{op: newest()}, {op: ready("b", 1, created(9*second), saved(time.Hour)), old: true}, {op: ready("b", 1, created(10*second))},
		},
		"an older save of the same operation":           {{op: newest()}, {op: newest(saved(20*second - 1)), old: true}},
		"an older save of another operation is nothing": {{op: newest()}, {op: ready("b", 1, created(10*second))}},
		"unreadable times are never outdated": {
			{op: newest()}, {op: newest(func(op *client.Operation) { op.Created, op.Updated = time.Time{}, time.Time{} })}, {op: newest(saved(0))},
		},
		"an older save that is further on is the truth": {
			{op: newest()}, {op: newest(saved(19*second), handled(51))}, {op: newest(saved(18*second), in(messages))}, {op: newest(saved(17*second), in(importing), invalid)},
		},
		"a record that is valid again is older, however far it is": {
			{op: newest(invalid)}, {op: newest(saved(19*second), in(client.StepDone), handled(100)), old: true},
		},
		"an earlier step is not further on, however much is handled": {{op: newest()}, {op: newest(saved(19*second), in(client.StepUserSelection), handled(60)), old: true}},
		"of an unknown step nobody knows how far on it is": {
			{op: newest(in("importer_pondering"))}, {op: newest(saved(19*second), in(client.StepDone)), old: true}, {op: newest(in(importing))},
			{op: newest(saved(19*second), in("importer_pondering")), old: true},
		},
		"a larger total is further on while it is loading": {
			{op: newest(in(loading))}, {op: newest(in(loading), saved(19*second), total(101))}, {op: newest(in(loading), saved(18*second), total(100)), old: true},
		},
		"the same total is not further on":            {{op: newest(in(loading))}, {op: newest(in(loading), saved(19*second)), old: true}},
		"every step is further on than the first":     {{op: newest(in("importer_new"), handled(0))}, {op: newest(saved(19*second), in(loading), handled(0))}},
		"a larger total is not further on after that": {{op: newest()}, {op: newest(saved(19*second), total(101)), old: true}},
		"after two minutes without a newer answer an older one is shown, and counts nothing": {
			{op: newest()}, {op: ready("a", 1, created(10*second), saved(0)), old: true}, {op: ready("a", 1, created(10*second), saved(0)), old: true, after: 2*time.Minute - 1},
			{op: ready("a", 1, created(10*second), saved(0)), after: 1}, {op: ready("a", 1, created(10*second), saved(0))}, {op: newest()},
			{op: ready("a", 1, created(10*second), saved(0)), old: true},
		},
		"no operation and no older answer let the two minutes go on": {
			{op: newest()}, {op: ready("b", 1), old: true}, {op: nil, after: time.Minute}, {op: ready("c", 1), after: time.Minute},
		},
		"a newer answer ends the two minutes": {
			{op: newest()}, {op: ready("b", 1), old: true}, {op: newest(), after: time.Minute}, {op: ready("b", 1), old: true, after: time.Minute},
		},
		"a time more than a minute ahead of the answer's Date does not make others older": {
			{op: newest(created(time.Minute+2), saved(time.Minute+2)), date: 1}, {op: newest()}, {op: newest(created(time.Minute+11*second), saved(time.Minute+20*second)), date: 20 * second},
			{op: newest(), old: true},
		},
		"importing, then an older one that was done, then what it is now: no incident": {
			{op: newest()}, {op: newest(saved(time.Minute), in(client.StepDone))}, {op: newest(), old: true}, {op: newest(saved(2*time.Minute), in(client.StepDone), invalid)},
		},
		"an older answer that is further on does not count a set-back a second time": {
			{op: newest()}, {op: newest(saved(30*second), in(client.StepUserSelection)), want: SetBack}, {op: newest(saved(25 * second))},
			{op: newest(saved(30*second), in(client.StepUserSelection))}, {op: newest(saved(40 * second))}, {op: newest(saved(50*second), in(client.StepUserSelection)), want: SetBack},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			f, now := newFollower(), epoch
			for i, look := range looks {
				now = now.Add(look.after)
				require.Equal(t, look.old, f.outdated(look.op, now), "look %d", i+1)
				if look.old {
					continue
				}
				answer := client.OperationAnswer{Operation: look.op}
				if look.date > 0 {
					answer.ServerTime = epoch.Add(look.date)
				}
				assert.Equal(t, look.want, f.observe(answer, now), "look %d", i+1)
			}
		})
	}
}

// recordings returns the recorded imports, each as the records that Rocket.Chat had one after the other.
func recordings(t *testing.T) map[string][]*client.Operation {
	files, err := filepath.Glob("../../client/testdata/recorded/importers/*-operations.jsonl")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	all := map[string][]*client.Operation{}
	for _, file := range append(files, "../../client/testdata/recorded/disturbed-import.jsonl") {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(content)) {
			all[filepath.Base(file)] = append(all[filepath.Base(file)], recordOf(t, line))
		}
	}
	return all
}

// recordOf reads what the follower needs of a reply.
func recordOf(t *testing.T, reply string) *client.Operation {
	var r struct {
		Operation struct {
			ID      string `json:"_id"`
			Key     string `json:"importerKey"`
			Status  client.Step
			Valid   bool
			TS      time.Time
			Updated time.Time `json:"_updatedAt"`
			Count   struct{ Total, Completed, Error *int64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(reply), &r))
	o := r.Operation
	op := &client.Operation{ID: o.ID, Importer: o.Key, Step: o.Status, Valid: o.Valid, Created: o.TS, CreatedISO: true, Updated: o.Updated}
	for to, from := range map[*client.OptionalCount]*int64{&op.Counts.Total: o.Count.Total, &op.Counts.Completed: o.Count.Completed, &op.Counts.Error: o.Count.Error} {
		if from != nil {
			*to = client.OptionalCount{Value: *from, Known: true}
		}
	}
	return op
}

// watchRecords looks at records, each of which is there from its last save on, once in each interval
// from a moment on. It returns what was counted, and how many answers were called outdated.
func watchRecords(records []*client.Operation, from time.Time, interval time.Duration) (counts map[Incident]uint64, outdated int) {
	f := newFollower()
	for now := from; ; now = now.Add(interval) {
		i := len(records) - 1
		for i > 0 && records[i].Updated.After(now) {
			i--
		}
		if f.outdated(records[i], now) {
			outdated++
		} else {
			f.observe(client.OperationAnswer{Operation: records[i], ServerTime: now}, now)
		}
		if i == len(records)-1 {
			return f.counts, outdated
		}
	}
}

var intervals = []time.Duration{7 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

func TestHarmIsCountedOnceAtEachIntervalAndPhase(t *testing.T) {
	records := recordings(t)["disturbed-import.jsonl"]
	harm := records[2].Updated
	for _, interval := range intervals {
		for phase := range 60 {
			from := harm.Add(-interval * time.Duration(phase+1) / 60)
			counts, outdated := watchRecords(records, from, interval)
			assert.Equal(t, map[Incident]uint64{SetBack: 1}, counts, "every %s, phase %d", interval, phase)
			assert.Zero(t, outdated)
		}
	}
}

func TestHarmIsCountedBetweenAnyTwoLooks(t *testing.T) {
	records := recordings(t)["disturbed-import.jsonl"]
	for _, before := range records[:2] {
		for _, after := range records[2:] {
			f := newFollower()
			f.observe(client.OperationAnswer{Operation: before}, epoch)
			assert.Equal(t, SetBack, f.observe(client.OperationAnswer{Operation: after}, epoch), after)
		}
	}
}

func TestNoUndisturbedImportHasAnIncident(t *testing.T) {
	for name, records := range recordings(t) {
		if name == "disturbed-import.jsonl" || name == "api-second-instance-starts-operations.jsonl" {
			continue
		}
		for _, op := range records {
			assert.False(t, op.WasSetBack(), name)
		}
		for i, first := range records { // any looks may be missed
			for _, second := range records[i:] {
				f := newFollower()
				f.observe(client.OperationAnswer{Operation: first}, epoch)
				assert.Empty(t, f.observe(client.OperationAnswer{Operation: second}, epoch), name)
			}
		}
	}
}

// The clock of an instance that starts is ahead of that of the one that imports, or behind it. All
// of its answers are true.
func TestSecondInstanceWithAnotherClockIsBelieved(t *testing.T) {
	for name, records := range recordings(t) {
		if name == "disturbed-import.jsonl" || name == "api-second-instance-starts-operations.jsonl" {
			continue
		}
		for i, at := range records {
			if !at.Step.Running() || !at.Valid {
				continue
			}
			for _, skew := range []time.Duration{-2 * time.Second, 2 * time.Second} {
				started := *at
				started.Valid, started.Updated = false, at.Updated.Add(skew)
				answers := append(append([]*client.Operation{}, records[:i+1]...), &started)
				for _, op := range records[i+1:] {
					after := *op
					after.Valid = false
					answers = append(answers, &after)
				}
				f := newFollower()
				for _, op := range answers {
					require.False(t, f.outdated(op, epoch), "%s: %v after the clock went %s", name, op, skew)
					f.observe(client.OperationAnswer{Operation: op}, epoch)
				}
				assert.Zero(t, f.counts[SetBack], name)
			}
		}
	}
}

func TestASaveWithAnOlderTimeIsAMoveToo(t *testing.T) {
	f := newFollower()
	f.observe(client.OperationAnswer{Operation: ready("a", 1, in("importer_importing_users"), saved(time.Second))}, epoch)
	assert.Zero(t, f.course.Moved)
	f.observe(client.OperationAnswer{Operation: ready("a", 1, in("importer_importing_users"), handled(50))}, epoch.Add(time.Minute))
	assert.Equal(t, epoch.Add(time.Minute), f.course.Moved)
}

func TestStartIsKnownOnlyIfTheStepBeforeWasSeen(t *testing.T) {
	const importing = client.Step("importer_importing_users")
	start, later := epoch.Add(time.Hour), epoch.Add(2*time.Hour)
	for name, test := range map[string]struct {
		steps []client.Step
		want  time.Time
	}{
		"seen ready":               {[]client.Step{client.StepUserSelection, importing, importing}, start},
		"seen running first":       {[]client.Step{importing, importing}, time.Time{}},
		"started a second time":    {[]client.Step{client.StepUserSelection, importing, client.StepUserSelection, importing}, start},
		"seen before it was ready": {[]client.Step{"importer_uploading", importing}, start},
	} {
		f, date := newFollower(), start.Add(-time.Hour)
		for _, step := range test.steps {
			f.observe(client.OperationAnswer{Operation: ready("a", 1, in(step)), ServerTime: date}, epoch)
			if date = start; !f.course.Started.IsZero() {
				date = later
			}
		}
		assert.Equal(t, test.want, f.course.Started, name)
	}
}

func TestAbortedImportIsLoggedUnlessALookFailed(t *testing.T) {
	for _, failed := range []bool{false, true} {
		r := newRigIn(t, rocketchatsim.StepImportingUsers)
		r.scrape()
		if failed {
			r.Sim.SetToken(simtest.UserID, "another")
			r.scrape()
			r.Sim.SetToken(simtest.UserID, simtest.Token)
		}
		r.Update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
		s := r.scrape()
		if failed {
			assert.Empty(t, s.Incidents) // 57 records are left
			continue
		}
		assert.Equal(t, map[Incident]uint64{Aborted: 1}, s.Incidents)
		assert.Equal(t, EndingAborted, s.Ending)
		assert.Regexp(t, `level=error .*was aborted.* kind=aborted .*no instance of Rocket.Chat was seen to start between 06:31:55 and 06:3`, r.logged())
	}
}
