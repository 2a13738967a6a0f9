package rocketchatsim

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
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

// Destructive returns how many calls harmed an import so far: every write except
// WriteSameStep.
func (s *Server) Destructive() int {
	s.lock()
	defer s.mu.Unlock()
	return s.writes[WriteWiped] + s.writes[WriteStepBack]
}

// getImportFileData is the endpoint that writes. What it does depends on the step
// alone; whether the operation is valid matters only while it is prepared.
func (s *Server) getImportFileData(string, []byte) reply {
	o := s.operation
	switch {
	case o == nil:
		return apiError("error-operation-not-found", "Import Operation Not Found", GetImportFileData)
	case !isImporter(o.ImporterKey):
		return apiError("error-importer-not-defined", "The importer "+o.ImporterKey+" is not defined", GetImportFileData)
	case isWaiting(o.Step) && o.Valid:
		return raw(http.StatusOK, `{"waiting":true,"success":true}`)
	case isWaiting(o.Step):
		return apiError("error-import-operation-invalid", "Invalid Import Operation", GetImportFileData)
	case o.Step != StepUserSelection && !isOver(o.Step):
		s.prepareAgain(o)
	case !s.config.Generation.selectionInRecord:
		s.selectAgain(o)
	case !s.hasFileData(o):
		s.prepareAgain(o)
	}
	return s.fileData(o)
}

// isImporter says whether Rocket.Chat registers an importer of this key.
func isImporter(key string) bool {
	return slices.Contains([]string{
		"slack", "csv", "api", "slack-users", "hipchatenterprise",
		"pending-files", "pending-avatars", "omnichannel_contact",
	}, key)
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
	if o.File == "" {
		o.selection = Selection{}
		o.enter(StepUserSelection)
		o.Updated = s.now()
		return
	}
	preparation := o.preparation
	if preparation == nil {
		preparation = append(prepareSlack(o.content()), Phase{Step: StepUserSelection})
	}
	speed := math.Inf(1)
	if s.config.PrepareTime > 0 {
		speed = float64(duration(preparation)) / float64(s.config.PrepareTime)
	}
	s.schedule(o, preparation, speed)
	s.catchUp()
}

// content is what the uploaded file holds: what the operation counted when it was
// first prepared, otherwise what is staged from it.
func (o *operation) content() Content {
	c := Content{Users: o.selection.Users, Channels: o.selection.Channels, Messages: o.selection.Messages, Contacts: o.selection.Contacts}
	if o.Count != nil {
		c.Users = max(c.Users, valueOf(o.Count.Users))
		c.Channels = max(c.Channels, valueOf(o.Count.Channels))
		c.Messages = max(c.Messages, valueOf(o.Count.Messages))
		c.Contacts = max(c.Contacts, valueOf(o.Count.Contacts))
	}
	return c
}

// fileData answers the selection.
func (s *Server) fileData(o *operation) reply {
	generation := s.config.Generation
	fromRecord := generation.selectionInRecord && s.hasFileData(o)
	if stored := o.FileData; fromRecord && stored != "" {
		if fields, ok := strings.CutSuffix(stored, "}"); ok {
			return raw(http.StatusOK, fields+`,"success":true}`)
		}
		return raw(http.StatusOK, `{"success":true}`)
	}
	selection, name, named := o.selection, o.Type, !generation.selectionInRecord || o.isPending()
	if fromRecord && o.isPending() {
		selection = o.pendingSelection()
	}
	return streamed(func(w *bufio.Writer) {
		w.WriteByte('{')
		if named {
			fmt.Fprintf(w, `"name":%s,`, quote(name))
		}
		selection.writeFields(w, generation)
		w.WriteString(`,"success":true}`)
	})
}
