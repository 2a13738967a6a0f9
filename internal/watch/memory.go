package watch

import (
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

// Memory is what is known of a workspace. It outlives the watchers of the workspace: the next one
// gets it from [New]. It is safe for concurrent use.
type Memory struct {
	logger log.Logger

	mu       sync.Mutex
	watcher  *Watcher // the newest: it alone reads the selection, and its settings name those in hints
	follower follower
	story    story
	policy   readPolicy
	backoff  backoff
	good     *result   // the newest with an answer; nil before the first
	scraped  time.Time // when the newest scrape came
	failing  bool
	failure  Failure
	failures map[client.Reason]uint64
	reads    map[ReadResult]uint64
	// When each instance of Rocket.Chat last answered, and how many did so for the first time.
	instances    map[string]time.Time
	newInstances uint64
	// What the log says of calls, of reads, of the Date header, of instances.
	logCalls, logReads, logClock, logSplit changeLogger
	notSent                                map[said]bool // what the log says of reads that were not sent
}

// NewMemory returns the memory of a workspace of which nothing is known. A look that takes longer
// than maxTook leads to no read of the selection: it is [MaxTook] except in tests.
func NewMemory(logger log.Logger, maxTook time.Duration) *Memory {
	l := changeLogger{logger: logger}
	return &Memory{
		logger: logger, follower: newFollower(), story: story{logger: logger}, policy: newReadPolicy(maxTook), backoff: backoff{},
		failures: map[client.Reason]uint64{}, reads: map[ReadResult]uint64{}, instances: map[string]time.Time{},
		logCalls: l, logReads: l, logClock: l, logSplit: l, notSent: map[said]bool{},
	}
}

// said is what the log says once: a hint about one operation.
type said struct{ operation, hint string }

// judge remembers an answer that came, and returns an error if it must not be believed. The lock is
// held.
func (m *Memory) judge(answer client.OperationAnswer, now time.Time) error {
	m.policy.see(answer)
	m.met(answer.Instance, now)
	noDate := answer.ServerTime.IsZero()
	if m.logClock.changed(strconv.FormatBool(noDate)) && noDate {
		level.Warn(m.logger).Log("msg", "Rocket.Chat's answers have no Date header, so rocketchat_import_server_time_seconds is absent; let the proxy in front of it pass the header on")
	}
	if m.follower.outdated(answer.Operation, now) {
		return client.OlderAnswer()
	}
	return nil
}

// met remembers the instance that answered; empty if the answer does not say. The lock is held.
func (m *Memory) met(instance string, now time.Time) {
	if instance == "" {
		return
	}
	if _, known := m.instances[instance]; !known && len(m.instances) > 0 {
		m.newInstances++
	}
	if m.instances[instance] = now; len(m.instances) > maxInstances {
		maps.DeleteFunc(m.instances, func(_ string, at time.Time) bool { return now.Sub(at) > instanceFor })
	}
}

const (
	instanceFor  = 10 * time.Minute // after its last answer, an instance still counts
	maxInstances = 1000             // that are remembered; each start of Rocket.Chat makes another
)

// fail takes the error of a call for the operation, and returns its reason. The lock is held.
func (m *Memory) fail(err error, now time.Time) client.Reason {
	reason := m.reasonOf(err, now)
	m.follower.missed = m.follower.missed || reason != client.Outdated
	m.failing, m.failure = true, Failure{Err: err, At: now}
	m.logCalls.failed("the import cannot be seen", err, m.watcher.cfg.Hint)
	return reason
}

// observe learns from an answer that is believed, and returns the read of the selection that it
// leads to; nil if it leads to none. The lock is held.
func (m *Memory) observe(q question) *read {
	ours := m.policy.sent || m.policy.reading
	incident := m.follower.observe(q.OperationAnswer, q.now)
	if op := q.Operation; op != nil {
		dead := incident == Aborted || !op.Valid && op.Step != client.StepDone
		if course := &m.follower.course; dead && course.Died == "" {
			course.Died = m.story.whyDead(op, q.now, len(m.instances) > 0, m.newInstances)
		}
		if op.Valid {
			m.story.wellID, m.story.wellAt, m.story.wellInstances = op.ID, q.now, m.newInstances
		}
	}
	if incident != "" {
		m.logIncident(incident, q.Operation, ours)
	}
	read, rule := m.policy.begin(q)
	if rule != nil && rule.notSent != nil {
		m.reads[ReadNotSent]++
		m.logNotSent(rule.notSent(), q.Operation.ID)
	}
	return read
}

func (m *Memory) logIncident(incident Incident, op *client.Operation, ours bool) {
	msg, why := "the import was aborted: Rocket.Chat calls it done, and it is not complete",
		"another instance of the workspace started, or import.clear was called, while the import ran"
	if incident == SetBack {
		msg, why = "the import was set back while it ran or after it was done",
			"another program called getImportFileData; what was staged may be gone while the import goes on"
		if ours {
			why = "another program called getImportFileData, or somebody pressed start while this exporter read the selection; what was staged may be gone while the import goes on"
		}
	}
	if incident == Aborted && m.follower.course.Died != "" {
		why = m.follower.course.Died
	}
	level.Error(m.logger).Log("msg", msg, "kind", incident, "operation_id", op.ID, "step", op.Step, "why", why)
}

// logNotSent logs once for each hint why the selection of an operation was not read.
func (m *Memory) logNotSent(err error, operation string) {
	hint := m.hintOf(err)
	if line := (said{operation, hint}); !m.notSent[line] {
		m.notSent[line] = true
		level.Warn(m.logger).Log("msg", "the selection was not read, since somebody could press start before the request arrives; the next scrape decides again", "err", err, "hint", hint)
	}
}

// hintOf returns the hint of an error of the client, in the words of the workspace's settings.
func (m *Memory) hintOf(err error) string {
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return ""
	}
	return m.watcher.cfg.Hint(e.Hint)
}

