package watch

import (
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// The pauses after reads of one operation's selection that returned none. The first is readPause;
// each further one is twice as long, up to readPauseMost. A read that is too large for its timeout
// costs the server its full price each time.
const (
	readPause     = 5 * time.Minute
	readPauseMost = time.Hour
)

// fingerprint names what is staged: the operation, and the counts that change
// when something else is staged. It is comparable with ==.
type fingerprint struct {
	id     string
	counts client.Counts
}

func fingerprintOf(op *client.Operation) fingerprint {
	return fingerprint{id: op.ID, counts: op.Counts.Staged()}
}

// readPolicy decides when the selection of a guarded workspace may be read. It
// is the one place where that is decided, since getImportFileData in the wrong
// step wipes the import that is running. It is not safe for concurrent use.
type readPolicy struct {
	mode config.Mode

	// ran holds the operations that were seen running.
	ran map[string]bool

	previous fingerprint // of the answer before the current one
	askedID  string      // the last operation whose selection was asked for
	lastRead fingerprint // what was staged when the selection was last read

	paused      fingerprint // what the last read without a selection asked for
	pause       time.Duration
	pausedUntil time.Time
}

func newReadPolicy(mode config.Mode) readPolicy {
	return readPolicy{mode: mode, ran: map[string]bool{}}
}

// decide reports whether getImportFileData may be called, given the newest
// answer of getCurrentImportOperation. Call it exactly once for each answer: it
// remembers the answer. The rules, in their order:
//
//	the answer says                                          the selection is read
//	there is no operation                                    no
//	the operation was once seen running                      never again
//	the step is not importer_user_selection, or not valid    no
//	ts is a number: the server is older than 6.3.0           no
//	the last read failed a short while ago                   no
//	otherwise                                                as the mode says
func (p *readPolicy) decide(op *client.Operation, now time.Time) bool {
	if op == nil {
		p.previous = fingerprint{}
		return false
	}
	current := fingerprintOf(op)
	settled := current == p.previous
	p.previous = current
	if op.Step.Running() {
		p.ran[op.ID] = true
	}

	// The law. In every other step, an unknown one included, the call may empty
	// the staged data or set a finished import back. An operation that ran once
	// may still run underneath, whatever its step says now. A server of 3.0 to
	// 3.13 may prepare the file anew even in this step.
	if op.Step != client.StepUserSelection || !op.Valid || !op.CreatedISO || p.ran[op.ID] {
		return false
	}
	if p.isPaused(current, settled, now) {
		return false
	}
	switch p.mode {
	case config.EachScrape:
		return true
	case config.OnChange:
		return current != p.lastRead && (op.ID != p.askedID || settled)
	default:
		return false
	}
}

// isPaused reports whether a pause keeps f from being read now. Another operation,
// or counts that changed and settled, end the pause.
func (p *readPolicy) isPaused(f fingerprint, settled bool, now time.Time) bool {
	if f.id != p.paused.id || f != p.paused && settled {
		p.paused, p.pause = fingerprint{}, 0
		return false
	}
	return now.Before(p.pausedUntil)
}

// succeeded records that a read returned the selection of f.
func (p *readPolicy) succeeded(f fingerprint) {
	p.askedID, p.lastRead = f.id, f
	p.paused, p.pause = fingerprint{}, 0
}

// failed records that a read of the selection of f was sent and returned none.
func (p *readPolicy) failed(f fingerprint, now time.Time) {
	p.askedID, p.paused = f.id, f
	p.pause = min(max(2*p.pause, readPause), readPauseMost)
	p.pausedUntil = now.Add(p.pause)
}
