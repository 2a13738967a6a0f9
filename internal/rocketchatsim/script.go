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

	// preparation is how the uploaded file is prepared; nil without a file.
	preparation []Phase
}

// Phase is one stretch of an import.
type Phase struct {
	// Step is entered at the beginning, which is a save; "" stays in the step before.
	Step string
	// Duration is at speed 1.
	Duration time.Duration
	// Kind is that of the records imported.
	Kind Kind
	// Imported is how many records are imported, evenly over the phase. Progress is saved when the
	// number so far, in all phases, is a multiple of what the generation has for the kind, and from
	// count.total on. Where the total is not reached, the rest never is.
	Imported int

	// saves are the other saves, evenly over the phase.
	saves []save
	// server happens to the server at the first of them; it may be nil.
	server func(*Server)
}

// Duration returns how long the script takes at speed 1.
func (s Script) Duration() (total time.Duration) {
	for _, phase := range s.Phases {
		total += phase.Duration
	}
	return total
}

// event is one save of the newest operation that is still to come.
type event struct {
	at     time.Time
	isStep bool // which an aborted import still takes
	save   save
}

// Start makes a new newest operation that goes through the script from now on, at
// speed times the script's own speed, and returns at once how long that will take. A
// new Start, SetOperation or RemoveOperations stops it.
func (s *Server) Start(script Script, speed float64) time.Duration {
	s.do(func() {
		op := script.Operation
		op.Updated = s.now()
		if op.Created.IsZero() {
			op.Created = op.Updated
		}
		o := s.place(op)
		o.selection, o.preparation = script.Selection, script.preparation
		s.schedule(o, script.Phases, speed)
	})
	return time.Duration(float64(script.Duration()) / speed)
}

// schedule lets the phases happen to o from now on, beside what is pending.
func (s *Server) schedule(o *operation, phases []Phase, speed float64) {
	start := s.now()
	put := func(after time.Duration, isStep bool, save save) {
		s.pending = append(s.pending, event{start.Add(time.Duration(float64(after) / speed)), isStep, save})
	}
	// The import keeps its progress in memory: it does not read it from the record.
	foreseen := &operation{Operation: o.Operation.clone()}
	imported, elapsed := 0, time.Duration(0)
	for _, phase := range phases {
		if phase.Step == StepImportingContacts && !s.config.Generation.contacts {
			elapsed += phase.Duration
			continue
		}
		if phase.Step != "" {
			put(elapsed, true, func(o *operation) { o.enter(phase.Step) })
		}
		for i, save := range phase.saves {
			save(foreseen)
			put(elapsed+phase.Duration*time.Duration(i+1)/time.Duration(len(phase.saves)+1), false, func(o *operation) {
				if save(o); i == 0 && phase.server != nil {
					phase.server(s)
				}
			})
		}
		saveEvery := s.config.Generation.saveEvery
		if phase.Kind == Messages {
			saveEvery = 500
		}
		for i := 1; i <= phase.Imported; i++ {
			imported++
			total := foreseen.count().Total
			if imported%saveEvery == 0 || total != nil && imported >= *total {
				completed := imported
				put(elapsed+phase.Duration*time.Duration(i)/time.Duration(phase.Imported), false, func(o *operation) {
					o.count().Completed, o.Count.Error = new(completed), new(0)
				})
			}
		}
		elapsed += phase.Duration
	}
	slices.SortStableFunc(s.pending, func(a, b event) int { return a.at.Compare(b.at) })
}

// catchUp applies what was due until now.
func (s *Server) catchUp() {
	now := s.now()
	for len(s.pending) > 0 && !s.pending[0].at.After(now) {
		next := s.pending[0]
		s.pending = s.pending[1:]
		aborts := s.operation.aborting
		next.save(s.operation)
		s.operation.Updated = next.at
		if aborts {
			s.runThrough(next.at)
		}
	}
}

// runThrough leaves an aborted import nothing except the steps that were to come.
func (s *Server) runThrough(last time.Time) {
	s.operation.aborting = false
	s.pending = slices.DeleteFunc(s.pending, func(e event) bool { return !e.isStep })
	for i := range s.pending {
		s.pending[i].at = last.Add(time.Duration(i+1) * 250 * time.Millisecond)
	}
}
