package watch

import (
	"cmp"
	"slices"
	"time"

	"rocketchat_import_exporter/client"
)

// Incident is something that went wrong with an import although its step looks regular.
type Incident string

const (
	// SetBack means that an import that ran or was done was prepared a second time, or is loading or
	// ready again. Somebody called getImportFileData.
	SetBack Incident = "set_back"
	// Aborted means that a running operation ended as importer_done while its record is not valid.
	// Another instance of the workspace started, or import.clear was called.
	Aborted Incident = "aborted"
)

// Incidents returns all incidents, in a fixed order.
func Incidents() []Incident { return []Incident{SetBack, Aborted} }

// Ending says how an operation in importer_done ended, as far as this watcher
// saw it: any later restart of Rocket.Chat makes a finished record not valid too.
type Ending string

const (
	// EndingUnknown means that the operation has not ended, or that the watcher did not see how.
	EndingUnknown Ending = ""
	// EndingFinished means that the record was seen done and valid.
	EndingFinished Ending = "finished"
	// EndingAborted means that [Aborted] was counted for this operation.
	EndingAborted Ending = "aborted"
)

const (
	// maxGap is how long two looks may lie apart for the second to be taken as
	// what the running import led to, and not as that and a restart after it.
	maxGap = 5 * time.Minute
	// maxUnsaved is how many records Rocket.Chat may leave uncounted when an import ends regularly: it
	// does not save the last partial batch of one that never reaches its total.
	maxUnsaved = 500
	// believeAfter is how long an answer that is older than one before it is not believed.
	believeAfter = 2 * time.Minute
)

// Sample is the progress of an operation at one moment.
type Sample struct {
	At      time.Time
	Handled int64 // records completed or failed
}

// Course is what was seen of one operation. Times are by this process's clock.
type Course struct {
	// First is the first sample of the running operation; Last is the newest. Their
	// difference is its speed. Both are zero unless it runs.
	First, Last Sample
	// Moved is when an answer showed that the operation had been saved since the
	// answer before; zero if none did.
	Moved time.Time
	// SetBackAt and AbortedAt are when the last incident of each kind was seen; zero if none was.
	SetBackAt, AbortedAt time.Time
	// Died says what was seen when the operation was aborted or interrupted; empty if that is not known.
	Died string
	// Ending is how an operation in importer_done ended.
	Ending Ending
	// Started is when the operation was first seen running, by Rocket.Chat's clock. It is zero if it
	// was not seen in the step before, or without that clock.
	Started time.Time
}

// follower follows the newest operation from answer to answer, and counts what happens to it. The
// memory's lock guards it.
type follower struct {
	counts map[Incident]uint64

	last             *client.Operation // the last one that was believed; nil before the first
	at               time.Time         // when it was seen
	created, updated time.Time         // its times, as far as they are credible
	missed           bool              // since then a call failed, or there was no operation
	grew             bool              // its total grew, or an incident was counted when it was seen
	setBackBy        time.Time         // its time of the last save when it was last seen set back
	oldSince         time.Time         // since when all answers are older; zero if the newest is not
	course           Course
}

func newFollower() follower { return follower{counts: map[Incident]uint64{}} }

// outdated reports whether op is older than an answer before it, and must not be believed.
func (f *follower) outdated(op *client.Operation, now time.Time) bool {
	switch {
	case op == nil || !f.isOlder(op):
		return false
	case f.oldSince.IsZero():
		f.oldSince = now
	}
	return now.Sub(f.oldSince) < believeAfter
}

// isOlder reports whether op is older than the last record. One that is further on is not, whatever
// its time says: the clock of another instance wrote the time of the last one.
func (f *follower) isOlder(op *client.Operation) bool {
	before := func(a, b time.Time) bool { return !a.IsZero() && a.Before(b) }
	if f.last == nil || before(op.Created, f.created) {
		return f.last != nil
	}
	return op.ID == f.last.ID && before(op.Updated, f.updated) && !furtherOn(op, f.last)
}

