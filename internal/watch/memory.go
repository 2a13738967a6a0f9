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
	policy   readPolicy
	backoff  map[client.Endpoint]time.Time // until when an endpoint is not called, since it answered 429
	good     *result                       // the newest with an answer; nil before the first
	status   Status                        // without its snapshot
	failures map[client.Reason]uint64
	reads    map[ReadResult]uint64
	// When each instance of Rocket.Chat last answered, and how many did so for the first time.
	instances    map[string]time.Time
	newInstances uint64
	story        story
	well         well
	said         map[string]string // what the log said last, by topic
}

// NewMemory returns the memory of a workspace of which nothing is known. A look that takes longer
// than maxTook leads to no read of the selection: it is [MaxTook] except in tests.
func NewMemory(logger log.Logger, maxTook time.Duration) *Memory {
	return &Memory{
		logger: logger, follower: newFollower(), policy: newReadPolicy(maxTook), backoff: map[client.Endpoint]time.Time{},
		failures: map[client.Reason]uint64{}, reads: map[ReadResult]uint64{}, instances: map[string]time.Time{}, said: map[string]string{},
	}
}

// judge remembers an answer that came, and returns an error if it must not be believed. The lock is
// held.
func (m *Memory) judge(answer client.OperationAnswer, now time.Time) error {
	m.policy.see(answer)
	m.met(answer.Instance, now)
	noDate := answer.ServerTime.IsZero()
	if m.isNews("date", strconv.FormatBool(noDate)) && noDate {
		level.Warn(m.logger).Log("msg", "Rocket.Chat's answers have no Date header, so rocketchat_import_server_time_seconds is absent; let the proxy in front of it pass the header on")
	}
	if m.follower.outdated(answer.Operation, now) {
		return client.ErrOlderAnswer
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
	m.status.Failing, m.status.Failure, m.status.FailedAt = true, err, now
	m.logFailed("calls", "the import cannot be seen", err)
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
			course.Died = m.whyDead(op, q.now)
		}
		if op.Valid {
			m.well = well{op.ID, q.now, m.newInstances}
		}
	}
	if incident != "" {
		m.logIncident(incident, q.Operation, ours)
	}
	read, rule := m.policy.begin(q)
	if rule != nil && rule.notSent != nil {
		m.reads[ReadNotSent]++
		m.logNotSent(rule.notSent, q.Operation.ID)
	}
	return read
}

// endRead takes what a read of the selection returned. The lock is held.
func (m *Memory) endRead(r *read, data client.FileData, err error, now time.Time) {
	result := resultOf(data, err)
	m.reads[result]++
	var refused client.Reason
	if result == ReadFailed {
		refused = m.reasonOf(err, now)
		m.status.Failure, m.status.FailedAt = err, now
	}
	m.met(data.Instance, now)
	if split := m.policy.end(r, result, data, refused, now); m.isNews("split", strconv.FormatBool(split)) && split {
		level.Warn(m.logger).Log("msg", "one instance of Rocket.Chat answered the look, and another one its read; nothing is read for "+splitPause.String(), "hint", m.hintOf(client.ErrSeveralInstances))
	}
	switch result {
	case ReadOK:
		m.logSucceeded("reads", "the selection was read")
	case ReadNotSent:
		m.logNotSent(err, r.id)
	case ReadWaiting:
		err = errStillWaiting
		fallthrough
	default:
		m.logFailed("reads", "the selection could not be read; the exporter asks for it again in "+m.policy.pause.String(), err)
	}
}

// reasonOf returns the reason of a failed call, and begins its backoff. The lock is held.
func (m *Memory) reasonOf(err error, now time.Time) client.Reason {
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return client.Connection
	case e.Reason == client.RateLimited:
		m.backoff[e.Endpoint] = limitedUntil(e.RateLimitReset, now)
	}
	return e.Reason
}

// limitedUntil returns until when no call is made after a 429 that says reset. It runs by the
// monotonic clock of now: a wall clock that is set back does not prolong it.
func limitedUntil(reset, now time.Time) time.Time {
	pause := reset.Sub(now)
	if pause <= 0 { // the server does not say
		pause = time.Minute
	}
	return now.Add(min(pause, 2*time.Minute)) // since it is the server's clock that says
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
	s := m.status
	if m.good != nil {
		s.Snapshot, s.At = m.show(m.good), m.good.started
	}
	return s
}

// ReadResult says how one call of getImportFileData ended.
type ReadResult string

const (
	// ReadOK means that a selection came.
	ReadOK ReadResult = "success"
	// ReadWaiting means that Rocket.Chat is still preparing the file.
	ReadWaiting ReadResult = "waiting"
	// ReadFailed means that the request was sent and no selection came.
	ReadFailed ReadResult = "failed"
	// ReadNotSent means that nothing was sent, since somebody could have pressed start before the
	// request arrived.
	ReadNotSent ReadResult = "not_sent"
)

// ReadResults returns all results, in a fixed order.
func ReadResults() []ReadResult { return []ReadResult{ReadOK, ReadWaiting, ReadFailed, ReadNotSent} }

// resultOf says how a call that returned data and err ended.
func resultOf(data client.FileData, err error) ReadResult {
	switch {
	case errors.Is(err, client.ErrNotSent):
		return ReadNotSent
	case err != nil:
		return ReadFailed
	case data.Waiting:
		return ReadWaiting
	default:
		return ReadOK
	}
}
