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
	op := &client.Operation{
		ID: id, Step: client.StepUserSelection, Valid: true, Importer: "slack",
		Created: epoch, CreatedISO: true, Updated: epoch,
	}
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
func importer(key string) func(*client.Operation) {
	return func(op *client.Operation) { op.Importer = key }
}

// created and saved move the record's two times.
func created(after time.Duration) func(*client.Operation) {
	return func(op *client.Operation) { op.Created = epoch.Add(after) }
}
func saved(after time.Duration) func(*client.Operation) {
	return func(op *client.Operation) { op.Updated = epoch.Add(after) }
}

func completed(n int64) func(*client.Operation) {
	return func(op *client.Operation) {
		op.Counts.Completed = client.OptionalCount{Value: n, Known: true}
		op.Counts.Error = client.OptionalCount{Value: n / 10, Known: true}
	}
}

// asked is one answer of getCurrentImportOperation, and what the read that it leads to returns.
type asked struct {
	op           *client.Operation
	read         ReadResult // empty if no read is allowed
	reason       client.Reason
	wait         time.Duration // before the answer
	took         time.Duration
	look, reader string        // the instances that answer
	date         time.Duration // of the answer, after epoch; 0 if it has no Date header
	stale        bool          // it is not believed
	limited      bool          // a 429 came a short while ago
	own          bool          // the exporter looks by itself
}

func (a asked) after(d time.Duration) asked {
	a.wait = d
	return a
}

// by names the instances that answer the look and its read; empty for answers that name none.
func (a asked) by(look, reader string) asked {
	a.look, a.reader = look, reader
	return a
}

func own(a asked) asked {
	a.own = true
	return a
}

