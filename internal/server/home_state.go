package server

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// rank orders states, the most pressing first.
type rank int

const (
	rankStalled rank = iota
	rankBroken
	rankUnseen
	rankImporting
	rankLoading
	rankReady
	rankUnscraped
	rankOther
	rankOver
	rankNone
)

// rankNames are what the line of totals calls them.
var rankNames = []string{
	"stalled", "failed, aborted or set back", "cannot be seen", "importing", "preparing", "ready",
	"not scraped", "in another state", "ended", "without an import",
}

// How long the shipped alerts tell of a bad end, and of a set-back.
const (
	badEndFor  = 24 * time.Hour
	setBackFor = time.Hour
)

// state says in words how an import is.
type state struct {
	rank  rank
	Words string
	// Since is when Words became true; nil if that is not known. More is the rest of the sentence.
	Since *moment
	More  string
	// Bad is true while one of the shipped alerts would fire, and Stalled while
	// the one about an import that does not move would.
	Bad, Stalled bool
	// Advice says what to do, and Runbook names the alert whose runbook says
	// more; empty if there is nothing to do.
	Advice, Runbook string
}

// RunbookLink leads to the runbook. The page of runbooks is plain text, where a
// browser finds no anchor but may find the words.
func (s state) RunbookLink() template.URL {
	return template.URL("./docs/runbooks.md#" + strings.ToLower(s.Runbook) + ":~:text=%23%23%20" + s.Runbook)
}

const (
	adviceStalled     = "Look at the log of Rocket.Chat, and at the load of Rocket.Chat and MongoDB. Do not restart Rocket.Chat to hurry it: a restart ends the import for good."
	adviceFileLoaded  = "Nobody has opened the import page, or Rocket.Chat could not open the file: look at its log. Nothing has been imported yet."
	adviceLoading     = "Look for an error in the log of Rocket.Chat. Nothing has been imported yet: you can upload the file again."
	adviceInterrupted = "Rocket.Chat was restarted, or another instance of the workspace was started. Find out why, then start a new import of the same file. What was imported before is still there."
	adviceUnprepared  = "Rocket.Chat was restarted, or another instance of the workspace was started. Nothing has been imported yet: upload the file again."
	adviceFailed      = "Look for the error in the log of Rocket.Chat. Fix the cause, then start a new import. What was imported before is still there."
	adviceAborted     = "Another instance of the workspace was started, or import.clear was called, while the import ran. What was not imported by then is missing. Run one instance only, and import the same file again."
	adviceEnded       = "The exporter did not see how it ended. Compare some users, channels and messages with the export. If some are missing, import the same file again."
	adviceSetBack     = "Another program called getImportFileData. Find it in the access log, and stop it. Do not press start on the import page until the runbook tells you to."
	adviceNothing     = "Upload the file again, and choose the importer of its kind."
)

// stepWords say what happens in a step of a valid operation and, after a colon, for what it waits.
var stepWords = map[client.Step]string{
	"importer_new":                "new: waits for its file or its records",
	"importer_uploading":          "uploading the file",
	"importer_downloading_file":   "downloading the file",
	"importer_file_loaded":        "file loaded: waits for somebody to open the import page",
	"importer_preparing_started":  "preparing the file",
	"importer_preparing_users":    "preparing users",
	"importer_preparing_channels": "preparing channels",
	"importer_preparing_messages": "preparing messages",
	"importer_preparing_contacts": "preparing contacts",
	client.StepUserSelection:      "ready: waits for somebody to press start",
	"importer_importing_started":  "starting to import",
	"importer_importing_users":    "importing users",
	"importer_importing_channels": "importing channels",
	"importer_importing_messages": "importing messages",
	"importer_importing_contacts": "importing contacts",
	"importer_importing_files":    "importing files",
	"importer_finishing":          "finishing",
	"importer_import_failed":      "failed",
	"importer_import_cancelled":   "canceled",
}

// stateOf says how the import of a workspace was at the newest look, which was so long ago.
func stateOf(seen watch.Status, lookAge time.Duration) state {
	s := seen.Snapshot
	op := s.Operation
	switch {
	case seen.At.IsZero():
		return state{rank: rankUnscraped, Words: "not seen yet"}
	case !s.PositionKnown && s.Waiting:
		return state{rank: rankLoading, Words: "preparing the file"}
	case !s.PositionKnown:
		return state{rank: rankOther, Words: "not known: in mode unguarded the exporter does not ask for the step"}
	case op == nil:
		return state{rank: rankNone, Words: "no import yet"}
	}
	is := stateOfOperation(s)
	idle, known := seen.Idle()
	ended, incidentAge := idle, seen.At.Sub(seen.IncidentAt) // before the look
	switch {
	case s.Ending == watch.EndingAborted:
		ended = incidentAge
		is.Since = past(seen.IncidentAt, ended+lookAge)
	case known && (is.Words == "finished" && op.Valid || is.Words == "canceled" || op.State() == client.StateError && is.rank != rankOther):
		is.Since = past(op.Updated, ended+lookAge)
	}
	if is.rank == rankBroken {
		is.Bad = ended < badEndFor
		if !is.Bad {
			is.rank = rankOver
		}
	}
	if seen.Stalled() {
		is.stall(op.Step)
	}
	if seen.Incident == watch.SetBack && (incidentAge < setBackFor || op.State() == client.StateReady) {
		is = state{
			rank: rankBroken, Words: "set back", More: ": " + is.Words + is.More, Bad: incidentAge < setBackFor,
			Advice: adviceSetBack, Runbook: "RocketChatImportDisturbed",
		}
		if op.State() == client.StateReady {
			is.More = ": do not press start"
		}
	}
	return is
}