// furtherOn reports whether the record a can only have been saved after b. Nothing makes a record
// valid again.
func furtherOn(a, b *client.Operation) bool {
	steps := client.Steps()
	at, from := slices.Index(steps, a.Step), slices.Index(steps, b.Step)
	switch {
	case a.Valid != b.Valid:
		return b.Valid
	case a.Step != b.Step:
		return from >= 0 && at > from
	case a.Step.State() == client.StateLoading && a.Counts.Total.Value > b.Counts.Total.Value:
		return true
	default:
		return a.Counts.Completed.Value > b.Counts.Completed.Value
	}
}

// observe takes an answer that is believed; its operation is nil if there is none. It returns what
// happened since the answer before, empty if nothing did.
func (f *follower) observe(answer client.OperationAnswer, now time.Time) (happened Incident) {
	op := answer.Operation
	if op == nil {
		f.missed = true
		return ""
	}
	last, doubt := f.before(op), f.missed || now.Sub(f.at) > maxGap
	f.last, f.at, f.missed, f.oldSince = op, now, false, time.Time{}
	f.created, f.updated = credible(op.Created, answer.ServerTime), credible(op.Updated, answer.ServerTime)
	grew := hasGrown(last, op)
	// An older record, which is further on, may have come since op was seen set back.
	repeated := !f.setBackBy.IsZero() && op.Updated.Equal(f.setBackBy)
	switch {
	case isSetBack(last, op) && !repeated, grew && !f.grew:
		happened, f.course.SetBackAt, f.setBackBy = SetBack, now, op.Updated
	case isAborted(last, op, doubt):
		happened, f.course.AbortedAt = Aborted, now
	}
	f.grew = grew || happened != ""
	f.course.follow(last, op, happened, now)
	if op.Step.Running() && !last.Step.Running() {
		f.course.Started = cmp.Or(f.course.Started, answer.ServerTime)
	}
	if happened != "" {
		f.counts[happened]++
	}
	return happened
}

// before returns the record that op is compared with: the last one of the same operation, or op
// itself where nothing can be said. Another operation begins a new course.
func (f *follower) before(op *client.Operation) *client.Operation {
	switch {
	case f.last == nil || f.last.ID != op.ID:
		f.course, f.setBackBy = Course{}, time.Time{}
		return op
	case f.isOlder(op):
		return op
	default:
		return f.last
	}
}

// isSetBack reports whether an operation that ran or was done is loading or ready again.
func isSetBack(last, op *client.Operation) bool {
	if last.Step.Running() || last.Step == client.StepDone {
		state := op.Step.State() // valid or not
		return state == client.StateLoading || state == client.StateReady
	}
	return op.WasSetBack() && !last.WasSetBack() // it ran meanwhile
}

// hasGrown reports whether more is staged than when the operation was ready: the file was prepared a
// second time. Only a program may add records to an import of its own.
func hasGrown(last, op *client.Operation) bool {
	prepared := func(o *client.Operation) bool {
		return o.Step == client.StepUserSelection || o.Step.Running() || o.Step == client.StepDone
	}
	return prepared(last) && prepared(op) && op.Importer != "api" &&
		last.Counts.Total.Known && op.Counts.Total.Value > last.Counts.Total.Value
}

// isAborted reports whether a running operation ended before all was imported.
func isAborted(last, op *client.Operation, doubt bool) bool {
	unsaved := op.Counts.Total.Value - op.Counts.Handled()
	switch {
	case !last.Step.Running() || op.Step != client.StepDone || op.Valid:
		return false
	case doubt:
		return unsaved > maxUnsaved
	default:
		return unsaved > 0 || !op.Counts.Total.Known
	}
}

// follow takes the next record of the same operation.
func (c *Course) follow(last, op *client.Operation, happened Incident, now time.Time) {
	if !op.Updated.Equal(last.Updated) {
		c.Moved = now
	}
	switch {
	case op.Step != client.StepDone:
		c.Ending = EndingUnknown
	case op.Valid:
		c.Ending = EndingFinished
	case happened == Aborted:
		c.Ending = EndingAborted
	}
	if !op.Step.Running() {
		c.First, c.Last = Sample{}, Sample{}
		return
	}
	c.Last = Sample{At: now, Handled: op.Counts.Handled()}
	if c.First.At.IsZero() {
		c.First = c.Last
	}
}
