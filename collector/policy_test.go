package collector

import (
	"testing"
	"time"

	"rocketchat_import_exporter/client"
)

// look is one answer of getCurrentImportOperation, as the policy sees it, and
// what follows from it.
type look struct {
	after    time.Duration // since the look before
	op       *client.Operation
	read     bool   // whether the selection may be read
	answered string // what then came: "selection", "refusal", or nothing was sent
}

func ready(id string, users int64) *client.Operation {
	return &client.Operation{
		ID: id, Step: client.StepUserSelection, Valid: true,
		Count: client.Count{Users: client.Number{Value: users, Known: true}},
	}
}

func inStep(op *client.Operation, step client.Step) *client.Operation {
	op.Step = step
	return op
}

func completed(op *client.Operation, n int64) *client.Operation {
	op.Count.Completed = client.Number{Value: n, Known: true}
	op.Count.Error = client.Number{Value: n / 10, Known: true}
	return op
}

func TestReadPolicy(t *testing.T) {
	const minute = time.Minute
	tests := []struct {
		rule  string
		mode  Mode
		looks []look
	}{
		{"an operation that is first seen is read at once", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
		}},
		{"what was read is not read again", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("a", 1)},
			{op: ready("a", 1), after: time.Hour},
		}},
		{"records that are done or failed change nothing", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: completed(ready("a", 1), 50)},
			{op: completed(ready("a", 1), 50)},
		}},
		{"counts that changed are read when two looks agree on them", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("a", 2)},
			{op: ready("a", 3)},
			{op: ready("a", 3), read: true, answered: "selection"},
			{op: ready("a", 3)},
		}},
		{"counts that go back to what was read are not read", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("a", 2)},
			{op: ready("a", 1)},
			{op: ready("a", 1)},
		}},
		{"a look that failed in between does not keep two from agreeing", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("a", 2)}, // the failed look is not shown to the policy
			{op: ready("a", 2), read: true, answered: "selection"},
		}},
		{"another operation is read at once", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("b", 1), read: true, answered: "selection"},
		}},
		{"what was not sent is decided anew", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "nothing was sent"},
			{op: ready("a", 2), read: true, answered: "selection"},
		}},
		{"what was refused is left alone for five minutes", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "refusal"},
			{op: ready("a", 1), after: minute},
			{op: ready("a", 1), after: 4*minute - 1},
			{op: ready("a", 1), after: 1, read: true, answered: "selection"},
		}},
		{"what was refused is read earlier once other counts have settled", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "refusal"},
			{op: ready("a", 2)},
			{op: ready("a", 2), read: true, answered: "refusal"},
			{op: ready("a", 2)},
		}},
		{"what was refused is read earlier if another operation comes", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "refusal"},
			{op: ready("b", 1), read: true, answered: "selection"},
		}},
		{"each scrape reads what does not change", EachScrape, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: ready("a", 1), read: true, answered: "selection"},
		}},
		{"each scrape leaves alone what was refused", EachScrape, []look{
			{op: ready("a", 1), read: true, answered: "refusal"},
			{op: ready("a", 1), after: 5*minute - 1},
			{op: ready("a", 1), after: 1, read: true, answered: "refusal"},
			{op: ready("a", 2), read: true, answered: "selection"},
		}},
		{"never reads nothing", Never, []look{
			{op: ready("a", 1)}, {op: ready("a", 1)}, {op: ready("a", 2)}, {op: ready("b", 2)},
		}},
		{"the unguarded mode is not for this policy to allow", Unguarded, []look{
			{op: ready("a", 1)},
		}},
		{"no import has nothing to read", OnChange, []look{{op: nil}, {op: nil}}},
		{"an import that came back to its selection with more staged is read when it has settled", OnChange, []look{
			{op: ready("a", 1), read: true, answered: "selection"},
			{op: inStep(ready("a", 1), "importer_importing_users")},
			{op: ready("a", 2)},
			{op: ready("a", 2), read: true, answered: "selection"},
		}},
		{"a record that carries the selection is not asked for it", EachScrape, []look{
			{op: &client.Operation{ID: "a", Step: client.StepUserSelection, Valid: true, FileData: &client.Selection{}}},
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			p, now := readPolicy{mode: test.mode}, epoch
			for i, look := range test.looks {
				now = now.Add(look.after)
				if got := p.mayRead(look.op, now); got != look.read {
					t.Fatalf("look %d: may read = %v, want %v", i+1, got, look.read)
				}
				switch look.answered {
				case "selection":
					p.wasRead(stagingOf(look.op))
				case "refusal":
					p.wasRefused(stagingOf(look.op), now)
				}
			}
		})
	}
}

func TestNothingIsReadInAnyOtherStep(t *testing.T) {
	steps := append(client.Steps(), "importer_pondering", "importer_preparing_x", "importer_importing_x", "user_selection", "IMPORTER_USER_SELECTION")
	for _, mode := range Modes() {
		for _, step := range steps {
			if step == client.StepUserSelection {
				continue
			}
			p := readPolicy{mode: mode}
			for range 3 {
				if p.mayRead(inStep(ready("a", 1), step), epoch) {
					t.Errorf("mode %s reads the selection in step %s", mode, step)
				}
			}
		}
	}
}

func TestSilence(t *testing.T) {
	tests := []struct {
		rule  string
		reset time.Duration // from now; 0 for a server that does not say
		want  time.Duration
	}{
		{"lasts until the reset", 30 * time.Second, 30 * time.Second},
		{"lasts for two minutes at most", time.Hour, 2 * time.Minute},
		{"lasts for a minute where the reset is past", -time.Second, time.Minute},
		{"lasts for a minute where the reset is now", 0, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			s := silence{}
			s.keep(client.CurrentOperation, epoch.Add(test.reset), epoch)
			if !s.holds(client.CurrentOperation, epoch.Add(test.want-1)) {
				t.Error("ends too early")
			}
			if s.holds(client.CurrentOperation, epoch.Add(test.want)) {
				t.Error("ends too late")
			}
			if s.holds(client.ImportFileData, epoch) {
				t.Error("holds for another endpoint")
			}
		})
	}
	t.Run("lasts for a minute where the server does not say", func(t *testing.T) {
		s := silence{}
		s.keep(client.CurrentOperation, time.Time{}, epoch)
		if !s.holds(client.CurrentOperation, epoch.Add(time.Minute-1)) || s.holds(client.CurrentOperation, epoch.Add(time.Minute)) {
			t.Error("lasts for another time")
		}
	})
}
