package diagnosis

import (
	"fmt"
	"strconv"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// Pace is how fast a running import was between the first look that saw it run and the newest one.
type Pace struct {
	// Speed is empty where it is not known.
	Speed string
	// End is when the import ends if it stays as fast, by this process's clock. It is zero where
	// nobody can tell: without a total, while the import stalls, and while nothing can be seen.
	End time.Time
	// Early is true while End rests on less than a tenth of the records.
	Early bool
}

// PaceOf returns the pace of the import of a workspace.
func PaceOf(seen watch.Status) (p Pace) {
	op, first, last := seen.Snapshot.Operation, seen.Snapshot.First, seen.Snapshot.Last
	done, took := last.Handled-first.Handled, last.At.Sub(first.At)
	switch {
	case op.State() != client.StateImporting || took <= 0:
		return Pace{}
	case done <= 0:
		return Pace{Speed: "nothing saved in " + Span(took)}
	}
	speed := float64(done) / took.Seconds()
	p.Speed = Speed(speed)
	if total := op.Counts.Total; total.Known && !seen.Stalled() && !seen.Failing {
		const most = 1e9 // seconds; more would not fit a Duration
		rest := min(float64(max(total.Value-last.Handled, 0))/speed, most)
		p.End = last.At.Add(time.Duration(rest * float64(time.Second)))
		p.Early = last.Handled < total.Value/10
	}
	return p
}

// Left says how long the import still takes, with a word after it. It is empty where nobody can tell.
func (p Pace) Left(now time.Time, word string) string {
	switch left := p.End.Sub(now); {
	case p.End.IsZero():
		return ""
	case left <= 0:
		return "about to end"
	case p.Early:
		return "about " + Span(left) + word + IfAsFast
	default:
		return "about " + Span(left) + word
	}
}

// IfAsFast is what an early estimate assumes.
const IfAsFast = " if it stays this fast"

// Percent is how much of total, which is above 0, is handled: rounded down, and 100 % at most.
func Percent(handled, total int64) string {
	return fmt.Sprintf("%d %%", 100*min(handled, total)/total)
}

// Grouped writes n, which is at least 0, with a comma before each three digits.
func Grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Number writes a number of things, which a final s makes many.
func Number(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Grouped(n) + " " + thing + "s"
}

// Span writes a duration in one unit, of which there are at least two unless it is the second.
func Span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return Number(int64(d/time.Second), "second")
	case d < 2*time.Hour:
		return Number(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return Number(int64(d/time.Hour), "hour")
	default:
		return Number(int64(d/(24*time.Hour)), "day")
	}
}

// Speed writes a speed, of records in each second, in a unit that makes it at least one.
func Speed(speed float64) string {
	unit := " a second"
	if speed < 1 {
		speed, unit = speed*60, " a minute"
	}
	if speed < 1 {
		speed, unit = speed*60, " an hour"
	}
	return Number(int64(speed+0.5), "record") + unit
}
