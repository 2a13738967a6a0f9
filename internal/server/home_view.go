package server

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
	"rocketchat_import_exporter/internal/words"
)

// view is what the page shows of a workspace. Texts are empty, and pointers nil,
// where there is nothing to show.
type view struct {
	Name, URL string
	words.Diagnosis
	// Since is when the diagnosis became true.
	Since *moment
	// Stalled is true if it is that the import does not move.
	Stalled bool
	// Unscraped says since when nobody has scraped the workspace.
	Unscraped string
	scraped   time.Time

	// Seen is the newest look, Saved Rocket.Chat's last save before it, and
	// Created when the import was created.
	Seen, Saved, Created *moment
	Bar                  *bar
	// Note says what the counts of this import leave out.
	Note string
	// Running is true while the import runs. First is the first look at which it
	// did, Speed is since then, and Left is its end if it goes on like that.
	Running        bool
	First, Left    *moment
	Speed          string
	Step, Importer string
	Counts         []count
	// Early says what a server of an early generation lacks.
	Early string

	Failing bool
	// Failure is the newest, Cause its shortest form.
	Failure, Cause, Hint string
	FailedAt             *moment
}

// RunbookLink leads to the runbook. The page of runbooks is plain text, where a
// browser finds no anchor but may find the words.
func (v view) RunbookLink() template.URL {
	return template.URL("./docs/runbooks.md#" + strings.ToLower(v.Runbook) + ":~:text=%23%23%20" + v.Runbook)
}

// moment is a time that is shown relative to now.
type moment struct {
	// Text is relative.
	Text string
	at   time.Time
}

// past returns the moment at, which was so long ago by the clock that at is of.
func past(at time.Time, ago time.Duration) *moment {
	return &moment{words.Span(max(ago, 0)) + " ago", at}
}

// DateTime is the time for a machine.
func (m moment) DateTime() string { return m.at.UTC().Format(time.RFC3339) }

// Title is the time for a person.
func (m moment) Title() string { return m.at.UTC().Format("2006-01-02 15:04:05 UTC") }

// count is a number of records of one kind.
type count struct{ Kind, Number string }

// bar is a progress bar. Its Text says the same.
type bar struct {
	// Value of Max is done. Max is 0 if nobody knows how much there is to do.
	Value, Max int64
	Text       string
}

// Percent is how far the import is, rounded down. Max is above 0.
func (b bar) Percent() string { return fmt.Sprintf("%d %%", 100*b.Value/b.Max) }

// Short is Text for a table.
func (b bar) Short() string {
	if b.Max > 0 {
		return b.Percent()
	}
	return b.Text
}

// newView returns what the page shows now of a workspace.
func newView(name, url string, seen watch.Status, now time.Time) view {
	lookAge := now.Sub(seen.At)
	v := view{Name: name, URL: url, Diagnosis: words.Diagnose(seen), scraped: seen.Scraped, Failing: seen.Failing}
	v.Stalled = v.Rank == words.RankStalled
	if !v.At.IsZero() {
		v.Since = past(v.At, v.Age+lookAge)
	}
	if seen.Snapshot.Early {
		v.Early = words.EarlyServer
	}
	v.fail(seen.Failure, now)
	switch scraped := now.Sub(seen.Scraped); {
	case seen.Scraped.IsZero():
		v.Unscraped = "yet"
	case scraped > unscrapedAfter:
		v.Rank, v.Unscraped = words.RankUnscraped, "for "+words.Span(scraped)
	case seen.Failing:
		v.Rank = words.RankUnseen
	}
	if seen.At.IsZero() {
		return v
	}
	v.Seen = past(seen.At, lookAge)
	v.Counts = countsOf(seen.Snapshot)
	if op := seen.Snapshot.Operation; op != nil {
		v.Step, v.Importer = string(op.Step), cmp.Or(op.Type, op.Importer)
		if idle, ok := seen.Idle(); ok {
			v.Saved = past(op.Updated, idle+lookAge)
		}
		if age, ok := seen.Age(); ok {
			v.Created = past(op.Created, age+lookAge)
		}
		v.Bar = barOf(seen.Snapshot)
		v.Note = noteOf(op, v.Bar)
		if op.State() == client.StateImporting {
			v.Running = true
			v.pace(seen, now)
		}
	}
	return v
}

