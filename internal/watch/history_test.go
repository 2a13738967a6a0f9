package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func total(n int64) func(*client.Operation) {
	return func(op *client.Operation) { op.Counts.Total = client.OptionalCount{Value: n, Known: true} }
}

func TestHistory(t *testing.T) {
	var (
		waits    = ready("a", 1)
		loads    = ready("a", 1, in("importer_preparing_users"))
		runs     = ready("a", 1, in("importer_importing_users"))
		fails    = ready("a", 1, in("importer_import_failed"))
		finished = ready("a", 1, in(client.StepDone))
		cut      = ready("a", 1, in(client.StepDone), invalid)
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
			{op: waits}, {op: runs}, {op: finished, ending: EndingFinished}, {op: cut, ending: EndingFinished},
		},
		"a running operation that is loading or ready was set back, once for each time": {
			{op: runs}, {op: loads, want: SetBack}, {op: waits}, {op: runs}, {op: waits, want: SetBack}, {op: waits},
		},
		"a running operation that is loading again was set back, valid or not": {
			{op: ready("a", 1, in("importer_importing_users"), invalid)},
			{op: ready("a", 1, in("importer_file_loaded"), invalid), want: SetBack},
		},
		"a done operation that is ready again was set back": {
			{op: finished, ending: EndingFinished}, {op: waits, want: SetBack},
		},
		"a failed operation that is ready again was not set back": {{op: fails}, {op: waits}},
		"a set-back is counted across failed looks and long gaps": {
			{op: runs}, {op: missed}, {op: waits, after: time.Hour, want: SetBack},
		},
		"another operation ends what is known of the one before": {
			{op: finished, ending: EndingFinished}, {op: another}, {op: runs}, {op: another}, {op: runs}, {op: ready("b", 1)},
		},
		"no import ends what is known of the one before": {{op: runs}, {op: nil}, {op: waits}},
		"a running operation that is done and not valid was aborted, once": {
			{op: runs}, {op: cut, want: Aborted, ending: EndingAborted}, {op: cut, ending: EndingAborted},
		},
		"of an operation that is done and not valid at the first look nobody knows": {{op: cut}, {op: cut}},
		"after five minutes without a look it was still aborted": {
			{op: runs}, {op: cut, after: 5 * time.Minute, want: Aborted, ending: EndingAborted},
		},
		"after more than that it may have finished before a restart": {{op: runs}, {op: cut, after: 5*time.Minute + 1}},
		"after a failed look it may have finished before a restart, if up to 500 records are left": {
			{op: runs}, {op: missed}, {op: ready("a", 1, in(client.StepDone), invalid, completed(500), total(1050))}, // 50 failed
		},
		"after a failed look it was aborted if more than 500 records are left": {
			{op: runs}, {op: missed},
			{op: ready("a", 1, in(client.StepDone), invalid, completed(500), total(1051)), want: Aborted, ending: EndingAborted},
		},
		"a good look ends the doubt that a failed one raised": {
			{op: runs}, {op: missed}, {op: runs}, {op: cut, want: Aborted, ending: EndingAborted},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			h, now := newHistory(), epoch
			want := map[Incident]uint64{}
			for i, look := range looks {
				if now = now.Add(look.after); look.op == missed {
					h.missed = true
					continue
				}
				if look.want != "" {
					want[look.want]++
				}
				got, detail := h.observe(look.op, now)
				assert.Equal(t, look.want, got, "look %d", i+1)
				assert.Equal(t, got == "", detail == "", "look %d", i+1)
				assert.Equal(t, look.ending, h.ending, "look %d", i+1)
			}
			assert.Equal(t, want, h.counts)
		})
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
		assert.Regexp(t, `level=error .*was aborted.* kind=aborted .*another instance`, r.logged())
	}
}
