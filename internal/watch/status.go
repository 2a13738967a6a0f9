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

// Status is what past scrapes have seen of a workspace. Times are by this
// process's clock.
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
}

// statusKeeper keeps what the page shows. The watcher tells it each result; its
// lock guards it.
type statusKeeper struct {
	good        *result // the newest with an answer; nil before the first
	failure     Failure
	failing     bool
	scraped     time.Time
	runningID   string // the operation of first and last
	first, last Look
}

// record takes a result, and the error that explains one without an answer. A
// result that no scrape waited for says nothing.
func (k *statusKeeper) record(r *result, err error, now time.Time) {
	k.scraped = now
	k.failing = r.reason != "" && !r.abandoned
	switch {
	case r.reason == "":
		k.good = r
		k.look(r.snapshot.Operation, now)
	case k.failing && err != nil:
		k.failed(err, now)
	}
}

// failed takes an error, also of a read of the selection.
func (k *statusKeeper) failed(err error, now time.Time) { k.failure = Failure{Err: err, At: now} }

// look follows the progress of a running operation.
func (k *statusKeeper) look(op *client.Operation, now time.Time) {
	if op == nil || !op.Step.Running() {
		k.runningID, k.first, k.last = "", Look{}, Look{}
		return
	}
	k.last = Look{At: now, Completed: op.Counts.Completed.Value + op.Counts.Error.Value}
	if op.ID != k.runningID {
		k.runningID, k.first = op.ID, k.last
	}
}
