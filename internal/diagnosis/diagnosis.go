// Package diagnosis says in words how an import is, whether that is bad, and what to
// do. The page and the command check share it.
package diagnosis

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// Rank orders diagnoses, the most pressing first.
type Rank int

// The ranks. Diagnose does not return RankUnseen.
const (
	RankStalled Rank = iota
	RankBroken
	RankUnseen
	RankImporting
	RankLoading
	RankReady
	RankUnscraped
	RankOther
	RankOver
	RankNone
)

var rankNames = []string{
	"stalled", "failed, aborted or set back", "cannot be seen", "importing", "preparing", "ready",
	"not scraped", "in another state", "ended", "without an import",
}

// String says what the page's line of totals calls it.
func (r Rank) String() string { return rankNames[r] }

// How long the shipped alerts fire after a bad end, and after a set-back.
const (
	badEndFor  = 24 * time.Hour
	setBackFor = time.Hour
)

// Diagnosis says in words how an import is.
type Diagnosis struct {
	Rank Rank
	// Words are the shortest form, and More is the rest of the sentence.
	Words, More string
	// At is when Words became true, and Age how long that was before the newest
	// look. At is zero if that is not known.
	At  time.Time
	Age time.Duration
	// Bad is true while one of the shipped alerts would fire.
	Bad bool
	// Advice says what to do, and Runbook names the alert whose runbook says
	// more. Both are empty if there is nothing to do.
	Advice, Runbook string
}

// NothingStaged are the Words for an import that waits for its start without anything to import.
const NothingStaged = "nothing staged"

// OldServer says what the exporter does not do on a server that may prepare the file anew.
const OldServer = "This Rocket.Chat is older than 6.3, so the exporter never asks for the selection."

const (
	adviceStalled     = "Look at the log of Rocket.Chat, and at the load of Rocket.Chat and MongoDB. Do not restart Rocket.Chat to hurry it: a restart ends the import for good."
	adviceFileLoaded  = "Nobody has opened the import page, or Rocket.Chat could not open the file: look at its log. Nothing has been imported yet."
	adviceLoading     = "Look for an error in the log of Rocket.Chat. Nothing has been imported yet: you can upload the file again."
	adviceInterrupted = "Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Find out why, then start a new import of the same file. What was imported before is still there."
	adviceUnprepared  = "Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Nothing has been imported yet: upload the file again."
	adviceFailed      = "Look for the error in the log of Rocket.Chat. Fix the cause, then start a new import. What was imported before is still there."
	adviceAborted     = "Another instance of the workspace was started, or import.clear was called, while the import ran. What was not imported by then is missing. Run one instance only, and import the same file again."
	adviceEnded       = "The record does not say which. Compare some users, channels and messages with the export. If some are missing, import the same file again."
	adviceSetBack     = "Another program called getImportFileData. Find it in the access log, and stop it. Do not press start on the import page until the runbook tells you to."
	adviceNothing     = "Upload the file again, and choose the importer of its kind."
	adviceDownloading = "Rocket.Chat may save only every 500 files or avatars, so a long time without a save is normal."
)

// stepWords are the Words and More of steps whose name does not say what happens.
var stepWords = map[client.Step][2]string{
	"importer_new":               {"new", ": waits for its file or its records"},
	"importer_uploading":         {"uploading the file"},
	"importer_downloading_file":  {"downloading the file"},
	"importer_file_loaded":       {"file loaded", ": waits for somebody to open the import page"},
	"importer_preparing_started": {"preparing the file"},
	client.StepUserSelection:     {"ready", ": waits for somebody to press start"},
	"importer_importing_started": {"starting to import"},
}

// DiagnoseAnswer says how the import of one answer is, which has an operation.
func DiagnoseAnswer(answer client.OperationAnswer) Diagnosis {
	return Diagnose(watch.Status{
		Snapshot: watch.NewSnapshot(answer),
		// Without a Date header nobody knows how old the save is. It is no stall then.
		At: cmp.Or(answer.ServerTime, answer.Operation.Updated, answer.AnsweredAt),
	})
}

// Diagnose says how the import of a workspace was at the newest look.
func Diagnose(seen watch.Status) Diagnosis {
	s, op := seen.Snapshot, seen.Snapshot.Operation
	switch {
	case seen.At.IsZero():
		return Diagnosis{Rank: RankUnscraped, Words: "not seen yet"}
	case !s.PositionKnown && s.Waiting:
		return Diagnosis{Rank: RankLoading, Words: "preparing the file"}
	case !s.PositionKnown:
		return Diagnosis{Rank: RankOther, Words: "not known: in mode unguarded the exporter does not ask for the step"}
	case op == nil:
		return Diagnosis{Rank: RankNone, Words: "no import yet"}
	}
	d := diagnoseOperation(seen)
	if s.Ending == watch.EndingAborted {
		d.At, d.Age = s.AbortedAt, seen.At.Sub(s.AbortedAt)
	} else {
		d.Age, _ = seen.Idle()
	}
	d.Bad = d.Rank == RankStalled || d.Rank == RankBroken && d.Age < badEndFor
	if d.Rank == RankBroken && !d.Bad {
		d.Rank = RankOver
	}
	ready, lately := op.State() == client.StateReady, seen.At.Sub(s.SetBackAt) < setBackFor
	if s.HasIncident(watch.SetBack) && (ready || lately || op.WasSetBack()) {
		more := ": " + d.Words + d.More
		if ready {
			more = ": do not press start"
		}
		d = Diagnosis{
			Rank: RankBroken, Words: "set back", More: more, Bad: lately || op.WasSetBack(),
			Advice: adviceSetBack, Runbook: "RocketChatImportDisturbed",
		}
	}
	return d
}

