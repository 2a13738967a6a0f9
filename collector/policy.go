package collector

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Mode says when the selection is read, which only getImportFileData can tell.
type Mode string

const (
	// OnChange reads the selection when an operation is first seen waiting for
	// its selection, and again when its staged counts have changed and settled.
	OnChange Mode = "on-change"
	// EachScrape reads it at every scrape of an operation that waits for its selection.
	EachScrape Mode = "each-scrape"
	// Never does not read it.
	Never Mode = "never"
	// Unguarded calls getImportFileData at every scrape without knowing the
	// step. THIS WIPES A RUNNING IMPORT. It is for servers that offer no other
	// endpoint.
	Unguarded Mode = "unguarded"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{OnChange, EachScrape, Never, Unguarded} }

// readPause is how long the selection is left alone after a read of it failed
// or was answered with "waiting", unless something else is staged by then.
const readPause = 5 * time.Minute

// staging names what is staged: the operation, and the counts that change when
// something else is staged. It is comparable with ==.
type staging struct {
	id     string
	counts client.Count
}

func stagingOf(op *client.Operation) staging {
	return staging{id: op.ID, counts: op.Count.Staged()}
}

// readPolicy decides when the selection of a guarded workspace may be read. It
// is the one place where that is decided, since getImportFileData in the wrong
// step wipes the import that is running. It is not safe for concurrent use.
type readPolicy struct {
	mode Mode

	inRecord bool // whether a record has carried a selection, as those of early 3.x do

	asked    string  // the id of the last operation whose selection was asked for
	read     staging // what was staged when the selection was last read
	previous staging // what the operation before the current one said

	paused      staging // what is left alone
	pausedUntil time.Time
}

// mayRead reports whether getImportFileData may be called, given the answer
// that getCurrentImportOperation gave just now. It must be asked once for each
// such answer, since it remembers it.
func (p *readPolicy) mayRead(op *client.Operation, now time.Time) bool {
	if op == nil {
		p.previous = staging{}
		return false
	}
	current := stagingOf(op)
	settled := current == p.previous
	p.previous = current
	p.inRecord = p.inRecord || op.FileData != nil

	// The law. In every other step, one that nobody has heard of included, the
	// call may empty the staged data or set a finished import back.
	if op.Step != client.StepUserSelection {
		return false
	}
	// Early 3.x keeps the selection in the record, and prepares it anew when it
	// is asked for while it is not there.
	if p.inRecord {
		return false
	}

	if current == p.paused && now.Before(p.pausedUntil) {
		return false
	}
	switch p.mode {
	case EachScrape:
		return true
	case OnChange:
		return current != p.read && (op.ID != p.asked || settled)
	default:
		return false
	}
}

// wasRead notes that the selection of s was asked for and came.
func (p *readPolicy) wasRead(s staging) { p.asked, p.read = s.id, s }

// wasRefused notes that the selection of s was asked for in vain.
func (p *readPolicy) wasRefused(s staging, now time.Time) {
	p.asked, p.paused, p.pausedUntil = s.id, s, now.Add(readPause)
}

// The bounds on how long an endpoint is left alone after a 429.
const (
	silenceUnknown = time.Minute     // where the server does not say
	silenceMost    = 2 * time.Minute // since it is the server's clock that says
)

// silence keeps endpoints that answered 429 from being called too early. It is
// not safe for concurrent use.
type silence map[client.Endpoint]time.Time

// keep leaves endpoint alone until reset, within bounds.
func (s silence) keep(endpoint client.Endpoint, reset, now time.Time) {
	switch {
	case !reset.After(now):
		reset = now.Add(silenceUnknown)
	case reset.After(now.Add(silenceMost)):
		reset = now.Add(silenceMost)
	}
	s[endpoint] = reset
}

// holds reports whether endpoint is to be left alone.
func (s silence) holds(endpoint client.Endpoint, now time.Time) bool {
	return now.Before(s[endpoint])
}
