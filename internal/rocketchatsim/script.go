package rocketchatsim

import (
	"slices"
	"time"
)

// Kind is a kind of record.
type Kind string

// The kinds of record that an import has.
const (
	Users    Kind = "users"
	Channels Kind = "channels"
	Messages Kind = "messages"
	Contacts Kind = "contacts"
	Files    Kind = "files" // of pending-files, and the avatars of pending-avatars
)

// Script is an import that plays by itself: see Server.Start.
type Script struct {
	// Operation is the record to begin with; Start sets its Updated, its Created
	// if that is zero, and its ID if that is "".
	Operation Operation
	// Selection is what getImportFileData shows once the preparation is over.
	Selection Selection
	// Phases follow one another.
	Phases []Phase
}

// Phase is one stretch of an import.
type Phase struct {
	// Step is entered at the beginning, which is a save; "" stays in the step
	// before.
	Step string
	// Duration is at speed 1.
	Duration time.Duration
	// Kind is that of the records imported.
	Kind Kind
	// Imported is how many records are imported, evenly over the phase. Progress
	// is saved each time that the number imported so far, in all phases, is a
	// multiple of what the generation has for the kind, and with each record from
	// count.total on. Whatever remains after the last save is never saved.
	Imported int
	// Failed is how many of Imported fail. They count in count.error if the
	// import was started with import.run, and in count.completed otherwise.
	Failed int

	// saves are the other saves, evenly over the phase.
	saves []save
	// event happens to the server at the beginning.
	event func(*Server)
}

// save is a change of a record.
type save func(*operation)

// Duration returns how long the script takes at speed 1.
func (s Script) Duration() time.Duration { return duration(s.Phases) }

func duration(phases []Phase) (total time.Duration) {
	for _, phase := range phases {
		total += phase.Duration
	}
	return total
}

// preparation returns the phases in which the uploaded file is prepared, or nil if
// the script begins later. A file that cannot be read has none, or some that do not
// end in importer_user_selection.
func (s Script) preparation() []Phase {
	loaded := slices.IndexFunc(s.Phases, func(p Phase) bool { return p.Step == StepFileLoaded })
	if loaded < 0 {
		return nil
	}
	phases := []Phase{}
	for _, phase := range s.Phases[loaded+1:] {
		if isPrepared(phase.Step) && phase.Step != StepUserSelection {
			break
		}
		phases = append(phases, phase)
		if phase.Step == StepUserSelection {
			phases[len(phases)-1].Duration = 0
			break
		}
	}
	return phases
}

// event is one save of a record that is still to come.
type event struct {
	at        time.Time
	operation *operation
	isStep    bool // which an aborted import still takes
	apply     func()
}

// Start makes a new newest operation that goes through the script from now on, at
// speed times the script's own speed, and returns how long that will take. It does
// not wait: the server catches up with its clock whenever it is asked. A new Start,
// SetOperation or RemoveOperations stops it. Start panics unless speed is above 0.
func (s *Server) Start(script Script, speed float64) time.Duration {
	if !(speed > 0) {
		panic("rocketchatsim: the speed of a script is not above 0")
	}
	s.lock()
	defer s.mu.Unlock()
	op := script.Operation
	op.Updated = s.now()
	if op.Created.IsZero() {
		op.Created = op.Updated
	}
	o := s.place(op)
	o.selection = script.Selection
	if !isPrepared(op.Step) {
		o.staged = 0
	}
	if preparation := script.preparation(); preparation != nil {
		o.preparation = preparation
	}
	return s.schedule(o, script.Phases, speed)
}

// schedule lets the phases happen to o from now on, beside what is pending, and
// returns how long they take.
func (s *Server) schedule(o *operation, phases []Phase, speed float64) time.Duration {
	start := s.now()
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	put := func(after time.Duration, isStep bool, apply func()) {
		s.pending = append(s.pending, event{start.Add(scale(after)), o, isStep, apply})
	}
	// The import keeps its progress in memory: it does not read it from the record.
	foreseen := &operation{Operation: o.Operation.clone()}
	handled, failed := 0, 0
	if o.Count != nil {
		failed = valueOf(o.Count.Error)
		handled = valueOf(o.Count.Completed) + failed
	}
	var elapsed time.Duration
	for _, phase := range phases {
		if phase.Step != "" {
			put(elapsed, true, func() { o.play(phase.Step) })
		}
		if phase.Step == StepUserSelection && s.config.Generation.selectionInRecord {
			// The selection is saved after the step.
			put(elapsed+min(phase.Duration, 100*time.Millisecond), false, func() { o.stored = true })
		}
		if phase.event != nil {
			put(elapsed, false, func() { phase.event(s) })
		}
		for i, save := range phase.saves {
			save(foreseen)
			put(elapsed+phase.Duration*time.Duration(i+1)/time.Duration(len(phase.saves)+1), false, func() { save(o) })
		}
		batch := s.config.Generation.saveRange(phase.Kind)
		before := failed
		for i := 1; i <= phase.Imported; i++ {
			handled++
			if s.config.Generation.countsErrors(o.ImporterKey) {
				failed = before + phase.Failed*i/phase.Imported
			}
			if handled%batch == 0 || foreseen.reachesTotal(handled) {
				completed, errors := handled-failed, failed
				put(elapsed+phase.Duration*time.Duration(i)/time.Duration(phase.Imported), false, func() {
					o.count().Completed, o.Count.Error = new(completed), new(errors)
				})
			}
		}
		elapsed += phase.Duration
	}
	slices.SortStableFunc(s.pending, func(a, b event) int { return a.at.Compare(b.at) })
	return scale(elapsed)
}

func (o *operation) reachesTotal(handled int) bool {
	return o.Count != nil && o.Count.Total != nil && handled >= *o.Count.Total
}

// play enters a step of a script.
func (o *operation) play(step string) {
	o.Step = step
	if step == StepUserSelection {
		o.staged = o.selection.records()
	}
}

// abortPause is how long an aborted import stays in each step that is left.
const abortPause = 250 * time.Millisecond

// catchUp applies what was due until now.
func (s *Server) catchUp() {
	now := s.now()
	for len(s.pending) > 0 && !s.pending[0].at.After(now) {
		next := s.pending[0]
		s.pending = s.pending[1:]
		aborts := next.operation.aborting
		next.apply()
		next.operation.Updated = next.at
		if aborts {
			s.runThrough(next)
		}
	}
}

// runThrough leaves an aborted import nothing except the steps that were to come.
func (s *Server) runThrough(last event) {
	last.operation.aborting = false
	s.pending = slices.DeleteFunc(s.pending, func(e event) bool { return !e.isStep })
	for i := range s.pending {
		s.pending[i].at = last.at.Add(time.Duration(i+1) * abortPause)
	}
}
