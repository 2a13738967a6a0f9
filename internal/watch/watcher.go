// Package watch watches the newest import of one workspace: it asks Rocket.Chat for it, decides
// whether its selection may be read, and remembers what a single answer does not show. policy.go
// alone decides about reads. The package knows nothing of Prometheus.
package watch

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

var (
	errScrapeEnded  = errors.New("no answer within the time that Prometheus allows a scrape")
	errStillWaiting = errors.New("Rocket.Chat is still preparing the file")
)

// Watcher takes snapshots of one workspace's newest import, and keeps what outlives a scrape: the
// selection last read, counts, pauses. It is safe for concurrent use. It calls Rocket.Chat only
// while it is being scraped, except for a read of the selection, which has its own timeout.
type Watcher struct {
	client *client.Client
	cfg    config.Workspace
	logger log.Logger
	now    func() time.Time
	// ask makes the call that a scrape waits for, of endpoint.
	ask      func(context.Context) (Snapshot, *client.Look, error)
	endpoint client.Endpoint

	ctx     context.Context // of everything that runs
	close   context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	call     *call   // the call that scrapes wait for; nil if none is under way
	last     *result // of the newest call; nil before the first
	reader   reader
	backoff  backoff
	history  history
	status   statusKeeper
	failures map[client.Reason]uint64
	reads    map[ReadResult]uint64
	// What the log says of calls, of reads, of the Date header.
	logCalls, logReads, logClock changeLogger
}

// call is a call that scrapes share.
type call struct {
	started  time.Time // by Watcher.now
	deadline time.Time // by the wall clock
	cancel   context.CancelFunc
	waiting  int           // how many scrapes wait for it
	done     chan struct{} // closed once result is set
	result   *result
}

// result is how a call ended.
type result struct {
	started   time.Time
	duration  time.Duration
	reason    client.Reason // why there is no answer; empty if there is one
	abandoned bool          // all who waited hung up before there was an answer
	snapshot  Snapshot
	incident  Incident // what happened since the answer before; empty if nothing did
	read      *read    // the read of the selection that the answer led to; nil if none
}

// New returns a watcher that watches as cfg says, through c, until ctx ends. Close it once it is no
// longer scraped. Intervals and pauses run by now, which is [time.Now] except in tests.
func New(ctx context.Context, c *client.Client, cfg config.Workspace, logger log.Logger, now func() time.Time) *Watcher {
	ctx, cancel := context.WithCancel(ctx)
	l := changeLogger{logger: logger, hint: cfg.Hint}
	w := &Watcher{
		client: c, cfg: cfg, logger: logger, now: now, ctx: ctx, close: cancel,
		reader: newReader(cfg.FileData), backoff: backoff{}, history: newHistory(),
		failures: map[client.Reason]uint64{}, reads: map[ReadResult]uint64{},
		logCalls: l, logReads: l, logClock: l,
	}
	w.ask, w.endpoint = w.askOperation, client.EndpointCurrentOperation
	if cfg.FileData == config.Unguarded {
		w.ask, w.endpoint = w.askSelection, client.EndpointFileData
	}
	return w
}

// Close ends what is under way, and returns when it has ended.
func (w *Watcher) Close() {
	w.close()
	w.running.Wait()
}

// Scrape returns a snapshot. It waits for Rocket.Chat for at most limit, or the
// workspace's timeout if limit is longer or 0. Scrapes that overlap share one
// call, and those within the minimal interval of its start share its result. A
// scrape whose ctx is canceled returns at once and counts no failure.
func (w *Watcher) Scrape(ctx context.Context, limit time.Duration) Snapshot {
	if limit <= 0 || limit > w.cfg.Timeout {
		limit = w.cfg.Timeout
	}
	c, r := w.join()
	if c != nil {
		// Taken after the call's own deadline, and so not before it unless limit
		// is shorter than the timeout.
		deadline := time.Now().Add(limit)
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		r = w.await(ctx, c, deadline)
	}
	return w.answer(r)
}

// join returns the call to wait for, or a result if no call is to be made.
func (w *Watcher) join() (*call, *result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	switch {
	case w.call != nil:
	case w.last != nil && now.Sub(w.last.started) < w.cfg.MinInterval:
		return nil, w.last
	case w.backoff.active(w.endpoint, now):
		w.failures[client.RateLimited]++
		return nil, &result{started: now, reason: client.RateLimited}
	default:
		w.start(now)
	}
	w.call.waiting++
	return w.call, nil
}

// start starts a call. The lock is held.
func (w *Watcher) start(now time.Time) {
	deadline := time.Now().Add(w.cfg.Timeout)
	ctx, cancel := context.WithDeadline(w.ctx, deadline)
	c := &call{started: now, deadline: deadline, cancel: cancel, done: make(chan struct{})}
	w.call = c
	w.running.Go(func() {
		defer cancel()
		snapshot, look, err := w.ask(ctx)
		defer look.Close()
		w.finish(c, snapshot, err)
		if c.result == nil {
			return // nobody waits any more
		}
		if c.result.read == nil {
			close(c.done)
			return
		}
		// Those who wait would compete with the read: they wake once it is written.
		w.read(c.result.read, look, func() { close(c.done) })
	})
}

