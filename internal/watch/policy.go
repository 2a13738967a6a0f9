package watch

import (
	"slices"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// The pauses after reads of one operation's selection that returned none: each is twice as long as
// the one before. A read that is too large for its timeout costs the server its full price each time.
const (
	readPause    = 5 * time.Minute
	maxReadPause = time.Hour
)

const (
	// MaxTook is the longest look that leads to a read. How long a look takes measures how long
	// Rocket.Chat takes between its own two looks at the step.
	MaxTook = 250 * time.Millisecond
	// splitPause is how long nothing is read after one instance answered a look and another its read.
	splitPause = 10 * time.Minute
	// maxAhead is how far a time may be ahead of Rocket.Chat's clock and still be believed.
	maxAhead = time.Minute
)

// fingerprint names what is staged: the operation, and the counts that change
// when something else is staged. It is comparable with ==.
type fingerprint struct {
	id     string
	counts client.Counts
}

func fingerprintOf(op *client.Operation) fingerprint {
	f := fingerprint{id: op.ID, counts: op.Counts}
	f.counts.Completed, f.counts.Error = client.OptionalCount{}, client.OptionalCount{} // change while it runs
	return f
}

// readPolicy decides when the selection of a guarded workspace may be read. It is the one place
// where that is decided. It is not safe for concurrent use.
type readPolicy struct {
	maxTook          time.Duration   // of a look that leads to a read
	ran              map[string]bool // the operations that are known to have run
	created, updated time.Time       // the newest ts and _updatedAt ever seen
	instances        []string        // that answered the last three looks that name one

	previous  fingerprint       // of the answer before the current one
	settled   bool              // whether the current one agrees with it
	reading   bool              // a read is under way
	sent      bool              // a read was sent since the last answer
	asked     string            // the operation that was last read, with a selection or without one
	lastRead  fingerprint       // what was staged when the selection was last read
	selection *client.Selection // what that read returned
	refused   client.Reason     // why the last read was refused; empty if it was not

	paused      fingerprint // what the last read without a selection asked for
	pause       time.Duration
	pausedUntil time.Time
	splitUntil  time.Time // one instance answered a look, and another its read
}

func newReadPolicy(maxTook time.Duration) readPolicy {
	return readPolicy{maxTook: maxTook, ran: map[string]bool{}}
}

// question is what the rules judge: an answer of getCurrentImportOperation, and when it came.
type question struct {
	client.OperationAnswer
	mode    config.Mode
	now     time.Time
	limited bool // getImportFileData answered 429 a short while ago
	own     bool // no scrape asked: each-scrape is as on-change then
}

// rule forbids a read of the selection.
type rule struct {
	why     string // ends "the selection is not read: "
	notSent error  // the error of a read that is wanted and not sent; nil where none is wanted
	forbids func(*readPolicy, question) bool
}

// rules are the law. getImportFileData is called if none of them forbids it. In every step but one,
// unknown ones included, the call may empty what is staged or set a finished import back.
var rules = []rule{
	{"the settings say never", nil, func(_ *readPolicy, q question) bool { return q.mode != config.OnChange && q.mode != config.EachScrape }},
	{"there is no import", nil, func(_ *readPolicy, q question) bool { return q.Operation == nil }},
	// It may still run, whatever its step says.
	{"the import ran", nil, func(p *readPolicy, q question) bool { return p.ran[q.Operation.ID] }},
	{"the import does not wait for its selection", nil, func(_ *readPolicy, q question) bool {
		return q.Operation.Step != client.StepUserSelection || !q.Operation.Valid
	}},
	// 3.0 to 3.13 may prepare the file anew, even in this step.
	{"Rocket.Chat is older than 6.3", nil, func(_ *readPolicy, q question) bool { return !q.Operation.CreatedISO }},
	{"the importer has no file", nil, func(_ *readPolicy, q question) bool { return withoutFile(q.Operation) }},
	{"the operation does not say when it was saved", nil, func(_ *readPolicy, q question) bool { return q.Operation.Updated.IsZero() }},
	{"a newer operation was seen", nil, func(p *readPolicy, q question) bool {
		return q.Operation.Created.Before(p.created) || q.Operation.Updated.Before(p.updated)
	}},
	{"the last read failed, and its pause is not over", nil, func(p *readPolicy, q question) bool {
		return q.limited || q.now.Before(p.pausedUntil)
	}},
	{"it was read, or the counts still change", nil, func(p *readPolicy, q question) bool {
		f := fingerprintOf(q.Operation)
		return p.reading || (q.mode == config.OnChange || q.own) && (f == p.lastRead || f.id == p.asked && !p.settled)
	}},
	{"one instance answered a look, and another its read", nil, func(p *readPolicy, q question) bool { return q.now.Before(p.splitUntil) }},
	{"several instances of Rocket.Chat answer", client.ErrSeveralInstances, func(p *readPolicy, _ question) bool {
		return len(p.instances) > 1 && slices.ContainsFunc(p.instances, func(id string) bool { return id != p.instances[0] })
	}},
	{"Rocket.Chat took more than " + MaxTook.String() + " to answer", client.ErrSlowLook, func(p *readPolicy, q question) bool { return q.Took > p.maxTook }},
}

// withoutFile reports whether nothing is staged beside what the record counts: a program sends the
// records of api, and pending downloads stage nothing.
func withoutFile(op *client.Operation) bool { return op.Importer == "api" || op.PendingDownloads() }

// see remembers an answer, also one that is not believed. Call it once for each answer.
func (p *readPolicy) see(answer client.OperationAnswer) {
	if answer.Instance != "" {
		p.instances = append(p.instances, answer.Instance)
		p.instances = p.instances[max(len(p.instances)-3, 0):]
	}
	op := answer.Operation
	if op == nil {
		return
	}
	if op.Step.Running() || op.WasSetBack() {
		p.ran[op.ID] = true
	}
	p.created = later(p.created, credible(op.Created, answer.ServerTime))
	p.updated = later(p.updated, credible(op.Updated, answer.ServerTime))
}

// credible returns t, or zero if Rocket.Chat's clock is so far behind it that it was wrong at one of
// the two times. Without such a clock it returns t.
func credible(t, serverTime time.Time) time.Time {
	if !serverTime.IsZero() && t.After(serverTime.Add(maxAhead)) {
		return time.Time{}
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// read is one read of the selection of what fingerprint names.
type read struct {
	fingerprint
	instance string        // that answered the look
	done     chan struct{} // closed once the read is over
	ended    time.Time     // by Watcher.now; zero before that
}

// begin returns the read that an answer leads to, or the rule that forbids it. Call it once for each
// answer that is believed, after see.
func (p *readPolicy) begin(q question) (*read, *rule) {
	p.sent = false
	var f fingerprint
	if q.Operation != nil {
		f = fingerprintOf(q.Operation)
	}
	p.settled, p.previous = f == p.previous, f
	// Another operation, or other counts that have settled, end the pause.
	if q.Operation != nil && (f.id != p.paused.id || f != p.paused && p.settled) {
		p.endPause()
	}
	for i := range rules {
		if rules[i].forbids(p, q) {
			return nil, &rules[i]
		}
	}
	p.reading = true
	return &read{fingerprint: f, instance: q.Instance, done: make(chan struct{})}, nil
}

func (p *readPolicy) endPause() { p.paused, p.pause, p.pausedUntil = fingerprint{}, 0, time.Time{} }

// end takes what a read returned, and why it was refused. It reports whether another instance
// answered it than the look.
func (p *readPolicy) end(done *read, result ReadResult, data client.FileData, refused client.Reason, now time.Time) (split bool) {
	p.reading, done.ended = false, now
	if split = done.instance != "" && data.Instance != "" && done.instance != data.Instance; split {
		p.splitUntil = now.Add(splitPause)
	}
	switch result {
	case ReadNotSent:
		return split
	case ReadOK:
		p.lastRead, p.selection = done.fingerprint, data.Selection
		p.endPause()
	default:
		p.paused = done.fingerprint
		p.pause = min(max(2*p.pause, readPause), maxReadPause)
		p.pausedUntil = now.Add(p.pause)
	}
	p.sent, p.asked, p.refused = true, done.id, refused
	return split
}

// selectionOf returns the selection of op, or nil if it is not known.
func (p *readPolicy) selectionOf(op *client.Operation) *client.Selection {
	if p.lastRead != fingerprintOf(op) || emptied(op) {
		return nil
	}
	return p.selection
}

// refusal returns why the last read of the newest operation was refused; empty if it was not.
func (p *readPolicy) refusal() client.Reason {
	if p.asked != p.previous.id {
		return ""
	}
	return p.refused
}

// WhyNotRead says why a first answer would not lead to a read of the selection in this mode. It is
// empty if it would.
func WhyNotRead(answer client.OperationAnswer, mode config.Mode) string {
	if mode == config.Unguarded {
		return "" // any step will do
	}
	p := newReadPolicy(MaxTook)
	p.see(answer)
	if _, rule := p.begin(question{OperationAnswer: answer, mode: mode}); rule != nil {
		return rule.why
	}
	return ""
}
