package collector

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/client"
)

// connectWithin is how long after the operation's answer a connection for
// getImportFileData must stand. What the answer said may not be true any more
// after that: an administrator may have pressed start.
const connectWithin = time.Second

// Options say how a [Workspace] is watched.
type Options struct {
	// Mode says when the selection is read.
	Mode Mode
	// Timeout bounds the call for the operation and the wait of each scrape. It is above 0.
	Timeout time.Duration
	// MinInterval is the least time between the starts of two calls for the
	// operation. It is 0 or more.
	MinInterval time.Duration
	// FileDataTimeout bounds a guarded read of the selection. It is above 0.
	FileDataTimeout time.Duration
	// Logger gets a line when the outcome of the calls changes.
	Logger log.Logger
	// Now is the clock by which intervals and pauses run: time.Now but in tests.
	Now func() time.Time
}

// Workspace takes snapshots of one workspace's newest import, and keeps what
// has to outlive a scrape: the selection last read, the counts of failures,
// and what is to be left alone for a while. It is safe for concurrent use. It
// calls Rocket.Chat only while it is being scraped, but for a read of the
// selection, which goes on under a bound of its own.
type Workspace struct {
	client *client.Client
	opts   Options

	ctx     context.Context // of everything that runs
	close   context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	call     *call   // what scrapes are waiting for; nil if nothing
	last     *result // what the newest call came to; nil before the first
	good     *result // what the newest call that was answered came to; nil before the first
	failure  Failure // the newest
	reader   reader
	silence  silence
	failures map[client.Reason]uint64
	outcome  outcome
}

// call is a call that scrapes share: for the operation, or in mode Unguarded
// for the selection.
type call struct {
	started  time.Time // by Options.Now
	deadline time.Time // by the wall clock
	cancel   context.CancelFunc
	waiting  int           // how many scrapes wait for it
	done     chan struct{} // closed once result is set
	result   *result
}

// result is what a call came to.
type result struct {
	started   time.Time
	duration  time.Duration
	reason    client.Reason // why there is no answer; empty if there is one
	abandoned bool          // whether all who wanted an answer hung up before there was one
	snapshot  Snapshot      // what the answer told
	read      *read         // the read of the selection that it led to, if any
}

// NewWorkspace returns a workspace that asks c until ctx ends. Close it when it
// is no longer scraped.
func NewWorkspace(ctx context.Context, c *client.Client, opts Options) *Workspace {
	ctx, cancel := context.WithCancel(ctx)
	return &Workspace{
		client: c, opts: opts, ctx: ctx, close: cancel,
		reader:   reader{policy: readPolicy{mode: opts.Mode}, outcome: outcome{logger: opts.Logger}},
		silence:  silence{},
		failures: map[client.Reason]uint64{},
		outcome:  outcome{logger: opts.Logger},
	}
}

// Close ends what is under way, and returns when it has ended.
func (w *Workspace) Close() {
	w.close()
	w.running.Wait()
}

// Scrape returns a snapshot. It waits for Rocket.Chat for at most limit, or
// Options.Timeout if limit is longer or 0. Scrapes that overlap share one
// call, and those within Options.MinInterval of its start its result. A scrape
// whose ctx is cancelled returns at once and counts no failure.
func (w *Workspace) Scrape(ctx context.Context, limit time.Duration) Snapshot {
	if limit <= 0 || limit > w.opts.Timeout {
		limit = w.opts.Timeout
	}
	arrived := time.Now()
	deadline := arrived.Add(limit)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	c, r := w.join(arrived)
	if c != nil {
		r = w.await(ctx, c, deadline)
	}
	return w.answer(r)
}

// join returns the call to wait for, or a result where none is to be made.
func (w *Workspace) join(arrived time.Time) (*call, *result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.opts.Now()
	switch {
	case w.call != nil:
	case w.last != nil && now.Sub(w.last.started) < w.opts.MinInterval:
		return nil, w.last
	case w.silence.holds(w.endpoint(), now):
		w.failures[client.RateLimited]++
		return nil, &result{started: now, reason: client.RateLimited}
	default:
		w.start(arrived, now)
	}
	w.call.waiting++
	return w.call, nil
}

// endpoint is what a scrape asks first.
func (w *Workspace) endpoint() client.Endpoint {
	if w.opts.Mode == Unguarded {
		return client.ImportFileData
	}
	return client.CurrentOperation
}

// start starts a call. The lock is held.
func (w *Workspace) start(arrived, now time.Time) {
	ctx, cancel := context.WithDeadline(w.ctx, arrived.Add(w.opts.Timeout))
	c := &call{started: now, deadline: arrived.Add(w.opts.Timeout), cancel: cancel, done: make(chan struct{})}
	w.call = c
	w.running.Go(func() {
		defer cancel()
		snapshot, err := w.ask(ctx)
		w.finish(c, snapshot, err)
	})
}

