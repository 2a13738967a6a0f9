package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Snapshot is what one scrape knows of a workspace's newest import. Nothing in
// it changes after it is handed out.
type Snapshot struct {
	// Up is true if Rocket.Chat returned a usable answer; "no import yet" is
	// one. If it is false, the fields that describe the import are zero.
	Up bool
	// Unauthorized and Forbidden report whether Rocket.Chat refused the call
	// for the operation, or the last read of its selection.
	Unauthorized, Forbidden bool
	// Duration is how long the snapshot took, including the wait for a selection.
	Duration time.Duration
	// Failures counts the scrapes that could not show the import, by reason, including this one.
	Failures map[client.Reason]uint64
	// Incidents and Reads count since the workspace was first watched. A kind or
	// result that never occurred may be missing.
	Incidents map[Incident]uint64
	Reads     map[ReadResult]uint64

	// Instances is how many instances of Rocket.Chat answered within the last 10 minutes, and
	// NewInstances how many answered for the first time, without the first of all. InstancesKnown is
	// false if no answer named its instance.
	InstancesKnown bool
	Instances      int
	NewInstances   uint64

	// PositionKnown is true if Rocket.Chat returned the operation, or said that there is none. Only
	// then has State a meaning; it is [client.StateUnknown] for an unknown step.
	PositionKnown bool
	State         client.State
	// Operation is nil if there is none or it is not known.
	Operation *client.Operation
	// Course is what was seen of Operation until then.
	Course
	// ServerTime is Rocket.Chat's clock at the same answer as Operation; zero if
	// that answer had no Date header, and in mode unguarded.
	ServerTime time.Time
	// Selection is nil if it is not known. Each of its parts may be unknown too.
	Selection *client.Selection
	// WithoutFlags is true if Selection has the counts of the record, and so no flags.
	WithoutFlags bool
	// Waiting reports whether Rocket.Chat is fetching or preparing the file.
	Waiting bool
}

// HasIncident reports whether an incident of this kind was seen, or is proved by the record.
func (s Snapshot) HasIncident(kind Incident) bool {
	if kind == Aborted {
		return !s.AbortedAt.IsZero()
	}
	return !s.SetBackAt.IsZero() || s.Operation.WasSetBack() ||
		s.Operation.PendingDownloads() && s.Operation.State() == client.StateReady // where it never waits
}

// Finished reports whether the import is importer_done and all was imported: its record is valid, or
// was when the watcher saw it so, or all of its total is handled.
func (s Snapshot) Finished() bool {
	op := s.Operation
	switch {
	case op == nil || op.Step != client.StepDone || s.Ending == EndingAborted:
		return false
	case op.Valid || s.Ending == EndingFinished:
		return true
	default:
		return op.Counts.Total.Known && op.Counts.Handled() >= op.Counts.Total.Value
	}
}

// noImport is the snapshot of a workspace that never had an import.
func noImport() Snapshot {
	zero := client.OptionalCount{Known: true}
	return Snapshot{PositionKnown: true, State: client.StateNone, Selection: &client.Selection{Users: zero, Channels: zero, Messages: zero}}
}

// NewSnapshot is what an answer of getCurrentImportOperation says by itself.
func NewSnapshot(answer client.OperationAnswer) Snapshot {
	op := answer.Operation
	s := noImport()
	if op != nil {
		s = Snapshot{PositionKnown: true, State: op.State(), Operation: op, Waiting: op.Waiting()}
		switch {
		case emptied(op):
		case op.Importer == "api": // what the record counts is what is staged
			c := op.Counts
			s.Selection = &client.Selection{Users: c.Users, Channels: c.Channels, Messages: c.Messages, Contacts: c.Contacts}
			s.WithoutFlags = true
		case !op.CreatedISO: // a later server keeps no selection in the record
			s.Selection = op.Selection
		}
	}
	s.Up, s.ServerTime = true, answer.ServerTime
	return s
}

// emptied reports whether nothing is staged for op: import.clear and a new
// import empty what waits for its selection, and make the record not valid.
func emptied(op *client.Operation) bool {
	return op.Step == client.StepUserSelection && !op.Valid
}

// Status is what past scrapes have seen of a workspace. Times are by this process's clock.
type Status struct {
	// Snapshot is the newest that has an answer, and At when that was asked for;
	// both are zero if there is none.
	Snapshot Snapshot
	At       time.Time
	// Failure is the error of the newest call that returned no answer, a [*client.Error] or that its
	// scrape ended before, and FailedAt when that was. It is nil if no call failed.
	Failure  error
	FailedAt time.Time
	// Failing is true if the newest call returned no answer while a scrape waited.
	Failing bool
	// Scraped is when the newest scrape came; zero if there was none.
	Scraped time.Time
}

// Idle returns how long before the newest look Rocket.Chat last saved the operation, by Rocket.Chat's
// clock or else this process's. It is not ok without an operation or a time of its last save.
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
	limit := StalledAfter(s.Snapshot.Operation)
	return ok && limit > 0 && idle > limit && (s.Snapshot.Moved.IsZero() || s.At.Sub(s.Snapshot.Moved) > limit)
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
