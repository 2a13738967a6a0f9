package rocketchatsim

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// event is one save of an operation's record that is still to come.
type event struct {
	at        time.Time
	operation *operation
	apply     func(*operation)
}

// Start makes a new newest operation that goes through the script from now on, at
// so many times the script's own speed, and returns how long that will take. It
// does not wait: the server catches up with its clock whenever it is asked. A new
// Start, SetOperation or RemoveOperations stops it. Start panics unless speed is
// above 0.
func (s *Server) Start(script Script, speed float64) time.Duration {
	if !(speed > 0) {
		panic(fmt.Sprintf("rocketchatsim: speed %v is not above 0", speed))
	}
	s.lock()
	defer s.mu.Unlock()
	op := script.Operation
	op.Created, op.Updated = s.now(), s.now()
	o := s.place(op)
	o.selection, o.staged = script.Selection, 0
	return s.schedule(o, script.Phases, speed)
}

// Play is Start, and then waits until the script is over or ctx is done, whose
// error it returns. It waits by the time package's clock: with a Config.Now that
// runs apart from that, use Start.
func (s *Server) Play(ctx context.Context, script Script, speed float64) error {
	over := time.NewTimer(s.Start(script, speed))
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// schedule lets the phases happen to o from now on, beside what is pending, and
// returns how long they take.
func (s *Server) schedule(o *operation, phases []Phase, speed float64) time.Duration {
	start := s.now()
	var elapsed time.Duration
	for _, phase := range phases {
		for _, save := range phase.saves() {
			at := scale(elapsed+save.after, speed)
			s.pending = append(s.pending, event{start.Add(at), o, save.apply})
		}
		elapsed += phase.Duration
	}
	slices.SortStableFunc(s.pending, func(a, b event) int { return a.at.Compare(b.at) })
	return scale(elapsed, speed)
}

func scale(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}

// catchUp applies what was due until now. When the server restarts, all that was
// going on ends.
func (s *Server) catchUp() {
	now := s.now()
	for len(s.pending) > 0 && !s.pending[0].at.After(now) {
		next := s.pending[0]
		s.pending = s.pending[1:]
		wasValid := next.operation.Valid
		next.apply(next.operation)
		next.operation.Updated = next.at
		if wasValid && !next.operation.Valid {
			s.pending = nil
		}
	}
}