// fail takes over the newest failure.
func (v *view) fail(f watch.Failure, now time.Time) {
	if f.Err == nil {
		return
	}
	v.Failure, v.FailedAt = f.Err.Error(), past(f.At, now.Sub(f.At))
	v.Cause = v.Failure
	if e := (*client.Error)(nil); errors.As(f.Err, &e) {
		v.Hint, v.Cause = e.Hint, errors.Unwrap(e).Error()
	}
}

// pace says how fast a running import was between the first and the newest look,
// and when it ends if it goes on like that.
func (v *view) pace(seen watch.Status, now time.Time) {
	if !seen.First.At.IsZero() {
		v.First = past(seen.First.At, now.Sub(seen.First.At))
	}
	done, took := seen.Last.Completed-seen.First.Completed, seen.Last.At.Sub(seen.First.At)
	if took <= 0 {
		return
	}
	if done <= 0 {
		v.Speed = "nothing saved in " + words.Span(took)
		return
	}
	speed := float64(done) / took.Seconds()
	v.Speed = words.Speed(speed)
	if total := seen.Snapshot.Operation.Counts.Total; total.Known && !v.Stalled && v.Unscraped == "" {
		const most = 1e9 // seconds; more would not fit a Duration
		rest := min(float64(max(total.Value-seen.Last.Completed, 0))/speed, most)
		end := seen.Last.At.Add(time.Duration(rest * float64(time.Second)))
		v.Left = &moment{"about " + words.Span(end.Sub(now)), end}
		if !end.After(now) {
			v.Left.Text = "about to end"
		}
	}
}

// barOf returns how far an import is, or nil where there is no progress.
func barOf(s watch.Snapshot) *bar {
	op, counts := s.Operation, s.Operation.Counts
	handled := counts.Completed.Value + counts.Error.Value
	b := &bar{Value: min(handled, counts.Total.Value), Max: counts.Total.Value}
	switch state := op.Step.State(); {
	case op.Step == "importer_file_loaded": // nothing happens until somebody opens the page
		return nil
	case state == client.StateLoading && op.Valid:
		staged := max(counts.Total.Value, counts.Users.Value+counts.Channels.Value+counts.Messages.Value+counts.Contacts.Value)
		b.Value, b.Max, b.Text = 0, 0, words.Number(staged, "record")+" staged so far"
		if staged == 0 {
			b.Text = "No record staged so far"
		}
		return b
	case state == client.StateDone && (op.Valid || s.Ending == watch.EndingFinished):
		b.Value, b.Max = 1, 1
	case state != client.StateImporting && state != client.StateDone && state != client.StateError:
		return nil
	case op.Valid && state == client.StateImporting: // as it is
	case counts.Total.Value == 0:
		return nil
	case state != client.StateDone || s.Ending == watch.EndingAborted:
		b.Text = "Stopped at "
	}
	if b.Max > 0 {
		b.Text += b.Percent() + ": "
	}
	b.Text += words.Grouped(handled)
	if counts.Total.Known {
		b.Text += " of " + words.Grouped(counts.Total.Value)
	}
	b.Text += " records handled"
	if counts.Error.Value > 0 {
		b.Text += ", " + words.Grouped(counts.Error.Value) + " of them failed"
	}
	return b
}

// noteOf says what the counts that a bar shows leave out.
func noteOf(op *client.Operation, b *bar) string {
	switch {
	case b == nil || op.Counts.Total.Value == 0 || op.State() == client.StateLoading:
		return ""
	case op.Importer == "api" || op.PendingDownloads():
		return "Rocket.Chat does not save the last counts."
	default:
		return "Rocket.Chat counts a record that fails as handled, and does not save the last counts."
	}
}

// countsOf says what is to be imported: as the selection has it, or else the
// operation's own counts.
func countsOf(s watch.Snapshot) []count {
	selection := cmp.Or(s.Selection, &client.Selection{})
	var own client.Counts
	switch op := s.Operation; {
	case op == nil && s.PositionKnown: // there is no import
		return nil
	case op != nil && op.Step == client.StepUserSelection && !op.Valid: // it was cleared
		return nil
	case op != nil:
		own = op.Counts
	}
	var all []count
	for _, c := range []struct {
		kind        string
		staged, own client.OptionalCount
	}{
		{"Users", selection.Users, own.Users}, {"Channels", selection.Channels, own.Channels},
		{"Messages", selection.Messages, own.Messages}, {"Contacts", selection.Contacts, own.Contacts},
	} {
		if n := cmp.Or(c.staged, c.own); n.Known {
			all = append(all, count{c.kind, words.Grouped(n.Value)})
		}
	}
	return all
}
