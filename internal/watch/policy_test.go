package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// ready is a readable record with that many users staged, and with changes to it.
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
func pendingFiles(op *client.Operation) { op.Importer = "pending-files" }
func completed(n int64) func(*client.Operation) {
	return func(op *client.Operation) {
		op.Counts.Completed = client.OptionalCount{Value: n, Known: true}
		op.Counts.Error = client.OptionalCount{Value: n / 10, Known: true}
	}
}

// answer is one answer of getCurrentImportOperation, and what the read that it leads to returns.
type answer struct {
	op     *client.Operation
	read   ReadResult // empty if no read is allowed
	reason client.Reason
	wait   time.Duration
}

// after lets d pass before the answer.
func (a answer) after(d time.Duration) answer {
	a.wait = d
	return a
}

func no(op *client.Operation) answer      { return answer{op: op} }
func ok(op *client.Operation) answer      { return answer{op: op, read: ReadOK} }
func waiting(op *client.Operation) answer { return answer{op: op, read: ReadWaiting} }
func failed(op *client.Operation) answer {
	return answer{op: op, read: ReadFailed, reason: client.Timeout}
}
func limited(op *client.Operation) answer {
	return answer{op: op, read: ReadFailed, reason: client.RateLimited}
}
func notSent(op *client.Operation) answer { return answer{op: op, read: ReadNotSent} }

func TestReadPolicy(t *testing.T) {
	const (
		minute    = time.Minute
		importing = client.Step("importer_importing_users")
		preparing = client.Step("importer_preparing_users")
	)
	a1, a2, a3, b1, invalidA1 := ready("a", 1), ready("a", 2), ready("a", 3), ready("b", 1), ready("a", 1, invalid)
	oldA1 := ready("a", 1, numeric)

	for rule, test := range map[string]struct {
		mode    config.Mode
		answers []answer
	}{
		"what was read is not read again, however much of it is completed or failed": {config.OnChange, []answer{
			ok(a1), no(a1).after(time.Hour), no(ready("a", 1, completed(50))), no(ready("a", 1, completed(50))),
		}},
		"counts that changed are read once two answers in a row agree on them": {config.OnChange, []answer{
			ok(a1), no(a2), no(a3), no(nil), no(a3), ok(a3), no(a3),
		}},
		"counts that go back to what was read are not read": {config.OnChange, []answer{ok(a1), no(a2), no(a1), no(a1)}},
		"what was not sent is decided anew":                 {config.OnChange, []answer{notSent(a1), ok(a2)}},
		"each-scrape reads what does not change":            {config.EachScrape, []answer{ok(a1), ok(a1)}},
		"never reads nothing":                               {config.Never, []answer{no(a1), no(a1)}},
		"unguarded is not for this policy to allow":         {config.Unguarded, []answer{no(a1), no(a1)}},
		"no import has nothing to read":                     {config.EachScrape, []answer{no(nil), no(nil)}},
		"a record that is not valid has nothing staged":     {config.EachScrape, []answer{no(invalidA1), no(invalidA1)}},
		"an operation that was seen running is never read again, in whatever step it is": {config.EachScrape, []answer{
			ok(a1), no(ready("a", 1, in(importing))), no(a1), no(a2), no(a2).after(24 * time.Hour), ok(b1), no(a2),
		}},
		"an operation that was seen running and not valid is never read again": {config.OnChange, []answer{
			no(ready("a", 1, in("importer_finishing"), invalid)), no(a1), no(a1),
		}},
		"an operation that is prepared anew before it ran is read": {config.OnChange, []answer{
			ok(a1), no(ready("a", 1, in(preparing))), no(a2), ok(a2),
		}},

		"the pause doubles with each failed or waiting read: 5, 10, 20, 40, then 60 minutes": {config.OnChange, []answer{
			failed(a1),
			no(a1).after(5*minute - 1), waiting(a1).after(1),
			no(a1).after(10*minute - 1), limited(a1).after(1),
			no(a1).after(20*minute - 1), failed(a1).after(1),
			no(a1).after(40*minute - 1), failed(a1).after(1),
			no(a1).after(60*minute - 1), failed(a1).after(1),
			no(a1).after(60*minute - 1), ok(a1).after(1),
		}},
		"the pause begins at 5 minutes again with another operation": {config.OnChange, []answer{
			failed(a1), failed(a1).after(5 * minute), failed(b1), no(b1).after(5*minute - 1), ok(b1).after(1),
		}},
		"the pause begins at 5 minutes again once other counts have settled": {config.EachScrape, []answer{
			failed(a1), failed(a1).after(5 * minute), no(a2), failed(a2), no(a2).after(5*minute - 1), ok(a2).after(1),
		}},
		"the pause begins at 5 minutes again after a read that succeeded": {config.EachScrape, []answer{
			failed(a1), ok(a1).after(5 * minute), failed(a1), no(a1).after(5*minute - 1), ok(a1).after(1),
		}},

		"a numeric ts, of a server before 6.3.0, is never read": {config.EachScrape, []answer{
			no(oldA1), no(oldA1), no(ready("a", 1, numeric, in(preparing))), no(oldA1), no(oldA1).after(24 * time.Hour), ok(b1),
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			r, now := newReader(test.mode), epoch
			for i, answer := range test.answers {
				now = now.Add(answer.wait)
				read := r.begin(answer.op, false, now)
				require.Equal(t, answer.read != "", read != nil, "answer %d is read", i+1)
				if read != nil {
					r.end(read, answer.read, &client.Selection{}, answer.reason, now)
				}
			}
		})
	}
}

func TestNothingIsReadInAnyOtherStep(t *testing.T) {
	unknown := []client.Step{"importer_pondering", "importer_preparing_x", "importer_importing_x", "user_selection", "IMPORTER_USER_SELECTION"}
	for _, step := range append(client.Steps(), unknown...) {
		p := newReadPolicy(config.EachScrape)
		for range 3 {
			assert.Equal(t, step == client.StepUserSelection, p.decide(ready("a", 1, in(step)), epoch), step)
		}
	}
}

func TestBackoff(t *testing.T) {
	for rule, test := range map[string]struct {
		reset time.Time
		want  time.Duration
	}{
		"lasts until the reset":                         {epoch.Add(30 * time.Second), 30 * time.Second},
		"lasts for two minutes at most":                 {epoch.Add(time.Hour), 2 * time.Minute},
		"lasts for a minute if the reset is now":        {epoch, time.Minute},
		"lasts for a minute if the server does not say": {time.Time{}, time.Minute},
	} {
		t.Run(rule, func(t *testing.T) {
			b := backoff{}
			b.until(client.EndpointCurrentOperation, test.reset, epoch)
			assert.True(t, b.active(client.EndpointCurrentOperation, epoch.Add(test.want-1)), "ends too early")
			assert.False(t, b.active(client.EndpointCurrentOperation, epoch.Add(test.want)), "ends too late")
			assert.False(t, b.active(client.EndpointFileData, epoch), "holds for another endpoint")
		})
	}
}
