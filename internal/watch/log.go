package watch

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

// isNews reports whether the log said something else on a topic last. It remembers text. The lock is
// held, as for all that follows.
func (m *Memory) isNews(topic, text string) bool {
	last := m.said[topic]
	m.said[topic] = text
	return text != last
}

// logSucceeded logs that calls succeed, unless the last one did too.
func (m *Memory) logSucceeded(calls, msg string) {
	if m.isNews(calls, "good") {
		level.Info(m.logger).Log("msg", msg)
	}
}

// logFailed logs an error and what to do, unless the last call failed alike.
func (m *Memory) logFailed(calls, msg string, err error) {
	kind, line := err.Error(), []any{"msg", msg, "err", err}
	if known, ok := errors.AsType[*client.Error](err); ok {
		kind = fmt.Sprint(known.Reason, known.Status)
		line = []any{"msg", msg, "reason", known.Reason, "err", err, "hint", m.hintOf(err)}
	}
	if m.isNews(calls, kind) {
		level.Error(m.logger).Log(line...)
	}
}

// logNotSent logs once for each hint why the selection of an operation was not read.
func (m *Memory) logNotSent(err error, operation string) {
	if hint := m.hintOf(err); m.isNews(operation+": "+hint, "not sent") {
		level.Warn(m.logger).Log("msg", "the selection was not read, since somebody could press start before the request arrives; the next scrape decides again", "err", err, "hint", hint)
	}
}

// hintOf returns the hint of an error of the client, in the words of the workspace's settings.
func (m *Memory) hintOf(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return m.watcher.cfg.Hint(e.Hint)
	}
	return ""
}

// logIncident logs an incident. ours means that a read of this exporter may have caused it.
func (m *Memory) logIncident(incident Incident, op *client.Operation, ours bool) {
	msg := "the import was aborted: Rocket.Chat calls it done, and it is not complete"
	why := cmp.Or(m.follower.course.Died, "another instance of the workspace started, or import.clear was called, while the import ran")
	if incident == SetBack {
		msg, why = "the import was set back while it ran or after it was done", "another program called getImportFileData"
		if ours {
			why += ", or somebody pressed start while this exporter read the selection"
		}
		why += "; what was staged may be gone while the import goes on"
	}
	level.Error(m.logger).Log("msg", msg, "kind", incident, "operation_id", op.ID, "step", op.Step, "why", why)
}

// well is the last look at which an operation was valid, and how many new instances had answered.
type well struct {
	id        string
	at        time.Time
	instances uint64
}

// whyDead says what was seen between the last look at which an import was well and this one, at
// which it is dead. It is empty where answers do not say which instance they are from.
func (m *Memory) whyDead(op *client.Operation, now time.Time) string {
	between := " between " + m.well.at.UTC().Format(time.TimeOnly) + " and " + now.UTC().Format(time.TimeOnly) + " UTC"
	switch {
	case len(m.instances) == 0 || m.well.id != op.ID:
		return ""
	case m.newInstances > m.well.instances:
		return "an instance of Rocket.Chat was started" + between
	default:
		return "no instance of Rocket.Chat was seen to start" + between + "; one may answer later, or somebody called import.clear"
	}
}

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

	usual = map[client.State]chapter{client.StateReady: waitsForStart, client.StateImporting: runs, client.StateCanceled: wasCanceled}
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
	default:
		return cmp.Or(usual[state], hasAppeared)
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
