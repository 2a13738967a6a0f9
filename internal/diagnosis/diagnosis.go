// Package diagnosis says in words how an import is, whether that is bad, and what to
// do. The page and the command check share it.
package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
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
	"not seen lately", "in another state", "ended", "without an import",
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
	d := diagnoseAged(seen)
	if s.HasIncident(watch.SetBack) {
		return d.setBack(seen)
	}
	return d
}

// diagnoseAged says how an operation is, and whether that is bad at its age.
func diagnoseAged(seen watch.Status) Diagnosis {
	s, d := seen.Snapshot, diagnoseOperation(seen)
	if s.Ending == watch.EndingAborted {
		d.At, d.Age = s.AbortedAt, seen.At.Sub(s.AbortedAt)
	} else {
		d.Age, _ = seen.Idle()
	}
	d.Bad = d.Rank == RankStalled || d.Rank == RankBroken && d.Age < badEndFor
	if d.Rank == RankBroken && !d.Bad {
		d.Rank = RankOver
	}
	if s.Died != "" {
		d.Advice = strings.ToUpper(s.Died[:1]) + s.Died[1:] + ". " + d.Advice
	}
	return d
}

// setBack returns the diagnosis d of an operation that was set back, unless that is over: it can no
// longer be started, does not run, and was last saved more than an hour ago.
func (d Diagnosis) setBack(seen watch.Status) Diagnosis {
	state := seen.Snapshot.Operation.State()
	ready := state == client.StateReady
	if !ready && state != client.StateLoading && state != client.StateImporting && d.Age >= setBackFor {
		return d
	}
	if d.Words == setBack {
		d.Bad = true
		return d
	}
	more := ": " + d.Words + d.More
	if ready {
		more = ": do not press start"
	}
	return Diagnosis{
		Rank: RankBroken, Words: setBack, More: more, Bad: true, Advice: adviceSetBack, Runbook: "RocketChatImportDisturbed",
	}
}

// setBack are the Words for an import that was set back.
const setBack = "set back"

// row is what is said of an operation, if it holds. The advice is for any source, and the runbook has
// no RocketChatImport before it.
type row struct {
	holds                        bool
	rank                         Rank
	words, more, advice, runbook string
}

// diagnoseOperation says how an operation is. An end that may be bad has RankBroken.
func diagnoseOperation(seen watch.Status) Diagnosis {
	op := seen.Snapshot.Operation
	s := situation{Snapshot: seen.Snapshot, op: op, step: op.Step, source: sourceOf(op)}
	s.loading = s.step.State() == client.StateLoading
	s.words, s.more = stepWords[s.step][0], stepWords[s.step][1]
	switch {
	case s.words == "" && (s.loading || s.step.Running()):
		s.words = strings.ReplaceAll(strings.TrimPrefix(string(s.step), "importer_"), "_", " ")
	case s.words == "":
		s.words = fmt.Sprintf("in the step %s, which this exporter does not know", s.step)
	}
	rows := slices.Concat(s.over(), s.ready(), s.givenUp(), s.notMoving(seen.Stalled()), s.moving())
	r := rows[slices.IndexFunc(rows, func(r row) bool { return r.holds })]
	d := Diagnosis{Rank: r.rank, Words: r.words, More: r.more, Advice: s.source.advise(r.advice)}
	if r.runbook != "" {
		d.Runbook = "RocketChatImport" + r.runbook
	}
	// A restart saves what is done once more, and makes it invalid.
	if (r.rank == RankBroken || r.rank == RankOver) && (op.Valid || s.step != client.StepDone) {
		d.At = op.Updated
	}
	return d
}

// situation is an operation with what has been seen of it.
type situation struct {
	watch.Snapshot
	op          *client.Operation
	step        client.Step
	loading     bool
	source      source
	words, more string // of the step
}

// over says how an import ended that Rocket.Chat went through to one of its last steps.
func (s situation) over() []row {
	done, saved := s.step == client.StepDone, Saved(s.op)
	return []row{
		{done && s.Ending == watch.EndingAborted, RankBroken, "aborted", saved, adviceAborted, "Aborted"},
		{done && s.Finished(), RankOver, "finished", "", "", ""},
		{done, RankOver, "ended", ": finished before Rocket.Chat was restarted, or aborted" + saved,
			adviceEnded, "Aborted"},
		{s.step == "importer_import_failed", RankBroken, "failed", "", adviceFailed, "Failed"},
		{s.step == "importer_import_cancelled", RankOver, "canceled", "", "", ""},
	}
}

