package follow

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

// display shows a person what happens.
type display interface {
	// event shows a line that stays.
	event(text string)
	// update shows how the import is. changed is true if its state is another than before.
	update(v view, changed bool)
	close()
}

func newDisplay(o Options, now func() time.Time) display {
	if o.Terminal {
		return newTerminal(o.Out, now)
	}
	return lines{o.Out, now}
}

// view is an import at the newest look.
type view struct {
	diagnosis.Diagnosis
	seen watch.Status
}

// counts are how many records are handled, and of how many; 0 where that is not known.
func (v view) counts() (handled, total int64) {
	if op := v.seen.Snapshot.Operation; op != nil {
		return op.Counts.Handled(), op.Counts.Total.Value
	}
	return 0, 0
}

// parts say how far the import is, the most important first.
func (v view) parts(now time.Time) (all []string) {
	op := v.seen.Snapshot.Operation
	if op == nil {
		return nil
	}
	handled, total := v.counts()
	switch state := op.State(); {
	case state == client.StateNew, state == client.StateLoading, state == client.StateReady:
		if total > 0 {
			all = append(all, diagnosis.Number(total, "record")+" staged")
		}
	case total > 0:
		if v.Words != "finished" {
			all = append(all, diagnosis.Percent(handled, total))
		}
		if !strings.Contains(v.More, " saved") {
			all = append(all, diagnosis.Grouped(handled)+" of "+diagnosis.Number(total, "record"))
		}
	}
	if failed := op.Counts.Error.Value; failed > 0 {
		all = append(all, diagnosis.Grouped(failed)+" failed")
	}
	pace := diagnosis.PaceOf(v.seen)
	if left := pace.Left(now, " left"); left != "" {
		all = append(all, left)
	}
	if pace.Speed != "" {
		all = append(all, pace.Speed)
	}
	if idle, ok := v.seen.Idle(); ok {
		all = append(all, "saved "+diagnosis.Span(idle+now.Sub(v.seen.At))+" ago")
	}
	return all
}

// line says how the import is, and what to do if its state has changed.
func (v view) line(changed bool, now time.Time) string {
	text := v.Sentence()
	if parts := v.parts(now); len(parts) > 0 {
		text = strings.TrimSuffix(text, ".") + " (" + strings.Join(parts, ", ") + ")."
	}
	if changed {
		text = strings.TrimSpace(text + " " + v.ToDo())
	}
	return text
}

// lines writes a line for each change.
type lines struct {
	w   io.Writer
	now func() time.Time
}

func (l lines) event(text string)           { fmt.Fprintln(l.w, l.now().Format(time.TimeOnly), "", text) }
func (l lines) update(v view, changed bool) { l.event(v.line(changed, l.now())) }
func (l lines) close()                      {}

// terminal draws one line again and again, below the events.
type terminal struct {
	lines
	progress *mpb.Progress
	bar      *mpb.Bar

	mu sync.Mutex
	v  view
}

const (
	redrawEvery = 250 * time.Millisecond
	leastBar    = 12 // columns
)

func newTerminal(w io.Writer, now func() time.Time) *terminal {
	t := &terminal{progress: mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh(), mpb.WithRefreshRate(redrawEvery))}
	t.lines = lines{t.progress, now}       // which writes above the bar
	t.bar, _ = t.progress.Add(0, filler(), // which fails only after it was closed
		mpb.PrependDecorators(decor.Any(t.state)), mpb.AppendDecorators(decor.Any(t.rest)))
	return t
}

// filler returns a bar that is empty as long as there is no total.
func filler() mpb.BarFiller {
	bar := mpb.BarStyle().Build()
	return mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		if s.Total == 0 {
			return nil
		}
		return bar.Fill(w, s)
	})
}

func (t *terminal) update(v view, changed bool) {
	if changed {
		t.lines.update(v, changed)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.v = v
	handled, total := v.counts()
	if handled == 0 { // nothing runs yet
		total = 0
	}
	t.bar.SetTotal(total, false)
	t.bar.SetCurrent(min(handled, total))
}

func (t *terminal) close() {
	t.bar.Abort(true)
	t.progress.Wait()
}

// state is what stands before the bar.
func (t *terminal) state(decor.Statistics) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.v.Words + t.v.More
}

// short are the abbreviations of the line with the bar.
var short = strings.NewReplacer(" records a second", "/s", " records a minute", "/min", " records an hour", "/h",
	" seconds", " s", " minutes", " min", " hours", " h", " days", " d", " records", "", "about to", "about to", "about ", "", diagnosis.IfAsFast, "")

// rest is what stands behind the bar. It leaves out what a narrow terminal has no room for.
func (t *terminal) rest(s decor.Statistics) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := t.v.parts(t.now())
	for ; ; parts = parts[:len(parts)-1] {
		text := short.Replace(strings.Join(parts, "  "))
		if len(parts) < 2 || utf8.RuneCountInString(text)+leastBar <= s.AvailableWidth {
			return text
		}
	}
}