// ask makes the call.
func (w *Workspace) ask(ctx context.Context) (Snapshot, error) {
	if w.opts.Mode == Unguarded {
		data, err := w.client.FileData(ctx, time.Time{})
		if errors.Is(err, client.ErrNoOperation) {
			return Snapshot{State: client.StateNone, StateKnown: true, Selection: &client.Selection{}}, nil
		}
		return Snapshot{Waiting: data.Waiting, Selection: data.Selection}, err
	}
	op, err := w.client.CurrentOperation(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	return snapshotOf(op), nil
}

// finish takes what a call came to, unless the call was given up before.
func (w *Workspace) finish(c *call, snapshot Snapshot, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.call != c {
		return
	}
	now := w.opts.Now()
	r := &result{started: c.started, duration: now.Sub(c.started), snapshot: snapshot}
	switch {
	case w.ctx.Err() != nil: // it was ended, and did not fail
		r.snapshot, r.reason = Snapshot{}, client.Timeout
	case err != nil:
		r.snapshot, r.reason = Snapshot{}, w.failed(err, now)
		w.outcome.failed("the import cannot be seen", err)
	default:
		w.good = r
		w.outcome.succeeded("the import can be seen")
		r.read = w.startRead(snapshot.Operation, now)
	}
	w.call, w.last, c.result = nil, r, r
	close(c.done)
}

// failed counts a failure, and returns its reason. The lock is held.
func (w *Workspace) failed(err error, now time.Time) client.Reason {
	reason := client.Connection
	if e := (*client.Error)(nil); errors.As(err, &e) {
		reason = e.Reason
		if reason == client.RateLimited {
			w.silence.keep(e.Endpoint, e.RateLimitReset, now)
		}
	}
	w.failures[reason]++
	w.failure = Failure{Err: err, At: now}
	return reason
}

// await waits for a call, and for the read that it leads to.
func (w *Workspace) await(ctx context.Context, c *call, deadline time.Time) *result {
	select {
	case <-c.done:
	case <-ctx.Done():
		expired := errors.Is(ctx.Err(), context.DeadlineExceeded)
		if !expired || deadline.Before(c.deadline) {
			return w.leave(c, expired)
		}
		// The call ends at this same moment, as one failure for all who wait.
		<-c.done
	}
	if c.result.read != nil {
		select {
		case <-c.result.read.done:
		case <-ctx.Done():
		}
		w.lengthen(c.result)
	}
	return c.result
}

// leave is for a scrape that waits no longer. The last one to leave ends the call.
func (w *Workspace) leave(c *call, expired bool) *result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.result != nil {
		return c.result
	}
	r := &result{started: c.started, duration: w.opts.Now().Sub(c.started), reason: client.Timeout}
	if expired {
		w.failures[client.Timeout]++
	}
	c.waiting--
	if c.waiting == 0 {
		c.cancel()
		r.abandoned = !expired
		w.call, w.last = nil, r
		if expired {
			w.failure = Failure{Err: errScrapeEnded, At: w.opts.Now()}
			w.outcome.failed("the import cannot be seen", errScrapeEnded)
		}
	}
	return r
}

// lengthen adds the wait for a read to the time that a result took.
func (w *Workspace) lengthen(r *result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.duration = max(r.duration, w.opts.Now().Sub(r.started))
}

// answer makes the snapshot that a scrape gets: what the call told, and what
// else is known by now.
func (w *Workspace) answer(r *result) Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := r.snapshot
	s.Up = r.reason == ""
	s.Duration = r.duration
	s.Failures = maps.Clone(w.failures)
	s.Unauthorized = r.reason == client.Unauthorized || w.reader.refusal() == client.Unauthorized
	s.Forbidden = r.reason == client.Forbidden || w.reader.refusal() == client.Forbidden
	if s.Selection == nil && s.Operation != nil {
		s.Selection = w.reader.selectionOf(stagingOf(s.Operation))
	}
	return s
}

// Failure is a failure to get an answer, and when it was.
type Failure struct {
	// Err is nil if there was none. It is a [*client.Error], with a hint, or
	// says that a scrape ended before there was an answer.
	Err error
	At  time.Time
}

// Seen is what past scrapes have seen of a workspace.
type Seen struct {
	// Snapshot is the newest that has an answer, and At when that was asked
	// for; both are zero where there is none.
	Snapshot Snapshot
	At       time.Time
	// Failure is the newest.
	Failure Failure
	// Failing is true if the newest call had no answer, though somebody waited for one.
	Failing bool
}

// Seen returns what past scrapes have seen. It makes no call.
func (w *Workspace) Seen() Seen {
	w.mu.Lock()
	good, seen := w.good, Seen{Failure: w.failure, Failing: w.last != nil && w.last.reason != "" && !w.last.abandoned}
	w.mu.Unlock()
	if good != nil {
		seen.Snapshot, seen.At = w.answer(good), good.started
	}
	return seen
}