// ready says how an import is that waits for its start. A download never does.
func (s situation) ready() []row {
	const noDownload = ": this download never waits for a start"
	ready, empty, program := s.step == client.StepUserSelection, empty(s.Snapshot), s.source == program
	return []row{
		{ready && !s.op.Valid, RankOther, NothingStaged, ": it was cleared", adviceCleared, ""},
		{ready && s.source == downloads, RankBroken, setBack, noDownload, adviceDownloadSetBack, "Disturbed"},
		{ready && empty && program, RankOther, NothingStaged, ": no program has added records yet", "", ""},
		{ready && empty, RankOther, NothingStaged, ": the file was empty or of another kind", adviceNothing, ""},
		{ready && program, RankReady, s.words, ": waits for a program to add records or to run it", "", ""},
		{ready, RankReady, s.words, s.more, "", ""},
	}
}

// givenUp says how an import is that Rocket.Chat gave up.
func (s situation) givenUp() []row {
	const before = " by Rocket.Chat before anything was prepared"
	givenUp, more := !s.op.Valid, " while "+s.words+": it never finishes"
	return []row{
		{givenUp && s.step.Running(), RankBroken, "interrupted", more, adviceInterrupted, "Interrupted"},
		{givenUp && s.loading && s.step != fileLoaded, RankBroken, "interrupted", more, adviceUnprepared, "Interrupted"},
		{givenUp, RankOver, "given up", before, adviceUnprepared, "Interrupted"},
	}
}

// fileLoaded is the step that waits for somebody to open the import page.
const fileLoaded client.Step = "importer_file_loaded"

// notMoving says how an import is that Rocket.Chat has not saved for too long.
func (s situation) notMoving(stalled bool) []row {
	more := " while " + s.words
	return []row{
		{stalled && s.step == fileLoaded, RankStalled, s.words, s.more, adviceFileLoaded, "PreparationStalled"},
		{stalled && s.loading, RankStalled, "stalled", more, adviceLoading, "PreparationStalled"},
		{stalled, RankStalled, "stalled", more, adviceStalled, "Stalled"},
	}
}

// moving says how an import is that goes on, or may.
func (s situation) moving() []row {
	return []row{
		{s.step.Running() && s.source == downloads, RankImporting, s.words, s.more, adviceDownloading, ""},
		{s.step.Running(), RankImporting, s.words, s.more, "", ""},
		{s.loading, RankLoading, s.words, s.more, "", ""},
		{true, RankOther, s.words, s.more, "", ""},
	}
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
	switch {
	case !c.Completed.Known || !c.Total.Known:
		return ""
	case c.Total.Value == 0: // an importer that does not say
		return fmt.Sprintf("; %s saved", Grouped(c.Completed.Value))
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

// Count is how many records of one kind an import holds.
type Count struct {
	Kind   string // Users, Channels, Messages or Contacts
	Number int64
}

// Text is the number with commas.
func (c Count) Text() string { return Grouped(c.Number) }

// Staged says what an import holds, and who counts it: "selection", or "operation" where that is not
// known. It returns nothing where neither is known, there is no import, or it was cleared.
func Staged(s watch.Snapshot) (counts []Count, by string) {
	op := s.Operation
	if op == nil && s.PositionKnown || op != nil && op.Step == client.StepUserSelection && !op.Valid {
		return nil, ""
	}
	var staged client.Selection
	switch {
	case s.Selection != nil:
		staged, by = *s.Selection, "selection"
	case op != nil:
		staged, by = client.Selection{Users: op.Counts.Users, Channels: op.Counts.Channels, Messages: op.Counts.Messages, Contacts: op.Counts.Contacts}, "operation"
	}
	if s.WithoutFlags {
		by = "operation"
	}
	for i, n := range []client.OptionalCount{staged.Users, staged.Channels, staged.Messages, staged.Contacts} {
		if n.Known {
			counts = append(counts, Count{[]string{"Users", "Channels", "Messages", "Contacts"}[i], n.Value})
		}
	}
	if counts == nil {
		by = ""
	}
	return counts, by
}
