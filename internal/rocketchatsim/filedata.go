package rocketchatsim

import (
	"bufio"
	"maps"
)

// Write is a kind of change that a call of getImportFileData made.
type Write string

const (
	// WriteWiped is staging emptied and the uploaded file prepared again, from
	// which the operation goes back to importer_user_selection. Any server does
	// this in any step that it has no other rule for, a running import included.
	WriteWiped Write = "wiped"
	// WriteStepBack is an import that had ended set to importer_user_selection.
	WriteStepBack Write = "step_back"
	// WriteFailed is an operation being prepared set to failed and invalid.
	WriteFailed Write = "failed"
	// WriteSameStep is importer_user_selection written over itself: harmless.
	WriteSameStep Write = "same_step"
)

// Writes returns how often getImportFileData made each kind of change so far.
// Kinds that did not happen are not in it. The map is the caller's.
func (s *Server) Writes() map[Write]int {
	s.lock()
	defer s.mu.Unlock()
	return maps.Clone(s.writes)
}

// Destructive returns how many calls harmed an import so far: every write but
// WriteSameStep.
func (s *Server) Destructive() int {
	s.lock()
	defer s.mu.Unlock()
	n := 0
	for kind, times := range s.writes {
		if kind != WriteSameStep {
			n += times
		}
	}
	return n
}

// getImportFileData is the endpoint that writes. What it does rests on the step
// alone; whether the operation is valid matters only while it is prepared.
func (s *Server) getImportFileData() reply {
	o := s.newest()
	switch {
	case o == nil:
		return operationNotFound(GetImportFileData)
	case !isImporter(o.ImporterKey):
		return importerNotDefined(o.ImporterKey, GetImportFileData)
	case isWaiting(o.Step):
		return s.fileDataWhilePreparing(o)
	case o.Step == StepUserSelection || isOver(o.Step):
		return s.fileDataWhenPrepared(o)
	}
	s.prepareAgain(o)
	return s.fileData(o)
}

func (s *Server) fileDataWhilePreparing(o *operation) reply {
	if !o.Valid {
		return operationInvalid(GetImportFileData)
	}
	if s.config.Generation == Latest && s.config.FailsWhilePreparing {
		s.giveUp(o)
		return operationInvalid(GetImportFileData)
	}
	return raw(200, `{"waiting":true,"success":true}`)
}

func (s *Server) fileDataWhenPrepared(o *operation) reply {
	switch {
	case s.config.Generation == Early3 && o.storesSelection():
		return s.fileData(o)
	case s.config.Generation == Early3:
		s.prepareAgain(o)
		return s.fileData(o)
	case s.config.Generation == Latest && o.Step == StepImportFailed:
		return operationInvalid(GetImportFileData)
	}
	s.selectAgain(o)
	return s.fileData(o)
}

// giveUp sets the operation to failed and invalid; nothing moves it any more.
func (s *Server) giveUp(o *operation) {
	s.writes[WriteFailed]++
	s.pending = nil
	o.enter(StepImportFailed)
	o.Valid = false
	o.Updated = s.now()
}

// selectAgain sets the step to importer_user_selection from wherever it is.
func (s *Server) selectAgain(o *operation) {
	if o.Step == StepUserSelection {
		s.writes[WriteSameStep]++
	} else {
		s.writes[WriteStepBack]++
	}
	o.enter(StepUserSelection)
	o.Updated = s.now()
}

// prepareAgain empties the staging area and stages the uploaded file once more, on
// top of what the operation has counted. An import that is running goes on.
func (s *Server) prepareAgain(o *operation) {
	s.writes[WriteWiped]++
	o.staged = 0
	o.OmitFileData = false
	if o.File == "" {
		o.selection = Selection{}
		o.enter(StepUserSelection)
		o.Updated = s.now()
		return
	}
	phases := append(preparing(o.file(), s.config.PrepareTime), Phase{Step: StepUserSelection})
	s.schedule(o, phases, 1)
}

// file is what the uploaded file holds: what the operation counted when it was
// first prepared, else what is staged from it.
func (o *operation) file() fileContent {
	content := fileContent{o.selection.Users, o.selection.Channels, o.selection.Messages, o.selection.Contacts}
	if o.Count == nil {
		return content
	}
	replace(&content.users, o.Count.Users)
	replace(&content.channels, o.Count.Channels)
	replace(&content.messages, o.Count.Messages)
	replace(&content.contacts, o.Count.Contacts)
	return content
}

func replace(value *int, counted *int) {
	if counted != nil {
		*value = *counted
	}
}

func (s *Server) fileData(o *operation) reply {
	selection, name := o.selection, o.Type
	return streamed(func(w *bufio.Writer) {
		w.WriteByte('{')
		selection.writeFields(w, name, s.config.Generation)
		w.WriteString(`,"success":true}`)
	})
}
