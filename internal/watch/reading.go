package watch

import (
	"errors"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
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
	// ReadNotSent means that no connection stood in time, so nothing was sent.
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

// reader reads the selection when the policy allows it, one read at a time, and
// keeps the last one. The watcher's lock guards it.
type reader struct {
	policy readPolicy

	inFlight bool
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
	done chan struct{} // closed once the read is over
}

func newReader(mode config.Mode) reader { return reader{policy: newReadPolicy(mode)} }

// begin returns the read to make after an answer, or nil if none is allowed,
// needed, or possible now. Call it exactly once for each answer.
func (r *reader) begin(op *client.Operation, blocked bool, now time.Time) *read {
	r.newestID = ""
	if op != nil {
		r.newestID = op.ID
	}
	allowed := r.policy.decide(op, now)
	if !allowed || blocked || r.inFlight {
		return nil
	}
	r.inFlight = true
	return &read{fingerprint: fingerprintOf(op), done: make(chan struct{})}
}

// end takes what a read returned.
func (r *reader) end(done *read, result ReadResult, selection *client.Selection, refusal client.Reason, now time.Time) {
	r.inFlight = false
	if result == ReadNotSent {
		return
	}
	r.refused, r.refusedID = refusal, done.id
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
