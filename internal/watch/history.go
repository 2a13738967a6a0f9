package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Incident is something that happened to an import that a single record does
// not show: only two looks at it, one after the other, do.
type Incident string

const (
	// SetBack means that an operation that was running or done is being loaded
	// or waits for its selection again. Somebody called getImportFileData.
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
	// lookGap is how long two looks may lie apart for the second to be taken as
	// what the running import led to, and not as that and a restart after it.
	lookGap = 5 * time.Minute
	// unsavedMost is how many records Rocket.Chat may leave uncounted when an
	// import ends: the last partial batch is never saved.
	unsavedMost = 500
)

// history follows one operation from look to look, and counts what happens to
// it. The watcher's lock guards it.
type history struct {
	counts map[Incident]uint64

	last   *client.Operation // the last known record; nil if there is none
	at     time.Time         // when it was seen
	missed bool              // whether a look failed since; the watcher sets it
	ending Ending            // of last
}

func newHistory() history { return history{counts: map[Incident]uint64{}} }

// observe takes the next record; nil if there never was an import. It returns what happened since
// the one before, empty if nothing did, and what the log says of that.
func (h *history) observe(op *client.Operation, now time.Time) (happened Incident, detail string) {
	before, doubt := h.last, h.missed || now.Sub(h.at) > lookGap
	h.last, h.at, h.missed = op, now, false
	if op == nil || before == nil || before.ID != op.ID {
		h.ending = EndingUnknown
		before = op // of itself nothing can be said
	}
	if op == nil {
		return "", ""
	}
	switch {
	case op.Step != client.StepDone:
		h.ending = EndingUnknown
		state := op.Step.State() // valid or not
		if (before.Step.Running() || before.Step == client.StepDone) && (state == client.StateLoading || state == client.StateReady) {
			happened, detail = SetBack, "another program called getImportFileData; what was staged may be gone while the import goes on"
		}
	case op.Valid:
		h.ending = EndingFinished
	case before.Step.Running() && !doubt:
		happened, detail = Aborted, "another instance of the workspace started, or import.clear was called, while the import ran"
	case before.Step.Running() && unsaved(op) > unsavedMost:
		happened, detail = Aborted, "looks were missed, and more records are left than Rocket.Chat leaves uncounted at a regular end"
	}
	if happened == Aborted {
		h.ending = EndingAborted
	}
	if happened != "" {
		h.counts[happened]++
	}
	return happened, detail
}

// unsaved is how many records the operation has not counted as handled; 0 where
// the record has no total.
func unsaved(op *client.Operation) int64 {
	return op.Counts.Total.Value - op.Counts.Completed.Value - op.Counts.Error.Value
}