// diagnoseOperation says how an operation is. An end that may be bad has RankBroken.
func diagnoseOperation(seen watch.Status) Diagnosis {
	s, op, step := seen.Snapshot, seen.Snapshot.Operation, seen.Snapshot.Operation.Step
	loading, stalled := step.State() == client.StateLoading, seen.Stalled()
	words, more := stepWords[step][0], stepWords[step][1]
	switch {
	case words == "" && (loading || step.Running()):
		words = strings.ReplaceAll(strings.TrimPrefix(string(step), "importer_"), "_", " ")
	case words == "":
		words = fmt.Sprintf("in the step %s, which this exporter does not know", step)
	}
	d := Diagnosis{Rank: RankOther, Words: words, More: more}
	switch {
	case step == client.StepDone && s.Ending == watch.EndingAborted:
		return Diagnosis{Rank: RankBroken, Words: "aborted", More: Saved(op), Advice: adviceAborted, Runbook: "RocketChatImportAborted"}
	case step == client.StepDone && op.Valid:
		return Diagnosis{Rank: RankOver, Words: "finished", At: op.Updated}
	case step == client.StepDone && s.Ending == watch.EndingFinished: // a restart has saved it since
		return Diagnosis{Rank: RankOver, Words: "finished"}
	case step == client.StepDone:
		return Diagnosis{
			Rank: RankOver, Words: "ended", More: ": finished before Rocket.Chat was restarted, or aborted" + Saved(op),
			Advice: adviceEnded, Runbook: "RocketChatImportAborted",
		}
	case step == client.StepUserSelection && !op.Valid:
		return Diagnosis{Rank: RankOther, Words: NothingStaged, More: ": it was cleared", Advice: adviceNothing}
	case step == client.StepUserSelection && empty(s):
		return Diagnosis{Rank: RankOther, Words: NothingStaged, More: ": the file was empty or of another kind", Advice: adviceNothing}
	case step == "importer_import_failed":
		return Diagnosis{Rank: RankBroken, Words: "failed", At: op.Updated, Advice: adviceFailed, Runbook: "RocketChatImportFailed"}
	case step == "importer_import_cancelled":
		return Diagnosis{Rank: RankOver, Words: "canceled", At: op.Updated}
	case !op.Valid && (step.Running() || loading && step != "importer_file_loaded"):
		d = Diagnosis{
			Rank: RankBroken, Words: "interrupted", More: " while " + words + ": it never finishes", At: op.Updated,
			Advice: adviceUnprepared, Runbook: "RocketChatImportInterrupted",
		}
		if step.Running() {
			d.Advice = adviceInterrupted
		}
	case !op.Valid:
		return Diagnosis{
			Rank: RankOver, Words: "given up", More: " by Rocket.Chat before anything was prepared", At: op.Updated,
			Advice: adviceUnprepared, Runbook: "RocketChatImportInterrupted",
		}
	case stalled && step == "importer_file_loaded":
		d.Rank, d.Advice, d.Runbook = RankStalled, adviceFileLoaded, "RocketChatImportPreparationStalled"
	case stalled:
		d = Diagnosis{Rank: RankStalled, Words: "stalled", More: " while " + words, Advice: adviceStalled, Runbook: "RocketChatImportStalled"}
		if loading {
			d.Advice, d.Runbook = adviceLoading, "RocketChatImportPreparationStalled"
		}
	case step.Running():
		d.Rank = RankImporting
		if op.PendingDownloads() {
			d.Advice = adviceDownloading
		}
	case loading:
		d.Rank = RankLoading
	case step == client.StepUserSelection:
		d.Rank = RankReady
	}
	return d
}

// empty reports whether it is known that there is nothing to import. As long as
// there is no selection, messages alone are nothing: nobody has written them. An
// importer counts a file of another kind like that.
func empty(s watch.Snapshot) bool {
	zero := func(n client.OptionalCount) bool { return n.Known && n.Value == 0 }
	if staged := s.Selection; staged != nil {
		return zero(staged.Users) && zero(staged.Channels) && zero(staged.Messages) && staged.Contacts.Value == 0
	}
	total, messages := s.Operation.Counts.Total, s.Operation.Counts.Messages
	return total.Known && total.Value <= messages.Value
}

// Saved says after a semicolon how many records of op are saved. It is empty if that is not known.
func Saved(op *client.Operation) string {
	c := op.Counts
	if !c.Total.Known || !c.Completed.Known {
		return ""
	}
	return fmt.Sprintf("; %s of %s saved", Grouped(c.Completed.Value), Grouped(c.Total.Value))
}

// Sentence is the diagnosis as one sentence.
func (d Diagnosis) Sentence() string {
	return strings.ToUpper(d.Words[:1]) + d.Words[1:] + d.More + "."
}

// ToDo says what to do, and where to read more. It is empty if there is nothing to do.
func (d Diagnosis) ToDo() string {
	if d.Runbook == "" {
		return d.Advice
	}
	return strings.TrimSpace(d.Advice + " See " + d.Runbook + " in docs/runbooks.md.")
}
