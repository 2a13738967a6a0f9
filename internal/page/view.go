package page

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

// view is what the page shows of a workspace. Texts are empty, and pointers nil,
// where there is nothing to show.
type view struct {
	Name, URL string
	diagnosis.Diagnosis
	// Order is the rank of what the page says first: that of the diagnosis, unless it is old.
	Order diagnosis.Rank
	// Since is when the diagnosis became true.
	Since *moment
	// Stalled is true if the import does not move.
	Stalled bool
	// Unscraped says since when nobody has scraped the workspace, and Unseen since when nobody has
	// looked at it: the exporter looks by itself where nobody scrapes.
	Unscraped, Unseen string
	Waits             string // how long without a scrape, before the exporter looks by itself; else empty
	scraped           time.Time

	// Seen is the newest look, Saved Rocket.Chat's last save before it, and
	// Created when the import was created.
	Seen, Saved, Created *moment
	Step, Importer       string
	Bar                  *bar
	Counts               []diagnosis.Count
	CountedBy            string
	// Running is true while the import runs. First is the first look at which it
	// did, Speed is since then, and Left is its end if it goes on like that.
	Running     bool
	First, Left *moment
	Speed       string
	// Instances warns that several instances of Rocket.Chat answer while an import is ready or runs.
	Instances string
	// Old says what the exporter does not do on a server of an early generation.
	Old string

	// Failure is the newest, and Cause its shortest form. Failing is true if it lasts.
	Failing              bool
	Failure, Cause, Hint string
	// FailureRunbook names the alert whose runbook says more about the failure.
	FailureRunbook string
	FailedAt       *moment
	looked         time.Time // when the newest look was, or failed
}

// refusals name the alerts about failures with these reasons.
var refusals = map[client.Reason]string{
	client.Unauthorized: "RocketChatImportAuthFailure", client.Forbidden: "RocketChatImportAuthFailure",
	client.RateLimited: "RocketChatImportRateLimited",
}

// RunbookLink and FailureLink lead to the runbooks.
func (v view) RunbookLink() string { return "./docs/runbooks.md#" + strings.ToLower(v.Runbook) }
func (v view) FailureLink() string { return "./docs/runbooks.md#" + strings.ToLower(v.FailureRunbook) }

// moment is a time that is shown relative to now.
type moment struct {
	Text string
	At   time.Time
}

// past returns a moment that was ago before now. at is the same moment by the clock that it comes
// from, which may differ. past returns nil if at is zero.
func past(at time.Time, ago time.Duration) *moment {
	if at.IsZero() {
		return nil
	}
	return &moment{diagnosis.Span(max(ago, 0)) + " ago", at.UTC()}
}

// bar is a progress bar. Its Text says the same, and its Note what it leaves out.
type bar struct {
	// Value of Max is done. Max is 0 if nobody knows how much there is to do.
	Value, Max int64
	Text, Note string
}

// Percent is how far the import is, rounded down. Max is above 0.
func (b bar) Percent() string { return diagnosis.Percent(b.Value, b.Max) }

// newView returns what the page shows now of a workspace.
func newView(w Workspace, now time.Time) view {
	seen := w.Status
	s, op, lookAge := seen.Snapshot, seen.Snapshot.Operation, now.Sub(seen.At)
	v := view{
		Name: w.Name, URL: w.URL, Diagnosis: diagnosis.Diagnose(seen),
		Unscraped: unscraped(seen.Scraped, now), scraped: seen.Scraped,
		Seen: past(seen.At, lookAge), First: past(seen.Snapshot.First.At, now.Sub(seen.Snapshot.First.At)),
		Failing: seen.Failing, FailedAt: past(seen.FailedAt, now.Sub(seen.FailedAt)),
		looked: later(seen.At, seen.FailedAt),
	}
	v.Unseen = unscraped(v.looked, now)
	if w.Polls && v.Unscraped == "" && lookAge > time.Minute {
		v.Waits = diagnosis.Number(int64(watch.UnscrapedAfter/time.Minute), "minute")
	}
	v.Counts, v.CountedBy = diagnosis.Staged(s)
	v.Since, v.Stalled = past(v.At, v.Age+lookAge), v.Rank == diagnosis.RankStalled
	v.Order = v.Rank
	if v.Unseen != "" {
		v.Order = diagnosis.RankUnscraped
	} else if seen.Failing {
		v.Order = diagnosis.RankUnseen
	}
	v.explain(seen.Failure, w.Hint)
	if state := op.State(); s.Instances > 1 && (state == client.StateReady || state == client.StateImporting) {
		v.Instances = fmt.Sprintf("%d instances of Rocket.Chat answered within 10 minutes. A start of any of them ends the import: run one instance only until it has ended.", s.Instances)
	}
	if op != nil {
		v.showOperation(seen, now)
	}
	return v
}

