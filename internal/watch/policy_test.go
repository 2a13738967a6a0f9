package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// ready is a readable record, with so many users staged, and what differs from that.
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
	no      ReadResult = ""        // no read is allowed
	limited ReadResult = "limited" // a 429
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
		{"what was read is not read again, however much of it is completed or failed", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 1), no, time.Hour},
			{ready("a", 1, completed(50)), no, 0},
			{ready("a", 1, completed(50)), no, 0},
		}},
		{"counts that changed are read once two answers in a row agree on them", config.OnChange, []answer{
			{ready("a", 1), ReadOK, 0},
			{ready("a", 2), no, 0},
			{ready("a", 1), no, 0}, // what was read
			{ready("a", 1), no, 0},
			{ready("a", 2), no, 0},
			{ready("a", 3), no, 0},
			{nil, no, 0},
			{ready("a", 3), no, 0},
			{ready("a", 3), ReadOK, 0},
			{ready("a", 3), no, 0},
		}},
		{"what was not sent is decided anew", config.OnChange, []answer{
			{ready("a", 1), ReadNotSent, 0},
			{ready("a", 2), ReadOK, 0},
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
		{"the pause begins at 5 minutes again once other counts have settled, and after a good read", config.EachScrape, []answer{
			{ready("a", 1), ReadFailed, 0},
			{ready("a", 1), ReadFailed, 5 * minute},
			{ready("a", 2), no, 0},
			{ready("a", 2), ReadFailed, 0},
			{ready("a", 2), no, 5*minute - 1},
			{ready("a", 2), ReadOK, 1},
			{ready("a", 2), ReadFailed, 0},
			{ready("a", 2), no, 5*minute - 1},
			{ready("a", 2), ReadOK, 1},
		}},
		{"each-scrape reads what does not change", config.EachScrape, []answer{{ready("a", 1), ReadOK, 0}, {ready("a", 1), ReadOK, 0}}},
		{"never reads nothing", config.Never, []answer{{ready("a", 1), no, 0}, {ready("a", 1), no, 0}}},
		{"unguarded is not for this policy to allow", config.Unguarded, []answer{{ready("a", 1), no, 0}, {ready("a", 1), no, 0}}},
		{"no import has nothing to read", config.EachScrape, []answer{{nil, no, 0}, {nil, no, 0}}},
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
		{"a record with fileData marks the server as early for good, and an ISO ts outweighs the mark", config.EachScrape, []answer{
			{ready("a", 1, numeric, withFileData, in(client.StepDone)), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("c", 1), ReadOK, 0},
			{ready("d", 1, numeric), no, 0},
			{ready("d", 1, numeric), no, time.Hour},
		}},
		{"fileData of pending files is not read, and does not mark the server as early", config.EachScrape, []answer{
			{ready("a", 1, numeric, withFileData, pendingFiles), no, 0},
			{ready("a", 1, numeric, withFileData, pendingFiles), no, 0},
			{ready("b", 1, numeric), no, 0},
			{ready("b", 1, numeric), ReadOK, 0},
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
				require.Equal(t, answer.read != no, read != nil, "answer %d is read", i+1)
				switch {
				case read == nil:
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
				assert.False(t, p.decide(ready("a", 1, in(step)), epoch), "mode %s reads the selection in step %s", mode, step)
			}
		}
	}
}
