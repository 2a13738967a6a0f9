// Package watch watches the newest import of one workspace: it asks Rocket.Chat for it, decides
// whether its selection may be read, and remembers what a single answer does not show. policy.go
// alone decides about reads. The package knows nothing of Prometheus.
package watch

import (
	"context"
	"errors"
	"sync"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

var (
	errScrapeEnded  = errors.New("no answer within the time that the scraper allows: raise its scrape_timeout")
	errStillWaiting = errors.New("Rocket.Chat is still preparing the file")
)

// Watcher takes snapshots of one workspace's newest import. It is safe for concurrent use. It calls
// Rocket.Chat only while it is being scraped or in [Watcher.Poll], except for a read of the
// selection, which has its own timeout. A call may outlive the scrape that began it.
type Watcher struct {
	client *client.Client
	cfg    config.Workspace
	now    func() time.Time
	// ask makes the call that a scrape waits for, of endpoint.
	ask      func(context.Context) (answer, error)
	endpoint client.Endpoint

	ctx     context.Context // of everything that runs
	cancel  context.CancelFunc
	running sync.WaitGroup

	*Memory         // with the lock of what follows
	call    *call   // the call that scrapes wait for; nil if none is under way
	last    *result // of the newest call; nil before the first
}

// answer is what the call that a scrape waits for returned.
type answer struct {
	snapshot Snapshot
	look     *client.Look // nil in mode unguarded
}

// call is a call that scrapes share.
type call struct {
	started  time.Time     // by Watcher.now
	deadline time.Time     // by the wall clock
	waiting  int           // how many scrapes, or looks of its own, wait for it
	own      bool          // no scrape began it
	result   *result       // nil before the call has ended
	ended    chan struct{} // closed once result is set
	woken    chan struct{} // closed after that, once a read that the call led to is on its way
}

// result is how a call ended.
type result struct {
	started  time.Time
	duration time.Duration
	reason   client.Reason // why there is no answer; empty if there is one
	snapshot Snapshot
	read     *read // the read of the selection that the answer led to; nil if none
}

// New returns a watcher that watches as cfg says, through c, until ctx ends. It knows what m knows,
// and m belongs to it from now on: an earlier watcher with m finishes what it has begun. End it with
// Finish or Close once it is no longer scraped. Intervals and pauses run by now, which is [time.Now]
// except in tests.
func New(ctx context.Context, c *client.Client, cfg config.Workspace, m *Memory, now func() time.Time) *Watcher {
	ctx, cancel := context.WithCancel(ctx)
	w := &Watcher{client: c, cfg: cfg, now: now, ctx: ctx, cancel: cancel, Memory: m}
	w.ask, w.endpoint = w.askOperation, client.EndpointCurrentOperation
	if cfg.FileData == config.Unguarded {
		w.ask, w.endpoint = w.askSelection, client.EndpointFileData
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watcher = w
	return w
}

// Finish returns when what is under way has ended by itself.
func (w *Watcher) Finish() {
	w.running.Wait()
	w.cancel()
}

// Close ends what is under way, and returns when it has ended.
func (w *Watcher) Close() {
	w.cancel()
	w.running.Wait()
}

// Expire makes the next scrape call Rocket.Chat, whatever the minimal interval is.
func (w *Watcher) Expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = nil
}

// Scrape returns a snapshot. It waits for Rocket.Chat for at most limit, or the workspace's timeout
// if limit is longer or 0. If limit is negative, there is no time to wait: no call begins. Scrapes
// that overlap share one call, and those within the minimal interval of its start share its result.
// A scrape whose ctx is canceled returns at once and counts no failure.
func (w *Watcher) Scrape(ctx context.Context, limit time.Duration) Snapshot {
	r := w.look(ctx, limit, false)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.reason == "":
		w.isNews("scrapes", "good") // the next scrape that ends too early is logged again
	case ctx.Err() == nil && w.ctx.Err() == nil:
		w.failures[r.reason]++
	}
	return w.show(r)
}

// look makes or joins a call, and waits for it. own means that no scrape asks for it.
func (w *Watcher) look(ctx context.Context, limit time.Duration, own bool) *result {
	c, r := w.join(limit >= 0, own)
	if c == nil {
		return r
	}
	if limit == 0 || limit > w.cfg.Timeout {
		limit = w.cfg.Timeout
	}
	// Taken after the call's own deadline, and so not before it unless limit
	// is shorter than the timeout.
	deadline := time.Now().Add(limit)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return w.await(ctx, c, deadline)
}

// join returns the call to wait for, or a result if no call is to be made or there is no time to wait.
func (w *Watcher) join(wait, own bool) (*call, *result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if !own {
		w.status.Scraped = now
	}
	switch {
	case w.last != nil && now.Sub(w.last.started) < w.cfg.MinInterval:
		return nil, w.last
	case !wait:
		return nil, &result{started: now, reason: client.Timeout}
	case w.call != nil:
	case now.Before(w.backoff[w.endpoint]):
		return nil, &result{started: now, reason: client.RateLimited}
	default:
		w.start(now, own)
	}
	w.call.waiting++
	return w.call, nil
}