func no(op *client.Operation) asked      { return asked{op: op} }
func ok(op *client.Operation) asked      { return asked{op: op, read: ReadOK} }
func waiting(op *client.Operation) asked { return asked{op: op, read: ReadWaiting} }
func failed(op *client.Operation) asked {
	return asked{op: op, read: ReadFailed, reason: client.Timeout}
}
func limited(op *client.Operation) asked {
	return asked{op: op, read: ReadFailed, reason: client.RateLimited}
}
func notSent(op *client.Operation) asked { return asked{op: op, read: ReadNotSent} }

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
		answers []asked
	}{
		"what was read is not read again": {config.OnChange, []asked{ok(a1), no(a1), no(a1).after(time.Hour)}},
		"counts that changed are read once two answers in a row agree on them": {config.OnChange, []asked{
			ok(a1), no(a2), no(a3), no(nil), no(a3), ok(a3), no(a3),
		}},
		"counts that go back to what was read are not read": {config.OnChange, []asked{ok(a1), no(a2), no(a1), no(a1)}},
		"what was not sent is decided anew":                 {config.OnChange, []asked{notSent(a1), ok(a2)}},
		"each-scrape reads what does not change":            {config.EachScrape, []asked{ok(a1), ok(a1)}},
		"in each-scrape an own look reads only as on-change would": {config.EachScrape, []asked{
			own(ok(a1)), own(no(a1)), ok(a1), own(no(a2)), own(ok(a2)), own(no(a2)).after(time.Hour), ok(a2),
		}},
		"in on-change an own look reads as a scrape does":    {config.OnChange, []asked{own(ok(a1)), no(a1), own(no(a2)), ok(a2), own(no(a2))}},
		"an own look of an operation that ran reads nothing": {config.EachScrape, []asked{no(ready("a", 1, in(importing))), own(no(a1)), own(no(a1))}},
		"never reads nothing":                                {config.Never, []asked{no(a1), no(a1)}},
		"unguarded is not for this policy to allow":          {config.Unguarded, []asked{no(a1), no(a1)}},
		"no import has nothing to read":                      {config.EachScrape, []asked{no(nil), no(nil)}},
		"a record that is not valid has nothing staged":      {config.EachScrape, []asked{no(invalidA1), no(invalidA1)}},
		"an operation that was seen running is never read again, in whatever step it is": {config.EachScrape, []asked{
			ok(a1), no(ready("a", 1, in(importing))), no(a1), no(a2), no(a2).after(24 * time.Hour), ok(b1), no(a2),
		}},
		"an operation that was seen running and not valid is never read again": {config.OnChange, []asked{
			no(ready("a", 1, in("importer_finishing"), invalid)), no(a1), no(a1),
		}},
		"an operation that is prepared anew before it ran is read": {config.OnChange, []asked{
			ok(a1), no(ready("a", 1, in(preparing))), no(a2), ok(a2),
		}},

		"the pause doubles with each failed or waiting read: 5, 10, 20, 40, then 60 minutes": {config.OnChange, []asked{
			failed(a1),
			no(a1).after(5*minute - 1), waiting(a1).after(1),
			no(a1).after(10*minute - 1), limited(a1).after(1),
			no(a1).after(20*minute - 1), failed(a1).after(1),
			no(a1).after(40*minute - 1), failed(a1).after(1),
			no(a1).after(60*minute - 1), failed(a1).after(1),
			no(a1).after(60*minute - 1), ok(a1).after(1),
		}},
		"the pause begins at 5 minutes again with another operation": {config.OnChange, []asked{
			failed(a1), failed(a1).after(5 * minute), failed(b1), no(b1).after(5*minute - 1), ok(b1).after(1),
		}},
		"the pause begins at 5 minutes again once other counts have settled": {config.EachScrape, []asked{
			failed(a1), failed(a1).after(5 * minute), no(a2), failed(a2), no(a2).after(5*minute - 1), ok(a2).after(1),
		}},
		"the pause begins at 5 minutes again after a read that succeeded": {config.EachScrape, []asked{
			failed(a1), ok(a1).after(5 * minute), failed(a1), no(a1).after(5*minute - 1), ok(a1).after(1),
		}},

		"a numeric ts, of a server before 6.3.0, is never read": {config.EachScrape, []asked{
			no(oldA1), no(oldA1), no(ready("a", 1, numeric, in(preparing))), no(oldA1), no(oldA1).after(24 * time.Hour), ok(b1),
		}},
		"an importer without a file is never read": {config.EachScrape, []asked{
			no(ready("a", 1, importer("api"))), no(ready("b", 1, pendingFiles)), no(ready("c", 1, importer("pending-avatars"))), ok(ready("d", 1, importer("csv"))),
		}},
		"a record that was set back is never read, also once its counts are gone": {config.EachScrape, []asked{
			no(ready("a", 1, completed(50))), no(a1), no(a1), ok(b1),
		}},
		"a record without a readable time of its last save is not read": {config.EachScrape, []asked{
			no(ready("a", 1, func(op *client.Operation) { op.Updated = time.Time{} })), ok(a1),
		}},
		"nothing is read on an older time of the last save": {config.EachScrape, []asked{
			no(ready("a", 1, in(preparing), saved(minute))), no(a1), no(a1).after(time.Hour), ok(ready("a", 1, saved(minute))),
		}},
		"nothing is read on an older ts": {config.EachScrape, []asked{
			no(ready("b", 1, in(preparing), created(minute))), no(ready("a", 1, saved(minute))).after(time.Hour), ok(ready("c", 1, created(minute), saved(minute))),
		}},
		"what an answer that is not believed shows counts too": {config.EachScrape, []asked{
			{op: ready("a", 1, in(importing)), stale: true}, no(a1),
			{op: ready("b", 1, saved(minute)), stale: true}, no(b1), ok(ready("b", 1, saved(minute))),
		}},
		"no import makes nothing forgotten": {config.EachScrape, []asked{
			no(ready("a", 1, in(importing), saved(minute))), no(nil), no(ready("a", 1, saved(minute))),
			failed(ready("b", 1, saved(minute))), no(nil), no(ready("b", 1, saved(minute))).after(5*minute - 1),
			no(b1).after(1), ok(ready("b", 1, saved(minute))),
		}},
		"a time more than a minute ahead of the answer's Date is not remembered": {config.EachScrape, []asked{
			{op: ready("a", 1, in(preparing), created(minute+2), saved(minute+2)), date: 1}, ok(a1),
			{op: ready("b", 1, in(preparing), saved(minute+1)), date: 1}, no(b1), ok(ready("c", 1, saved(minute+1))),
		}},
		"nothing is read while the last three looks met several instances": {config.EachScrape, []asked{
			ok(a1).by("x", "x"), no(a1).by("y", ""), no(a1).by("", ""), no(a1).by("y", ""), ok(a1).by("y", "y"), no(a1).by("x", ""),
		}},
		"a look of 250 ms leads to a read, and a longer one to none": {config.EachScrape, []asked{
			{op: a1, took: 250 * time.Millisecond, read: ReadOK}, {op: a1, took: 250*time.Millisecond + 1}, ok(a1),
		}},
		"nothing is read for 10 minutes after another instance answered a read": {config.EachScrape, []asked{
			ok(a1).by("x", "y"), no(a1).by("x", "").after(10*minute - 1), failed(a1).by("x", "y").after(1),
			no(a1).by("x", "").after(10*minute - 1), ok(a1).by("x", "x").after(1), ok(a1).by("x", ""), ok(a1).by("", "y"), ok(a1).by("x", "x"),
		}},
		"nothing is read during a pause after a 429": {config.EachScrape, []asked{{op: a1, limited: true}, ok(a1)}},
	} {
		t.Run(rule, func(t *testing.T) {
			p, now := newReadPolicy(MaxTook), epoch
			for i, a := range test.answers {
				now = now.Add(a.wait)
				answer := client.OperationAnswer{Operation: a.op, Took: a.took, Instance: a.look}
				if a.date > 0 {
					answer.ServerTime = epoch.Add(a.date)
				}
				p.see(answer)
				if a.stale {
					continue
				}
				read, rule := p.begin(question{answer, test.mode, now, a.limited, a.own})
				require.Equal(t, a.read != "", read != nil, "answer %d is read", i+1)
				require.Equal(t, read == nil, rule != nil)
				if read != nil {
					data := client.FileData{Selection: &client.Selection{}, Instance: a.reader}
					differs := a.look != "" && a.reader != "" && a.look != a.reader
					assert.Equal(t, differs, p.end(read, a.read, data, a.reason, now))
				}
			}
		})
	}
}