// askOperation asks for the newest operation.
func (w *Watcher) askOperation(ctx context.Context) (Snapshot, *client.Look, error) {
	look, err := w.client.Look(ctx)
	if err != nil {
		return Snapshot{}, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logClock.changed(strconv.FormatBool(look.ServerTime.IsZero())) && look.ServerTime.IsZero() {
		level.Warn(w.logger).Log("msg", "Rocket.Chat's answers have no Date header, so rocketchat_import_server_time_seconds is absent; let the proxy in front of it pass the header on")
	}
	return snapshotOf(look.OperationAnswer), look, nil
}

// askSelection asks for the selection, in whatever step the import is.
func (w *Watcher) askSelection(ctx context.Context) (Snapshot, *client.Look, error) {
	data, err := w.client.FileData(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil {
		w.reads[resultOf(data, err)]++
	}
	if errors.Is(err, client.ErrNoOperation) {
		return noImport(), nil, nil
	}
	return Snapshot{Waiting: data.Waiting, Selection: data.Selection}, nil, err
}

// finish takes what a call returned. If nobody waits for it any more, the call has no result.
func (w *Watcher) finish(c *call, snapshot Snapshot, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.call != c {
		return
	}
	now := w.now()
	c.result = &result{started: c.started, duration: now.Sub(c.started), snapshot: snapshot}
	w.settle(c.result, err, now)
	w.call = nil
}

// await waits for a call, and for the read that it leads to.
func (w *Watcher) await(ctx context.Context, c *call, deadline time.Time) *result {
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
		w.mu.Lock()
		defer w.mu.Unlock()
		c.result.duration = max(c.result.duration, w.now().Sub(c.started))
	}
	return c.result
}

// leave is for a scrape that waits no longer. The last one to leave ends the call.
func (w *Watcher) leave(c *call, expired bool) *result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.result != nil {
		return c.result
	}
	now := w.now()
	r := &result{started: c.started, duration: now.Sub(c.started), reason: client.Timeout, abandoned: !expired}
	if expired {
		w.failures[client.Timeout]++
	}
	c.waiting--
	if c.waiting == 0 {
		c.cancel()
		w.call = nil
		w.settle(r, errScrapeEnded, now)
	}
	return r
}

// settle makes r the newest result, and everything else learn from it. err is
// why it has no answer; nil if it has one. The lock is held.
func (w *Watcher) settle(r *result, err error, now time.Time) {
	w.last = r
	switch {
	case r.abandoned: // nobody wanted the answer any more
	case w.ctx.Err() != nil: // this program ended the call
		r.snapshot, r.reason = Snapshot{}, client.Timeout
		return
	case err != nil:
		if r.reason == "" {
			r.reason = w.countFailure(err, now)
		}
		w.history.missed = true
		w.logCalls.failed("the import cannot be seen", err)
	default:
		w.logCalls.succeeded("the import can be seen")
		w.observe(r, now)
	}
	w.status.record(r, err, now)
}

// observe learns from an answer, and decides on the read of the selection that it
// leads to. The lock is held.
func (w *Watcher) observe(r *result, now time.Time) {
	op := r.snapshot.Operation
	incident, detail := w.history.observe(op, now)
	r.incident = incident
	if incident != "" {
		level.Error(w.logger).Log("msg", incidentMessages[incident], "kind", incident, "operation_id", op.ID, "step", op.Step, "why", detail)
	}
	r.snapshot.Ending = w.history.ending
	r.read = w.reader.begin(op, w.backoff.active(client.EndpointFileData, now), now)
}

// incidentMessages say in the log what an incident means.
var incidentMessages = map[Incident]string{
	SetBack: "the import was set back while it ran or after it was done",
	Aborted: "the import was aborted: Rocket.Chat calls it done, and it is not complete",
}

// read reads the selection over the connection of a look.
func (w *Watcher) read(r *read, look *client.Look, written func()) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(w.ctx, w.cfg.FileDataTimeout)
	defer cancel()
	data, err := look.FileData(ctx, written)
	w.finishRead(r, data, err)
}

// finishRead takes what a read of the selection returned.
func (w *Watcher) finishRead(r *read, data client.FileData, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil { // this program ended the read
		return
	}
	now, result := w.now(), resultOf(data, err)
	w.reads[result]++
	var reason client.Reason
	if result == ReadFailed {
		reason = w.countFailure(err, now)
		w.status.failed(err, now)
	}
	w.reader.end(r, result, data.Selection, reason, now)
	switch result {
	case ReadOK:
		w.logReads.succeeded("the selection was read")
	case ReadNotSent:
		w.logReads.failed("the selection was not read, because somebody may have started the import since the exporter asked for its step; the next scrape decides again", err)
	default:
		if err == nil {
			err = errStillWaiting
		}
		w.logReads.failed("the selection could not be read; the exporter asks for it again in "+w.reader.policy.pause.String(), err)
	}
}

// countFailure counts a failed call, and returns its reason. The lock is held.
func (w *Watcher) countFailure(err error, now time.Time) client.Reason {
	reason := client.Connection
	if e := (*client.Error)(nil); errors.As(err, &e) {
		reason = e.Reason
		if reason == client.RateLimited {
			w.backoff.until(e.Endpoint, e.RateLimitReset, now)
		}
	}
	w.failures[reason]++
	return reason
}

// answer makes the snapshot that a scrape returns: what the call returned, and
// what else is known by now.
func (w *Watcher) answer(r *result) Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := r.snapshot
	s.Up = r.reason == ""
	s.Duration = r.duration
	s.Failures, s.Incidents, s.Reads = maps.Clone(w.failures), maps.Clone(w.history.counts), maps.Clone(w.reads)
	s.Unauthorized = r.reason == client.Unauthorized || w.reader.refusal() == client.Unauthorized
	s.Forbidden = r.reason == client.Forbidden || w.reader.refusal() == client.Forbidden
	if s.Selection == nil && s.Operation != nil {
		s.Selection = w.reader.selectionOf(s.Operation)
	}
	return s
}

// Status returns what past scrapes have seen. It makes no call.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	s, good := w.status.status, w.status.good
	w.mu.Unlock()
	if good != nil {
		s.Snapshot, s.At = w.answer(good), good.started
	}
	return s
}
