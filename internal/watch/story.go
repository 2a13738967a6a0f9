package watch

import (
	"time"

	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

// chapter is what the log says of an import.
type chapter struct {
	msg string
	bad bool
}

var (
	hasAppeared    = chapter{"an import has appeared", false}
	waitsForStart  = chapter{"the import waits for somebody to press start", false}
	runs           = chapter{"the import runs", false}
	movesAgain     = chapter{"the import moves again", false}
	hasFinished    = chapter{"the import has finished", false}
	hasEnded       = chapter{"the import has ended; it may have been aborted", false}
	wasCanceled    = chapter{"the import was canceled", false}
	hasStalled     = chapter{"the import has stalled", true}
	hasFailed      = chapter{"the import has failed", true}
	wasInterrupted = chapter{"the import was interrupted, and never finishes", true}
	disturbed      = chapter{} // the log says what happened to it as an incident
)

// chapterOf returns what the log says of an operation, which is not nil. What happened between two
// looks is an [Incident], and the log says that beside.
func chapterOf(s Status) chapter {
	op := s.Snapshot.Operation
	switch state := op.State(); {
	case s.Snapshot.Ending == EndingAborted, s.Snapshot.HasIncident(SetBack) && (state == client.StateReady || state == client.StateLoading):
		return disturbed
	case op.Step == client.StepDone && s.Snapshot.Ending == EndingFinished:
		return hasFinished
	case op.Step == client.StepDone:
		return hasEnded
	case op.Step == "importer_import_failed":
		return hasFailed
	case state == client.StateError:
		return wasInterrupted
	case s.Stalled():
		return hasStalled
	case state == client.StateImporting:
		return runs
	case state == client.StateReady:
		return waitsForStart
	case state == client.StateCanceled:
		return wasCanceled
	default:
		return hasAppeared
	}
}

// story is what the log has said of an import.
type story struct {
	id string
	chapter
}

// tell logs what an import has come to, unless the log has said so. What was over when it was seen
// first is no news. The lock is held.
func (m *Memory) tell(s Status) {
	op := s.Snapshot.Operation
	if op == nil {
		return
	}
	last, next := m.story.chapter, chapterOf(s)
	if m.story.id != op.ID {
		last = chapter{}
	}
	if m.story = (story{op.ID, next}); next == last || next == disturbed {
		return
	}
	logger := level.Info(m.logger)
	if next.bad && last != (chapter{}) {
		logger = level.Error(m.logger)
	}
	if last == hasStalled && (next == runs || next == hasAppeared) {
		next = movesAgain
	}
	logger.Log(next.line(s)...)
}

// line returns the line of the log that begins the chapter.
func (c chapter) line(s Status) []any {
	op := s.Snapshot.Operation
	line := []any{"msg", c.msg, "operation_id", op.ID, "importer", op.Importer, "step", op.Step}
	if op.Counts.Total.Known {
		line = append(line, "records", op.Counts.Total.Value, "completed", op.Counts.Completed.Value, "failed", op.Counts.Error.Value)
	}
	if idle, known := s.Idle(); c == hasStalled && known {
		line = append(line, "unsaved_for", idle.Round(time.Second))
	}
	if s.Snapshot.Died != "" {
		line = append(line, "why", s.Snapshot.Died)
	}
	if began := s.Snapshot.Started; (c == hasFinished || c.bad && c != hasStalled) && !began.IsZero() {
		line = append(line, "took", op.Updated.Sub(began).Round(time.Second))
	}
	return line
}
