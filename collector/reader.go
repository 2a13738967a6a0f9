package collector

import (
	"context"
	"errors"
	"time"

	"rocketchat_import_exporter/client"
)

// reader reads the selection when the policy lets it, one read at a time, and
// keeps what the last read gave. The workspace's lock guards it.
type reader struct {
	policy  readPolicy
	outcome outcome

	reading   bool
	newest    string            // the id of the newest operation; empty if there is none
	known     *client.Selection // what the last good read gave
	of        staging           // what known is the selection of
	refused   client.Reason     // why the last read was refused; empty if it was not
	refusedID string            // the operation whose read that was
}

// read is one read of the selection.
type read struct {
	of   staging
	done chan struct{} // closed when it is over
}

// selectionOf returns the selection of s, or nil if it is not known.
func (r *reader) selectionOf(s staging) *client.Selection {
	if r.known == nil || r.of != s {
		return nil
	}
	return r.known
}

// refusal returns why the last read for the newest operation was refused;
// empty if it was not.
func (r *reader) refusal() client.Reason {
	if r.refusedID != r.newest {
		return ""
	}
	return r.refused
}

// startRead starts to read the selection of op if that is allowed, harms
// nothing and is needed, and returns the read, or nil. The lock is held.
func (w *Workspace) startRead(op *client.Operation, now time.Time) *read {
	w.reader.newest = ""
	if op != nil {
		w.reader.newest = op.ID
	}
	allowed := w.reader.policy.mayRead(op, now)
	if !allowed || w.reader.reading || w.silence.holds(client.ImportFileData, now) {
		return nil
	}
	w.reader.reading = true
	r := &read{of: stagingOf(op), done: make(chan struct{})}
	w.running.Go(func() {
		defer close(r.done)
		ctx, cancel := context.WithTimeout(w.ctx, w.opts.FileDataTimeout)
		defer cancel()
		data, err := w.client.FileData(ctx, op.AnsweredAt.Add(connectWithin))
		w.finishRead(r.of, data, err)
	})
	return r
}

// finishRead takes what a read of the selection of s came to.
func (w *Workspace) finishRead(s staging, data client.FileData, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.opts.Now()
	r := &w.reader
	r.reading = false
	couldNotRead := "the selection could not be read; it is left alone for " + readPause.String()
	switch {
	case w.ctx.Err() != nil: // it was ended, and did not fail
	case errors.Is(err, client.ErrNotSent):
		r.outcome.failed("the selection was not read: no connection stood within "+connectWithin.String()+" of the operation's answer, and the import may have been started since; the next scrape decides again", err)
	case err != nil:
		reason := w.failed(err, now)
		r.policy.wasRefused(s, now)
		r.refused, r.refusedID = "", s.id
		if reason.Refused() {
			r.refused = reason
		}
		r.outcome.failed(couldNotRead, err)
	case data.Waiting:
		r.policy.wasRefused(s, now)
		r.refused = ""
		r.outcome.failed(couldNotRead, errStillWaiting)
	default:
		r.policy.wasRead(s)
		r.known, r.of = data.Selection, s
		r.refused = ""
		r.outcome.succeeded("the selection was read")
	}
}
