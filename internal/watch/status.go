package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Failure is a call that returned no answer, and when that was.
type Failure struct {
	// Err is nil if no call failed. It is a [*client.Error], which has a hint,
	// or says that a scrape ended before there was an answer.
	Err error
	At  time.Time
}

// Look is the progress of an operation at one moment.
type Look struct {
	At        time.Time
	Completed int64
}

// Status is what past scrapes have seen of a workspace. Times are by this process's clock.
type Status struct {
	// Snapshot is the newest that has an answer, and At when that was asked for;
	// both are zero if there is none.
	Snapshot Snapshot
	At       time.Time
	// Failure is the newest.
	Failure Failure
	// Failing is true if the newest call returned no answer while a scrape waited.
	Failing bool
	// Scraped is when the newest call ended; zero if there was none.
	Scraped time.Time
	// First is the first look at which Snapshot's operation was running; Last is
	// the newest. Their difference is its speed. Both are zero unless it runs.
	First, Last Look
	// Moved is when a look found that Snapshot's operation had been saved since
	// the look before; zero if none did.
	Moved time.Time
	// Incident is the newest of Snapshot's operation, seen at IncidentAt; empty if there was none.
	Incident   Incident
	IncidentAt time.Time
}

// Idle returns how long before the newest look Rocket.Chat last saved the
// operation. It uses Rocket.Chat's clock, or this process's if that is not
// known. It is not ok if there is no operation or no time of its last save.
func (s Status) Idle() (idle time.Duration, ok bool) {
	if s.Snapshot.Operation == nil {
		return 0, false
	}
	return s.since(s.Snapshot.Operation.Updated)
}

// Age returns how long before the newest look Rocket.Chat created the operation.
// It is as [Status.Idle] otherwise.
func (s Status) Age() (age time.Duration, ok bool) {
	if s.Snapshot.Operation == nil {
		return 0, false
	}
	return s.since(s.Snapshot.Operation.Created)
}

// since returns how long before the newest look t was, and whether t is known.
func (s Status) since(t time.Time) (time.Duration, bool) {
	now := s.Snapshot.ServerTime
	if now.IsZero() {
		now = s.At
	}
	return max(now.Sub(t), 0), !t.IsZero()
}

// Stalled reports whether the operation was not saved for so long before the newest look that the
// shipped alerts fire. A save seen lately wins over clocks that disagree.
func (s Status) Stalled() bool {
	idle, ok := s.Idle()
	most := StalledAfter(s.Snapshot.Operation)
	return ok && most > 0 && idle > most && (s.Moved.IsZero() || s.At.Sub(s.Moved) > most)
}

// StalledAfter returns how long Rocket.Chat may leave op unsaved before the shipped alerts fire; 0
// if op, which may be nil, does not stall. Uploads and downloads are saved at their end. Downloads
// of pending files are saved only every 500 files.
func StalledAfter(op *client.Operation) time.Duration {
	switch state := op.State(); {
	case state == client.StateImporting && !op.PendingDownloads():
		return 15 * time.Minute
	case state != client.StateLoading:
		return 0
	case op.Step == "importer_uploading" || op.Step == "importer_downloading_file":
		return 4 * time.Hour
	default:
		return 30 * time.Minute
	}
}

// statusKeeper keeps what the page shows. The watcher tells it each result; its lock guards it.
type statusKeeper struct {
	good   *result // the newest with an answer; nil before the first
	status Status  // all except what good says
}

// record takes a result, and the error that explains one without an answer. A
// result that no scrape waited for says nothing.
func (k *statusKeeper) record(r *result, err error, now time.Time) {
	k.status.Scraped = now
	k.status.Failing = r.reason != "" && !r.abandoned
	switch {
	case r.reason == "":
		k.look(r, now)
	case k.status.Failing:
		k.failed(err, now)
	}
}

// failed takes an error, also of a read of the selection.
func (k *statusKeeper) failed(err error, now time.Time) {
	k.status.Failure = Failure{Err: err, At: now}
}

// look follows one operation from answer to answer.
func (k *statusKeeper) look(r *result, now time.Time) {
	var before *client.Operation
	if k.good != nil {
		before = k.good.snapshot.Operation
	}
	k.good = r
	op, s := r.snapshot.Operation, &k.status
	switch {
	case op == nil || before == nil || before.ID != op.ID:
		s.First, s.Last, s.Moved, s.Incident, s.IncidentAt = Look{}, Look{}, time.Time{}, "", time.Time{}
	case !op.Updated.Equal(before.Updated):
		s.Moved = now
	}
	if r.incident != "" {
		s.Incident, s.IncidentAt = r.incident, now
	}
	if op == nil || !op.Step.Running() {
		s.First, s.Last = Look{}, Look{}
		return
	}
	s.Last = Look{At: now, Completed: op.Counts.Completed.Value + op.Counts.Error.Value}
	if s.First.At.IsZero() {
		s.First = s.Last
	}
}
