package watch

import (
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func total(n int64) func(*client.Operation) {
	return func(op *client.Operation) { op.Counts.Total = client.OptionalCount{Value: n, Known: true} }
}

// failedLook stands for a look that returned no answer.
var failedLook = &client.Operation{}

func TestHistory(t *testing.T) {
	const (
		importing = client.Step("importer_importing_users")
		preparing = client.Step("importer_preparing_users")
		loaded    = client.Step("importer_file_loaded")
		failed    = client.Step("importer_import_failed")
		done      = client.StepDone
	)
	type look struct {
		op     *client.Operation
		after  time.Duration
		want   Incident
		ending Ending
	}
	tests := []struct {
		rule  string
		looks []look
	}{
		{"a regular import has no incident, and is seen to finish", []look{
			{op: ready("a", 1)},
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in("importer_finishing"))},
			{op: ready("a", 1, in(done)), ending: EndingFinished},
		}},
		{"a running operation that is loading or ready was set back, once for each time", []look{
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in(preparing)), want: SetBack},
			{op: ready("a", 1)},
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1), want: SetBack},
			{op: ready("a", 1)},
		}},
		{"a running operation that is loading again was set back, valid or not", []look{
			{op: ready("a", 1, in(importing), invalid)},
			{op: ready("a", 1, in(loaded), invalid), want: SetBack},
		}},
		{"a done operation that is ready again was set back", []look{
			{op: ready("a", 1, in(done)), ending: EndingFinished},
			{op: ready("a", 1), want: SetBack},
		}},
		{"a failed operation that is ready again was not set back", []look{
			{op: ready("a", 1, in(failed))},
			{op: ready("a", 1)},
		}},
		{"a set-back is counted across failed looks and long gaps", []look{
			{op: ready("a", 1, in(importing))},
			{op: failedLook},
			{op: ready("a", 1), after: time.Hour, want: SetBack},
		}},
		{"another operation ends what is known of the one before", []look{
			{op: ready("a", 1, in(importing))},
			{op: ready("b", 1)},
			{op: ready("b", 1, in(importing))},
			{op: ready("c", 1, in(done), invalid)},
		}},
		{"no import ends what is known of the one before", []look{
			{op: ready("a", 1, in(importing))},
			{op: nil},
			{op: ready("a", 1)},
		}},
		{"a running operation that is done and not valid was aborted, once", []look{
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in("importer_finishing"), invalid)},
			{op: ready("a", 1, in(done), invalid), want: Aborted, ending: EndingAborted},
			{op: ready("a", 1, in(done), invalid), ending: EndingAborted},
		}},
		{"a finished operation stays finished after a restart", []look{
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in(done)), ending: EndingFinished},
			{op: ready("a", 1, in(done), invalid), ending: EndingFinished},
		}},
		{"of an operation that is done and not valid at the first look nobody knows", []look{
			{op: ready("a", 1, in(done), invalid)},
			{op: ready("a", 1, in(done), invalid)},
		}},
		{"after five minutes without a look it is still aborted", []look{
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in(done), invalid), after: 5 * time.Minute, want: Aborted, ending: EndingAborted},
		}},
		{"after more than that it may have finished before a restart", []look{
			{op: ready("a", 1, in(importing), total(500))},
			{op: ready("a", 1, in(done), invalid, total(500)), after: 5*time.Minute + 1},
		}},
		{"after a failed look it may have finished before a restart, if up to 500 records are left", []look{
			{op: ready("a", 1, in(importing), total(1050))},
			{op: failedLook},
			{op: ready("a", 1, in(done), invalid, completed(500), total(1050))}, // 50 failed
		}},
		{"after a failed look it was aborted if more than 500 records are left", []look{
			{op: ready("a", 1, in(importing), total(1051))},
			{op: failedLook},
			{op: ready("a", 1, in(done), invalid, completed(500), total(1051)), want: Aborted, ending: EndingAborted},
		}},
		{"how an operation ended says nothing of the next one", []look{
			{op: ready("a", 1, in(done)), ending: EndingFinished},
			{op: ready("b", 1, in(done), invalid)},
		}},
		{"a good look ends the doubt that a failed one raised", []look{
			{op: ready("a", 1, in(importing))},
			{op: failedLook},
			{op: ready("a", 1, in(importing))},
			{op: ready("a", 1, in(done), invalid), want: Aborted, ending: EndingAborted},
		}},
		{"without a total nothing is known to be left", []look{
			{op: ready("a", 1, in(importing))},
			{op: failedLook},
			{op: ready("a", 1, in(done), invalid)},
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			h, now := newHistory(), epoch
			var want uint64
			for i, look := range test.looks {
				if now = now.Add(look.after); look.op == failedLook {
					h.miss()
					continue
				}
				got, detail := h.observe(look.op, now)
				if got != look.want || (got == "") != (detail == "") {
					t.Errorf("look %d: %q happened (%q), want %q", i+1, got, detail, look.want)
				}
				if h.ending != look.ending {
					t.Errorf("look %d: the ending is %q, want %q", i+1, h.ending, look.ending)
				}
				if look.want != "" {
					want++
				}
			}
			if got := h.counts[SetBack] + h.counts[Aborted]; got != want {
				t.Errorf("%d incidents are counted, want %d", got, want)
			}
		})
	}
}

func TestIncidentsAreLoggedWithWhatTheyMean(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	r.scrape()
	r.update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
	s := r.scrape()
	if s.Incidents[Aborted] != 1 || s.Ending != EndingAborted {
		t.Errorf("the scrape got %+v", s)
	}
	for _, want := range []string{"level=error", "was aborted", "kind=aborted", "another instance"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, r.log)
		}
	}
}

func TestFailedLookRaisesDoubt(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	r.scrape()
	r.sim.SetToken(userID, "another")
	r.scrape()
	r.sim.SetToken(userID, token)
	r.update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
	if s := r.scrape(); s.Incidents[Aborted] != 0 { // 57 records are left
		t.Errorf("the scrape got %+v", s)
	}
}
