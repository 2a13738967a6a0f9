package rocketchatsim

import (
	"bufio"
	"maps"
	"math"
	"net/http"
	"time"
)

// Write is a kind of change that a call of getImportFileData made.
type Write string

const (
	// WriteWiped is staging emptied and the uploaded file prepared again, also under
	// an import that is running.
	WriteWiped Write = "wiped"
	// WriteStepBack is an import that had ended set to importer_user_selection.
	WriteStepBack Write = "step_back"
	// WriteSameStep is importer_user_selection written over itself: harmless.
	WriteSameStep Write = "same_step"
)

// Writes returns how often getImportFileData made each kind of change so far.
func (s *Server) Writes() (writes map[Write]int) {
	s.do(func() { writes = maps.Clone(s.writes) })
	return writes
}

// Destructive returns how many calls harmed an import so far: every write except WriteSameStep.
func (s *Server) Destructive() int {
	writes := s.Writes()
	return writes[WriteWiped] + writes[WriteStepBack]
}

// getImportFileData is the endpoint that writes. What it does depends on the step
// alone; whether the operation is valid matters only while it is prepared.
func (s *Server) getImportFileData(string, []byte) reply {
	o, generation := s.operation, s.config.Generation
	switch {
	case o == nil:
		return s.apiError("error-operation-not-found", "Import Operation Not Found", GetImportFileData)
	case isWaiting(o.Step) && o.Valid:
		return text(http.StatusOK, `{"waiting":true,"success":true}`)
	case isWaiting(o.Step):
		return s.apiError("error-import-operation-invalid", "Invalid Import Operation", GetImportFileData)
	case o.Step != StepUserSelection && !isOver(o.Step), generation.selectionInRecord && s.storedFileData(o) == nil:
		s.prepareAgain(o)
	case generation.selectionInRecord:
		// It is only read.
	case o.Step == StepUserSelection:
		s.writes[WriteSameStep]++
		o.Updated = s.now()
	default:
		s.writes[WriteStepBack]++
		o.enter(StepUserSelection)
		o.Updated = s.now()
	}
	fields := s.storedFileData(o)
	if fields == nil || !generation.selectionInRecord {
		fields = o.selection.fields(o.Type, generation)
	}
	answer := text(http.StatusOK, "{")
	answer.rest = func(w *bufio.Writer) {
		fields(w)
		w.WriteString(`,"success":true}`)
	}
	return answer
}

// prepareAgain empties the staging area and stages the uploaded file once more, on
// top of what the operation has counted. An import that is running goes on.
func (s *Server) prepareAgain(o *operation) {
	s.writes[WriteWiped]++
	o.staged = 0
	if o.File == "" {
		o.selection = Selection{}
	}
	preparation := o.preparation
	if preparation == nil {
		preparation = []Phase{
			{Step: StepPreparingStarted, Duration: time.Minute, saves: []save{total(o.selection.records())}},
			{Step: StepUserSelection},
		}
	}
	speed := math.Inf(1)
	if s.config.PrepareTime > 0 {
		speed = float64(Script{Phases: preparation}.Duration()) / float64(s.config.PrepareTime)
	}
	s.schedule(o, preparation, speed)
	s.catchUp()
}