// endRead takes what a read of the selection returned. The lock is held.
func (m *Memory) endRead(r *read, data client.FileData, err error, now time.Time) {
	result := resultOf(data, err)
	m.reads[result]++
	var refusal client.Reason
	if result == ReadFailed {
		refusal = m.reasonOf(err, now)
		m.failure = Failure{Err: err, At: now}
	}
	m.met(data.Instance, now)
	if split := m.policy.end(r, result, data, refusal, now); m.logSplit.changed(strconv.FormatBool(split)) && split {
		level.Warn(m.logger).Log("msg", "one instance of Rocket.Chat answered the look, and another one its read; nothing is read for "+splitPause.String(), "hint", m.hintOf(client.SeveralInstances()))
	}
	switch result {
	case ReadOK:
		m.logReads.succeeded("the selection was read")
	case ReadNotSent:
		m.logNotSent(err, r.id)
	case ReadWaiting:
		err = errStillWaiting
		fallthrough
	default:
		m.logReads.failed("the selection could not be read; the exporter asks for it again in "+m.policy.pause.String(), err, m.watcher.cfg.Hint)
	}
}

// reasonOf returns the reason of a failed call, and begins its backoff. The lock is held.
func (m *Memory) reasonOf(err error, now time.Time) client.Reason {
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, errScrapeEnded):
		return client.Timeout
	case !ok:
		return client.Connection
	case e.Reason == client.RateLimited:
		m.backoff.until(e.Endpoint, e.RateLimitReset, now)
	}
	return e.Reason
}

// show makes the snapshot that a scrape returns: what the call returned, and what else is known by
// now. The lock is held.
func (m *Memory) show(r *result) Snapshot {
	s := r.snapshot
	s.Up, s.Duration = r.reason == "", r.duration
	if r.read != nil && !r.read.ended.IsZero() {
		s.Duration = r.read.ended.Sub(r.started)
	}
	s.Failures, s.Incidents, s.Reads = maps.Clone(m.failures), maps.Clone(m.follower.counts), maps.Clone(m.reads)
	now := m.watcher.now()
	for _, at := range m.instances {
		if now.Sub(at) <= instanceFor {
			s.Instances++
		}
	}
	s.InstancesKnown, s.NewInstances = len(m.instances) > 0, m.newInstances
	refusal := m.policy.refusal()
	s.Unauthorized = r.reason == client.Unauthorized || refusal == client.Unauthorized
	s.Forbidden = r.reason == client.Forbidden || refusal == client.Forbidden
	if s.Selection == nil && s.Operation != nil {
		s.Selection = m.policy.selectionOf(s.Operation)
	}
	return s
}

// Status returns what past scrapes have seen. It makes no call.
func (m *Memory) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Scraped: m.scraped, Failing: m.failing, Failure: m.failure}
	if m.good != nil {
		s.Snapshot, s.At = m.show(m.good), m.good.started
	}
	return s
}
