package watch

import (
	"time"

	"github.com/go-kit/log"
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
	case op.Step == client.StepDone:
		return map[bool]chapter{true: hasFinished, false: hasEnded}[s.Snapshot.Ending == EndingFinished]
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

// story is what the log has said of the newest import. The memory's lock guards it.
type story struct {
	logger log.Logger
	id     string
	chapter
	// The last look at which the import was well, and how many new instances had answered by then.
	wellID        string
	wellAt        time.Time
	wellInstances uint64
}

// whyDead says what was seen between the last look at which an import was well and this one, at
// which it is dead. It is empty where answers do not say which instance they are from.
func (t *story) whyDead(op *client.Operation, now time.Time, known bool, instances uint64) string {
	switch {
	case !known || t.wellID != op.ID:
		return ""
	case instances > t.wellInstances:
		return "an instance of Rocket.Chat was started between " + clock(t.wellAt) + " and " + clock(now) + " UTC"
	default:
		return "no instance of Rocket.Chat was seen to start between " + clock(t.wellAt) + " and " + clock(now) + " UTC, so somebody called import.clear, or something else ended it"
	}
}

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

// tell logs what an import has come to, unless the log has said so. What was over when it was seen
// first is no news.
func (t *story) tell(s Status) {
	op := s.Snapshot.Operation
	if op == nil {
		return
	}
	last, next := t.chapter, chapterOf(s)
	if first := t.id != op.ID; first {
		last = chapter{}
	}
	if t.id, t.chapter = op.ID, next; next == last || next == disturbed {
		return
	}
	logger := level.Info(t.logger)
	if next.bad && last != (chapter{}) {
		logger = level.Error(t.logger)
	}
	if last == hasStalled && !next.bad && (next == runs || next == hasAppeared) {
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
