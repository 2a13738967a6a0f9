package watch

import (
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// A readable record, with so many users staged, and what differs from that.
func ready(id string, users int64, changes ...func(*client.Operation)) *client.Operation {
	op := &client.Operation{ID: id, Step: client.StepUserSelection, Valid: true, CreatedISO: true, Importer: "slack"}
	op.Counts.Users = client.OptionalCount{Value: users, Known: true}
	for _, change := range changes {
		change(op)
	}
	return op
}

func in(step client.Step) func(*client.Operation) {
	return func(op *client.Operation) { op.Step = step }
}
func invalid(op *client.Operation)      { op.Valid = false }
func numeric(op *client.Operation)      { op.CreatedISO = false }
func withFileData(op *client.Operation) { op.HasFileData = true }
func pendingFiles(op *client.Operation) { op.Importer = "pending-files" }
func completed(n int64) func(*client.Operation) {
	return func(op *client.Operation) {
		op.Counts.Completed = client.OptionalCount{Value: n, Known: true}
		op.Counts.Error = client.OptionalCount{Value: n / 10, Known: true}
	}
}

// What a read returned, where the policy allowed one.
const (
	no       ReadResult = ""         // no read is allowed
	limited  ReadResult = "limited"  // a 429
	canceled ReadResult = "canceled" // the exporter ended it
)

// answer is one answer of getCurrentImportOperation, and what follows from it.
type answer struct {
	op    *client.Operation
	read  ReadResult
	after time.Duration // since the answer before
}

func TestReadPolicy(t *testing.T) {
	const (
		minute    = time.Minute
		importing = client.Step("importer_importing_users")
		preparing = client.Step("importer_preparing_users")
	)
	tests := []struct {
		rule    string
		mode    config.Mode
		answers []answer
	}{
		{"an operation that is first seen is read at once", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
		}},
		{"what was read is not read again", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1), no, 0},
			{ready("a", 1), no, time.Hour},
		}},
		{"records that are completed or failed change nothing", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1, completed(50)), no, 0},
			{ready("a", 1, completed(50)), no, 0},
		}},
		{"counts that changed are read once two answers agree on them", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 2), no, 0},
			{ready("a", 3), no, 0},
			{ready("a", 3), ReadOK, 0},
			{ready("a", 3), no, 0},
		}},
		{"counts that go back to what was read are not read", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 2), no, 0},
			{ready("a", 1), no, 0},
			{ready("a", 1), no, 0},
		}},
		{"no import in between keeps two answers from agreeing", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 2), no, 0},
			{nil, no, 0},
			{ready("a", 2), no, 0},
			{ready("a", 2), ReadOK, 0},
		}},
		{"another operation is read at once", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("b", 1), ReadOK, 0},
		}},
		{"what was not sent is decided anew", config.OnChange, []answer{
			{ready("a", 1), ReadNotSent, 0},
			{ready("a", 2), ReadOK, 0},
		}},
		{"what the exporter ended is decided anew", config.OnChange, []answer{
			{ready("a", 1), canceled, 0},
			{ready("a", 1), ReadOK, 0},
		}},
		{"the pause doubles with each failed or waiting read: 5, 10, 20, 40, then 60 minutes", config.OnChange, []answer{
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), no, 5*minute - 1},
			{ready("a", 1), ReadWaiting, 1},
			{ready("a", 1), no, 10*minute - 1},
			{ready("a", 1), limited, 1},
			{ready("a", 1), no, 20*minute - 1},
			{ready("a", 1), ReadFailed, 1},
			{ready("a", 1), no, 40*minute - 1},
			{ready("a", 1), ReadFailed, 1},
			{ready("a", 1), no, 60*minute - 1},
			{ready("a", 1), ReadFailed, 1},
			{ready("a", 1), no, 60*minute - 1},
			{ready("a", 1), ReadOK, 1},
		}},
		{"the pause begins at 5 minutes again with another operation", config.OnChange, []answer{
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), ReadFailed, 5 * minute},
			{ready("b", 1), ReadFailed, 0},
			{ready("b", 1), no, 5*minute - 1},
			{ready("b", 1), ReadOK, 1},
		}},
		{"the pause begins at 5 minutes again once other counts have settled", config.EachScrape, []answer{
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), ReadFailed, 5 * minute},
			{ready("a", 2), no, 0},
			{ready("a", 2), ReadFailed, 0},
			{ready("a", 2), no, 5*minute - 1},
			{ready("a", 2), ReadOK, 1},
		}},
		{"the pause begins at 5 minutes again after a read that succeeded", config.EachScrape, []answer{
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), ReadOK, 5 * minute},
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), no, 5*minute - 1},
			{ready("a", 1), ReadOK, 1},
		}},
		{"each scrape reads what does not change", config.EachScrape, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1), ReadOK, 0},
		}},
		{"never reads nothing", config.Never, []answer{
			{ready("a", 1), no, 0}, {ready("a", 1), no, 0}, {ready("a", 2), no, 0}, {ready("b", 2), no, 0},
		}},
		{"the unguarded mode is not for this policy to allow", config.Unguarded, []answer{
			{ready("a", 1), no, 0},
		}},
		{"no import has nothing to read", config.OnChange, []answer{{nil, no, 0}, {nil, no, 0}}},
		{"a record that is not valid has nothing staged", config.EachScrape, []answer{
			{ready("a", 1, invalid), no, 0}, {ready("a", 1, invalid), no, 0},
		}},
		{"an operation that was seen running is never read again, in whatever step it is", config.EachScrape, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1, in(importing)), no, 0},
			{ready("a", 1), no, 0},
			{ready("a", 2), no, 0},
			{ready("a", 2), no, 24 * time.Hour},
			{ready("b", 1), ReadOK, 0},
			{ready("a", 2), no, 0},
		}},
		{"an operation that was seen running and not valid is never read again", config.OnChange, []answer{
			{ready("a", 1, in("importer_finishing"), invalid), no, 0},
			{ready("a", 1), no, 0},
			{ready("a", 1), no, 0},
		}},
		{"an operation that is prepared anew before it ran is read", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1, in(preparing)), no, 0},
			{ready("a", 2), no, 0},
			{ready("a", 2), ReadOK, 0},
		}},

		{"an ISO ts proves a later server, whatever fileData there is", config.OnChange, []answer{
			{ready("a", 1, withFileData), ReadOK, 0},
			{ready("b", 1, withFileData, pendingFiles), ReadOK, 0},
			{ready("c", 1), ReadOK, 0},
		}},
		{"a record with fileData marks the server as early for good", config.EachScrape, []answer{
			{ready("a", 1, numeric, withFileData, in(client.StepDone)), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), no, time.Hour},
		}},
		{"an ISO ts outweighs the mark", config.OnChange, []answer{
			{ready("a", 1, numeric, withFileData), no, 0},
			{ready("b", 1), ReadOK, 0},
			{ready("c", 1, numeric), no, 0},
			{ready("c", 1, numeric), no, 0},
		}},
		{"fileData of pending files does not mark the server as early", config.OnChange, []answer{
			{ready("a", 1, numeric, withFileData, pendingFiles, in(client.StepDone)), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), ReadOK, 0},
		}},
		{"a numeric ts with fileData of pending files is not read", config.EachScrape, []answer{
			{ready("a", 1, numeric, withFileData, pendingFiles), no, 0},
			{ready("a", 1, numeric, withFileData, pendingFiles), no, 0},
		}},
		{"a numeric ts is read once two answers agree, in each mode", config.EachScrape, []answer{
			{ready("a", 1, numeric, in(preparing)), no, 0},
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), ReadOK, 0},
			{ready("a", 1, numeric), ReadOK, 0},
			{ready("a", 2, numeric), no, 0},
			{ready("a", 2, numeric), ReadOK, 0},
		}},
		{"two answers do not agree on other counts, another operation, or a record that is not valid", config.OnChange, []answer{
			{ready("a", 1, numeric), no, 0},
			{ready("a", 2, numeric), no, 0},
			{ready("b", 2, numeric), no, 0},
			{ready("b", 2, numeric, invalid), no, 0},
			{ready("b", 2, numeric), no, 0},
			{ready("b", 2, numeric), ReadOK, 0},
		}},
		{"a numeric ts whose fileData comes between two answers is not read", config.EachScrape, []answer{
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric, withFileData), no, 0},
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), no, 0},
		}},
		{"a numeric ts whose read failed is never read again", config.EachScrape, []answer{
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), ReadFailed, 0},
			{ready("a", 1, numeric), no, 24 * time.Hour},
			{ready("a", 2, numeric), no, 0},
			{ready("a", 2, numeric), no, 24 * time.Hour},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), ReadOK, 0},
		}},
		{"a numeric ts whose read was not sent, limited or waiting is read again", config.OnChange, []answer{
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), ReadNotSent, 0},
			{ready("a", 1, numeric), limited, 0},
			{ready("a", 1, numeric), ReadWaiting, 5 * minute},
			{ready("a", 1, numeric), ReadOK, 10 * minute},
		}},
		{"a numeric ts that is prepared anew is never read again", config.EachScrape, []answer{
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), ReadOK, 0},
			{ready("a", 1, numeric, in(preparing)), no, 0},
			{ready("a", 1, numeric), no, 0},
			{ready("a", 1, numeric), no, 0},
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r, now := newReader(test.mode), epoch
			for i, answer := range test.answers {
				now = now.Add(answer.after)
				read := r.begin(answer.op, false, now)
				if (read != nil) != (answer.read != no) {
					t.Fatalf("answer %d: it is read = %v, want %v", i+1, read != nil, answer.read != no)
				}
				switch {
				case read == nil:
				case answer.read == canceled:
					r.inFlight = false
				case answer.read == limited:
					r.end(read, ReadFailed, nil, client.RateLimited, now)
				default:
					r.end(read, answer.read, &client.Selection{}, client.Timeout, now)
				}
			}
		})
	}
}

func TestNothingIsReadInAnyOtherStep(t *testing.T) {
	steps := append(client.Steps(), "importer_pondering", "importer_preparing_x", "importer_importing_x", "user_selection", "IMPORTER_USER_SELECTION")
	for _, mode := range config.Modes() {
		for _, step := range steps {
			if step == client.StepUserSelection {
				continue
			}
			p := newReadPolicy(mode)
			for range 3 {
				if p.decide(ready("a", 1, in(step)), epoch) {
					t.Errorf("mode %s reads the selection in step %s", mode, step)
				}
			}
		}
	}
}