// stall makes the state of an operation that of one that does not move.
func (is *state) stall(step client.Step) {
	is.rank, is.Bad, is.Stalled, is.Runbook = rankStalled, true, true, "RocketChatImportPreparationStalled"
	if step == "importer_file_loaded" {
		is.Advice = adviceFileLoaded
		return
	}
	is.Words, is.More, is.Advice = "stalled", " while "+is.Words, adviceLoading
	if step.Running() {
		is.Advice, is.Runbook = adviceStalled, "RocketChatImportStalled"
	}
}

// stateOfOperation says how an operation is, except what only several looks
// show. An end that may be bad has rankBroken.
func stateOfOperation(s watch.Snapshot) state {
	op := s.Operation
	is := state{rank: rankOther}
	words, more, waits := strings.Cut(stepWords[op.Step], ": ")
	if is.Words = words; waits {
		is.More = ": " + more
	}
	switch {
	case words == "" && op.Step.Running():
		is.Words = fmt.Sprintf("importing (%s)", op.Step)
	case words == "":
		is.Words = fmt.Sprintf("in the step %s, which this exporter does not know", op.Step)
	}
	interrupted := " while " + is.Words + ": it never finishes"
	switch {
	case op.Step == client.StepDone && s.Ending == watch.EndingAborted:
		return state{rank: rankBroken, Words: "aborted", More: savedOf(op), Advice: adviceAborted, Runbook: "RocketChatImportAborted"}
	case op.Step == client.StepDone && (op.Valid || s.Ending == watch.EndingFinished):
		return state{rank: rankOver, Words: "finished"}
	case op.Step == client.StepDone:
		return state{rank: rankOver, Words: "ended", More: ": finished before Rocket.Chat was restarted, or aborted" + savedOf(op), Advice: adviceEnded, Runbook: "RocketChatImportAborted"}
	case op.Step == client.StepUserSelection && !op.Valid:
		return state{rank: rankOther, Words: "nothing staged", More: ": it was cleared", Advice: adviceNothing}
	case op.Step == client.StepUserSelection && nothingStaged(s):
		return state{rank: rankOther, Words: "nothing staged", More: ": the file was empty or of another kind", Advice: adviceNothing}
	case op.Step == "importer_import_failed":
		return state{rank: rankBroken, Words: words, Advice: adviceFailed, Runbook: "RocketChatImportFailed"}
	case op.Step == "importer_import_cancelled":
		is.rank = rankOver
	case !op.Valid && op.Step.Running():
		return state{rank: rankBroken, Words: "interrupted", More: interrupted, Advice: adviceInterrupted, Runbook: "RocketChatImportInterrupted"}
	case !op.Valid && op.Step.State() == client.StateLoading && op.Step != "importer_file_loaded":
		return state{rank: rankBroken, Words: "interrupted", More: interrupted, Advice: adviceUnprepared, Runbook: "RocketChatImportInterrupted"}
	case !op.Valid:
		return state{rank: rankOver, Words: "given up", More: " by Rocket.Chat before anything was prepared", Advice: adviceUnprepared, Runbook: "RocketChatImportInterrupted"}
	case op.Step.Running():
		is.rank = rankImporting
	case op.State() == client.StateLoading:
		is.rank = rankLoading
	case op.State() == client.StateReady:
		is.rank = rankReady
	}
	return is
}

// nothingStaged reports whether it is known that there is nothing to import.
func nothingStaged(s watch.Snapshot) bool {
	total := s.Operation.Counts.Total
	if s.Selection == nil {
		return total.Known && total.Value == 0
	}
	empty := func(n client.OptionalCount) bool { return n.Known && n.Value == 0 }
	return empty(s.Selection.Users) && empty(s.Selection.Channels) && empty(s.Selection.Messages) && s.Selection.Contacts.Value == 0
}

// savedOf says how many records of op are saved, if the record has a total.
func savedOf(op *client.Operation) string {
	if !op.Counts.Total.Known {
		return ""
	}
	return fmt.Sprintf("; %s of %s saved", grouped(op.Counts.Completed.Value), grouped(op.Counts.Total.Value))
}
