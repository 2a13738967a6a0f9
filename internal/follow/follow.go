// Package follow follows the newest import of one workspace until it ends, for a person at a
// terminal or a script.
package follow

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/check"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

// The exit codes.
const (
	Finished    = 0
	NotFinished = 1 // the import ended in another way, or the first look failed
	TimedOut    = 2
	Interrupted = 130 // as a shell calls an end by Ctrl-C
)

// spareCalls is how many calls of a minute are left to others, such as a daemon at the same address.
const spareCalls = 5

// Options say what is followed, and how it is shown.
type Options struct {
	// Name is the workspace's, and Config how it is reached. Its selection is never read.
	Name      string
	Config    config.Workspace
	UserAgent string
	// Interval is above 0, the time between two looks. Timeout ends it; 0 never does.
	Interval, Timeout time.Duration
	// Out is a terminal if Terminal is true. It takes lines without escapes otherwise.
	Out      io.Writer
	Terminal bool
}

// follower follows one workspace.
type follower struct {
	Options
	watcher *watch.Watcher
	now     func() time.Time
	wait    func(context.Context, time.Duration)
	display display
	call    atomic.Pointer[client.Call] // the newest

	// What was shown last.
	id, state, failure string
	handled, total     int64
}

// Run follows an import until it ends, ctx does, or the timeout passes. It returns the exit code,
// or an error if the HTTP configuration cannot be used.
func Run(ctx context.Context, o Options) (int, error) {
	f := &follower{Options: o, now: time.Now, wait: sleep, display: newDisplay(o, time.Now)}
	return f.run(ctx)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (f *follower) run(ctx context.Context) (int, error) {
	defer f.display.close()
	c, err := f.Config.Client(f.UserAgent, func(call client.Call) { f.call.Store(&call) })
	if err != nil {
		return NotFinished, err
	}
	quiet := f.Config
	quiet.FileData, quiet.MinInterval = config.Never, 0
	f.watcher = watch.New(ctx, c, quiet, watch.NewMemory(log.NewNopLogger(), watch.MaxTook), f.now)
	defer f.watcher.Close()

	f.display.event(fmt.Sprintf("Following %s (%s). Ctrl-C ends this command, not the import.", f.Name, f.Config.URL))
	for ends, first := f.now().Add(f.Timeout), true; ; first = false {
		f.watcher.Scrape(ctx, 0)
		seen := f.watcher.Status()
		switch {
		case ctx.Err() != nil:
			return Interrupted, nil
		case first && seen.Failing:
			f.display.event(check.Failed(f.Name, f.Config, seen.Failure).String())
			return NotFinished, nil
		}
		if code, over := f.tell(seen); over {
			return code, nil
		}
		pause, left := f.pause(), ends.Sub(f.now())
		if f.Timeout > 0 && left <= pause {
			f.wait(ctx, left)
			if ctx.Err() == nil {
				f.display.event(fmt.Sprintf("Stopped following after %s, as --timeout says: %s. The import goes on.", f.Timeout, f.state))
				return TimedOut, nil
			}
		}
		f.wait(ctx, pause)
	}
}

// pause is how long no look is made. It leaves the last calls of a minute to others.
func (f *follower) pause() time.Duration {
	call := f.call.Load()
	if call == nil || call.Status != 429 && !(call.RateLimitRemaining.Known && call.RateLimitRemaining.Value <= spareCalls) {
		return f.Interval
	}
	reset := call.RateLimitWait
	if reset <= 0 || reset > 2*time.Minute {
		reset = time.Minute // which is how long Rocket.Chat counts
	}
	return max(f.Interval, reset)
}

// tell shows what a look has seen, and reports whether the import is over, and with which code.
func (f *follower) tell(seen watch.Status) (code int, over bool) {
	if seen.Failing {
		if failure := check.Failed(f.Name, f.Config, seen.Failure); failure.Problem != f.failure {
			f.failure = failure.Problem
			f.display.event("Cannot be seen: " + failure.Problem + ". " + failure.Hint)
		}
		return 0, false
	}
	if f.failure != "" {
		f.failure = ""
		f.display.event("Can be seen again.")
	}
	op, d := seen.Snapshot.Operation, diagnosis.Diagnose(seen)
	if op != nil {
		if f.id != "" && f.id != op.ID {
			f.state = ""
			f.display.event("A newer import has appeared, and is followed now.")
		}
		f.id = op.ID
	}
	v, state := view{d, seen}, d.Words+d.More
	handled, total := v.counts()
	if changed := state != f.state; changed || handled != f.handled || total != f.total {
		f.state, f.handled, f.total = state, handled, total
		f.display.update(v, changed)
	}
	return outcome(op, d)
}

// outcome returns the exit code of an import that is over.
func outcome(op *client.Operation, d diagnosis.Diagnosis) (code int, over bool) {
	switch state := op.State(); {
	case d.Words == "finished":
		return Finished, true
	case d.Words == diagnosis.NothingStaged, state == client.StateDone, state == client.StateError, state == client.StateCanceled:
		return NotFinished, true
	default:
		return 0, false
	}
}
