package rocketchatsim

// Restart restarts the only instance of the workspace. An import that is prepared
// or imported is dead: its step stays, and it is not valid. An import that has
// ended is not valid either from now on, and is saved once more for that. One in
// importer_user_selection stays valid.
func (s *Server) Restart() {
	s.lock()
	defer s.mu.Unlock()
	s.restart()
}

// StartSecondInstance starts another instance of the workspace. The newest import
// is not valid any more, unless it is in importer_user_selection. One that is
// running aborts at its next save, goes through the steps that are left within
// seconds, and ends in importer_done.
func (s *Server) StartSecondInstance() {
	s.lock()
	defer s.mu.Unlock()
	s.startSecondInstance()
}

// Clear calls import.clear: nothing is staged any more, and the newest import is
// not valid, whatever its step. One that is running aborts as with
// StartSecondInstance. A selection that the record keeps stays there.
func (s *Server) Clear() {
	s.lock()
	defer s.mu.Unlock()
	if o := s.operation; o != nil {
		o.staged = 0
		if !s.config.Generation.selectionInRecord {
			o.selection = Selection{}
		}
		s.invalidate(o)
		o.aborting = isRunning(o.Step)
	}
}

func (s *Server) restart() {
	s.pending = nil
	if o := s.operation; o != nil && o.Step != StepUserSelection {
		s.invalidate(o)
	}
}

func (s *Server) startSecondInstance() {
	if o := s.operation; o != nil && o.Step != StepUserSelection {
		s.invalidate(o)
		o.aborting = isRunning(o.Step)
	}
}

func (s *Server) invalidate(o *operation) {
	if o.Valid {
		o.Valid = false
		o.Updated = s.now()
	}
}