// start starts a call. The lock is held.
func (w *Watcher) start(now time.Time, own bool) {
	deadline := time.Now().Add(w.cfg.Timeout)
	ctx, cancel := context.WithDeadline(w.ctx, deadline)
	c := &call{started: now, own: own, deadline: deadline, ended: make(chan struct{}), woken: make(chan struct{})}
	w.call = c
	w.running.Go(func() {
		defer cancel()
		wake := sync.OnceFunc(func() { close(c.woken) })
		defer wake()
		answer, err := w.ask(ctx)
		// The read follows at once: the scrapes that wait would compete with it.
		if read := w.finish(c, answer, err); read != nil {
			w.read(read, answer.look, wake)
		}
		answer.look.Close() // nothing if there is none
	})
}

// askOperation asks for the newest operation.
func (w *Watcher) askOperation(ctx context.Context) (answer, error) {
	look, err := w.client.Look(ctx)
	if err != nil {
		return answer{}, err
	}
	return answer{NewSnapshot(look.OperationAnswer), look}, nil
}

// askSelection asks for the selection, in whatever step the import is.
func (w *Watcher) askSelection(ctx context.Context) (answer, error) {
	data, err := w.client.FileData(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil {
		w.reads[resultOf(data, err)]++
	}
	if errors.Is(err, client.ErrNoOperation) {
		return answer{snapshot: noImport()}, nil
	}
	return answer{snapshot: Snapshot{Waiting: data.Waiting, Selection: data.Selection}}, err
}

// finish takes what a call returned. It returns the read of the selection that follows; nil if none
// does.
func (w *Watcher) finish(c *call, a answer, err error) *read {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.call, c.result = nil, w.record(c, a, err)
	close(c.ended)
	return c.result.read
}

// record makes the newest result of how a call ended, and everything else learn from it. The lock is
// held.
func (w *Watcher) record(c *call, a answer, err error) *result {
	now := w.now()
	r := &result{started: c.started, duration: now.Sub(c.started)}
	w.last = r
	if err == nil && a.look != nil {
		err = w.judge(a.look.OperationAnswer, now)
	}
	switch {
	case w.ctx.Err() != nil: // this program ended the call
		r.reason = client.Timeout
	case err != nil:
		r.reason = w.fail(err, now)
	default:
		w.status.Failing, w.good, r.snapshot = false, r, a.snapshot
		w.logSucceeded("calls", "the import can be seen")
		if a.look != nil {
			mode := w.cfg.FileData
			if w.watcher != w || c.waiting == 0 { // the settings have changed, or everybody has left
				mode = config.Never
			}
			r.read = w.observe(question{a.look.OperationAnswer, mode, now, now.Before(w.backoff[client.EndpointFileData]), c.own})
			if r.snapshot.Operation != nil {
				r.snapshot.Course = w.follower.course
				w.tell(Status{Snapshot: r.snapshot, At: now})
			}
		}
	}
	return r
}

// read reads the selection over the connection of a look. It calls written as soon as the request
// is on its way.
func (w *Watcher) read(r *read, look *client.Look, written func()) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(w.ctx, w.cfg.FileDataTimeout)
	defer cancel()
	data, err := look.FileData(ctx, written)
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if w.ctx.Err() != nil { // this program ended the read
		r.ended = now
		return
	}
	w.endRead(r, data, err, now)
}

// await waits for a call, and for the read that it leads to.
func (w *Watcher) await(ctx context.Context, c *call, deadline time.Time) *result {
	select {
	case <-c.woken:
	case <-ctx.Done():
		expired := errors.Is(ctx.Err(), context.DeadlineExceeded)
		if !expired || deadline.Before(c.deadline) {
			return w.leave(c, expired)
		}
		<-c.ended // at this same moment
	}
	if c.result.read != nil {
		select {
		case <-c.result.read.done:
		case <-ctx.Done():
		}
	}
	return c.result
}

// leave is for a scrape that waits no longer. The call goes on, since its result is for others too: a
// client that has little time, or hangs up, spoils no answer. If all have left, it leads to no read.
func (w *Watcher) leave(c *call, expired bool) *result {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.waiting--
	if c.result != nil {
		return c.result
	}
	if expired {
		w.logFailed("scrapes", "a scrape ended before Rocket.Chat answered", errScrapeEnded)
	}
	return &result{started: c.started, duration: w.now().Sub(c.started), reason: client.Timeout}
}

// UnscrapedAfter is how long after the last scrape nobody scrapes any more.
const UnscrapedAfter = 5 * time.Minute

// Poll looks by itself every poll interval while nobody scrapes, until ctx ends. The first look comes
// after first. after is [time.After] except in tests. It returns at once in the mode unguarded, where
// a look may wipe an import.
func (w *Watcher) Poll(ctx context.Context, first time.Duration, after func(time.Duration) <-chan time.Time) {
	if w.cfg.PollInterval <= 0 || w.cfg.FileData == config.Unguarded {
		return
	}
	for pause := first; ; pause = w.cfg.PollInterval {
		select {
		case <-after(pause):
		case <-ctx.Done():
			return
		}
		if w.unscraped() {
			w.look(ctx, 0, true)
		}
	}
}

// unscraped reports whether nobody scrapes.
func (w *Watcher) unscraped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status.Scraped.IsZero() || w.now().Sub(w.status.Scraped) >= UnscrapedAfter
}