// showOperation shows an operation, and how fast it runs.
func (v *view) showOperation(seen watch.Status, now time.Time) {
	op, lookAge := seen.Snapshot.Operation, now.Sub(seen.At)
	v.Step, v.Importer, v.Bar = string(op.Step), cmp.Or(op.Type, op.Importer), barOf(seen.Snapshot)
	if !op.CreatedISO {
		v.Old = diagnosis.OldServer
	}
	idle, _ := seen.Idle()
	age, _ := seen.Age()
	v.Saved, v.Created = past(op.Updated, idle+lookAge), past(op.Created, age+lookAge)
	if v.Running = op.State() == client.StateImporting; v.Running {
		pace := diagnosis.PaceOf(seen)
		v.Speed = pace.Speed
		if left := pace.Left(now, ""); left != "" && v.Unseen == "" && !seen.Failing {
			v.Left = &moment{left, pace.End.UTC()}
		}
	}
}

// explain says what the newest failure means; nil is none.
func (v *view) explain(err error, hint func(client.Hint) string) {
	if err == nil {
		return
	}
	v.Failure, v.Cause = err.Error(), err.Error()
	if e, ok := errors.AsType[*client.Error](err); ok {
		v.Hint, v.Cause = hint(e.Hint), strings.TrimPrefix(err.Error(), string(e.Endpoint)+": ")
		v.FailureRunbook = refusals[e.Reason]
	}
	v.FailureRunbook = cmp.Or(v.FailureRunbook, "RocketChatImportScrapeFailing")
}

// unscraped says since when nobody has scraped; it is empty for watch.UnscrapedAfter after a scrape.
func unscraped(scraped, now time.Time) string {
	switch age := now.Sub(scraped); {
	case scraped.IsZero():
		return "yet"
	case age > watch.UnscrapedAfter:
		return "for " + diagnosis.Span(age)
	default:
		return ""
	}
}

// barOf returns how far an import is, or nil where there is no progress.
func barOf(s watch.Snapshot) *bar {
	op, counts, b := s.Operation, s.Operation.Counts, &bar{}
	counted := counts.Completed.Known || counts.Error.Known
	shown, stopped := progress(s)
	switch {
	case op.Step.State() == client.StateLoading && op.Valid && op.Step != "importer_file_loaded": // waits until somebody opens the page
		return &bar{Text: staged(counts)}
	case ended(s):
		b.Value, b.Max = 1, 1
	case !shown:
		return nil
	case !counted:
		return &bar{Text: noCount(counts.Total)}
	default:
		b.Value, b.Max = min(counts.Handled(), counts.Total.Value), counts.Total.Value
	}
	switch {
	case !counted:
		b.Text = b.Percent()
		return b
	case stopped:
		b.Text = "Stopped at " + b.Percent() + ": "
	case b.Max > 0:
		b.Text = b.Percent() + ": "
	}
	b.Text, b.Note = b.Text+handled(counts), noteOf(op)
	return b
}

// ended reports whether it is known that an import ended as it should.
func ended(s watch.Snapshot) bool {
	return s.Operation.Step == client.StepDone && (s.Operation.Valid || s.Ending == watch.EndingFinished)
}

// progress reports whether an import that has not finished has a progress, and whether it is known
// that it ended before its end.
func progress(s watch.Snapshot) (shown, stopped bool) {
	op, begun := s.Operation, s.Operation.Counts.Total.Value > 0
	switch op.Step.State() {
	case client.StateImporting:
		return op.Valid || begun, !op.Valid
	case client.StateError:
		return begun, true
	case client.StateDone:
		return begun, s.Ending == watch.EndingAborted
	default:
		return false, false
	}
}

// staged says how many records are staged while a file is prepared.
func staged(counts client.Counts) string {
	n := max(counts.Total.Value, counts.Users.Value+counts.Channels.Value+counts.Messages.Value+counts.Contacts.Value)
	if n == 0 {
		return "No record staged so far"
	}
	return diagnosis.Number(n, "record") + " staged so far"
}

// handled says how many records are completed or failed, and how many of them failed.
func handled(counts client.Counts) string {
	text := diagnosis.Grouped(counts.Handled())
	if counts.Total.Value > 0 {
		text += " of " + diagnosis.Grouped(counts.Total.Value)
	}
	text += " records handled"
	if counts.Error.Value > 0 {
		text += ", " + diagnosis.Grouped(counts.Error.Value) + " of them failed"
	}
	return text
}

// noCount says that nobody knows how many records are handled, and how many there are.
func noCount(total client.OptionalCount) string {
	if total.Value == 0 {
		return "No count saved yet"
	}
	return "No count saved yet of " + diagnosis.Number(total.Value, "record")
}

// noteOf says what the counts of an import leave out.
func noteOf(op *client.Operation) string {
	if op.Counts.Total.Value == 0 {
		return ""
	}
	if op.Importer == "api" || op.PendingDownloads() {
		return "Rocket.Chat may not save the last counts."
	}
	return "Rocket.Chat counts a record that fails as handled, and may not save the last counts."
}