func TestNothingIsReadWhileAReadIsUnderWay(t *testing.T) {
	p := newReadPolicy(MaxTook)
	q := question{OperationAnswer: client.OperationAnswer{Operation: ready("a", 1)}, mode: config.EachScrape}
	first, _ := p.begin(q)
	second, _ := p.begin(q)
	assert.NotNil(t, first)
	assert.Nil(t, second)
}

func TestNothingIsReadInAnyOtherStep(t *testing.T) {
	unknown := []client.Step{"importer_pondering", "importer_preparing_x", "importer_importing_x", "user_selection", "IMPORTER_USER_SELECTION"}
	for _, step := range append(client.Steps(), unknown...) {
		p := newReadPolicy(MaxTook)
		q := question{OperationAnswer: client.OperationAnswer{Operation: ready("a", 1, in(step))}, mode: config.EachScrape}
		for range 3 {
			p.see(q.OperationAnswer)
			read, _ := p.begin(q)
			assert.Equal(t, step == client.StepUserSelection, read != nil, step)
			if read != nil {
				p.end(read, ReadOK, client.FileData{}, "", epoch)
			}
		}
	}
}

func TestARuleSaysWhy(t *testing.T) {
	assert.LessOrEqual(t, len(rules), 13, "a person reads them in a minute")
	slow := client.OperationAnswer{Operation: ready("a", 1), Took: time.Second}
	assert.Equal(t, "Rocket.Chat took more than 250ms to answer", WhyNotRead(slow, config.OnChange))
	assert.Equal(t, "the settings say never", WhyNotRead(slow, config.Never))
	assert.Empty(t, WhyNotRead(slow, config.Unguarded))
	slow.Took = MaxTook
	assert.Empty(t, WhyNotRead(slow, config.OnChange))
}

func TestAllCountsButCompletedAndErrorSayWhatIsStaged(t *testing.T) {
	known := func(n int64) client.OptionalCount { return client.OptionalCount{Value: n, Known: true} }
	want := client.Counts{Total: known(7), Users: known(1), Channels: known(2), Messages: known(3), Contacts: known(4)}
	counts := want
	counts.Completed, counts.Error = known(5), known(1)
	assert.Equal(t, fingerprint{"a", want}, fingerprintOf(&client.Operation{ID: "a", Counts: counts}))
}

func TestAPauseAfter429(t *testing.T) {
	for rule, test := range map[string]struct {
		reset time.Time
		want  time.Duration
	}{
		"lasts until the reset":                         {epoch.Add(30 * time.Second), 30 * time.Second},
		"lasts for two minutes at most":                 {epoch.Add(time.Hour), 2 * time.Minute},
		"lasts for a minute if the reset is now":        {epoch, time.Minute},
		"lasts for a minute if the server does not say": {time.Time{}, time.Minute},
	} {
		assert.Equal(t, test.want, limitedUntil(test.reset, epoch).Sub(epoch), rule)
	}
}

func TestAPauseRunsByTheMonotonicClock(t *testing.T) {
	now := time.Now()
	until := limitedUntil(now.Add(time.Minute).Round(0), now) // as a header says it: by the wall clock
	assert.Contains(t, until.String(), " m=", "it has no reading of the monotonic clock")
	assert.WithinDuration(t, now.Add(time.Minute), until, time.Second)
}
