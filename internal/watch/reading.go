package watch

import (
	"errors"
	"time"

	"rocketchat_import_exporter/client"
)

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

// reader keeps what the reads of the selection returned. The memory's lock guards it.
type reader struct {
	policy   readPolicy
	sent     bool   // a read was sent since the last answer
	newestID string // the newest operation; empty if there is none
	// What the last good read returned, and of what; zero before the first.
	lastSelection   *client.Selection
	lastFingerprint fingerprint
	refused         client.Reason // why the last read was refused; empty if it was not
	refusedID       string        // the operation of that read
}

// read is one read of the selection of what fingerprint names.
type read struct {
	fingerprint
	instance string        // that answered the look
	done     chan struct{} // closed once the read is over
	ended    time.Time     // by Watcher.now; zero before that
}

// begin returns the read that an answer leads to, or the rule that forbids it. Call it once for each
// answer that is believed.
func (r *reader) begin(q question) (*read, *rule) {
	r.newestID, r.sent = "", r.policy.reading
	if q.Operation != nil {
		r.newestID = q.Operation.ID
	}
	if rule := r.policy.decide(q); rule != nil {
		return nil, rule
	}
	r.policy.reading = true
	return &read{fingerprint: fingerprintOf(q.Operation), instance: q.Instance, done: make(chan struct{})}, nil
}

// end takes what a read returned.
func (r *reader) end(done *read, result ReadResult, selection *client.Selection, refusal client.Reason, now time.Time) {
	r.policy.reading, done.ended = false, now
	if result == ReadNotSent {
		return
	}
	r.sent, r.refused, r.refusedID = true, refusal, done.id
	if result == ReadOK {
		r.policy.succeeded(done.fingerprint)
		r.lastSelection, r.lastFingerprint = selection, done.fingerprint
		return
	}
	r.policy.failed(done.fingerprint, now)
}

// selectionOf returns the selection of op, or nil if it is not known.
func (r *reader) selectionOf(op *client.Operation) *client.Selection {
	if r.lastFingerprint != fingerprintOf(op) || emptied(op) {
		return nil
	}
	return r.lastSelection
}

// refusal returns the reason for which the last read of the newest operation
// failed; empty if it did not.
func (r *reader) refusal() client.Reason {
	if r.refusedID != r.newestID {
		return ""
	}
	return r.refused
}
