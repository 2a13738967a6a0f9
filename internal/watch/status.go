package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

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
