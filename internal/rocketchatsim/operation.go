package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Operation is the record of one import.
type Operation struct {
	// ID is the record's _id. SetOperation makes one up for "".
	ID string `json:"_id"`
	// ImporterKey is such as "slack" or "api", and Type the importer's display name.
	ImporterKey string `json:"importerKey"`
	Type        string `json:"type"`
	// Step is the record's status; it may be one that no server has.
	Step string `json:"status"`
	// Valid is false once the server gave the operation up.
	Valid bool `json:"valid"`
	// User is the id of the user who started the import; "" leaves it out.
	User string `json:"user,omitempty"`
	// File and ContentType are of the uploaded file; "" leaves each out. Without a file there is
	// nothing to prepare again: a wipe then loses the selection for good.
	File        string `json:"file,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	// Created and Updated are ts and _updatedAt.
	Created, Updated time.Time `json:"-"`
	// Count is what the operation counts, or nil for a record without it.
	Count *Count `json:"count,omitempty"`
	// OmitFileData leaves fileData out. A real server never saves it if it is over 16 MB.
	OmitFileData bool `json:"-"`
	// FileData is the JSON of the record's fileData; "" means what the generation stores.
	FileData string `json:"-"`
}

// Count is what an operation counts, in records. A nil field is left out.
type Count struct {
	Total     *int `json:"total,omitempty"`
	Channels  *int `json:"channels,omitempty"`
	Users     *int `json:"users,omitempty"`
	Messages  *int `json:"messages,omitempty"`
	Contacts  *int `json:"contacts,omitempty"` // of Latest only
	Completed *int `json:"completed,omitempty"`
	Error     *int `json:"error,omitempty"`
}

// OddFileData returns, by name, what early servers store that is no plain selection, for FileData.
func OddFileData() map[string]string {
	return map[string]string{
		"the progress of the import": `{"key":"slack","name":"Slack","step":"importer_user_selection","count":{"total":0,"completed":0}}`,
		"no message_count":           `{"users":[{"user_id":"u0","username":"a","email":"a@example.com","is_deleted":false,"is_bot":false,"do_import":true,"is_email_taken":false}],"channels":[]}`,
		"numbers for booleans":       `{"users":[{"user_id":"100","username":"a","email":"a@example.com","is_deleted":1,"is_bot":0,"do_import":true,"is_email_taken":false}],"channels":[],"message_count":3}`,
		"a null for a boolean":       `{"users":[{"user_id":"100","username":"a","email":null,"is_deleted":null,"is_bot":false,"do_import":true,"is_email_taken":false}],"channels":[],"message_count":3}`,
	}
}

// SlackOperation returns a valid Slack import with a file and no counts, created and updated at a time.
func SlackOperation(step string, at time.Time) Operation {
	op := newOperation("slack", "Slack", step, at)
	op.File, op.ContentType = "simulatedAdmin001_slack.zip", "application/zip"
	return op
}

// APIOperation returns the same of the api importer, which has no file.
func APIOperation(step string, at time.Time) Operation {
	return newOperation("api", "api", step, at)
}

func newOperation(key, name, step string, at time.Time) Operation {
	return Operation{ImporterKey: key, Type: name, Step: step, Valid: true, User: "simulatedAdmin001", Created: at, Updated: at}
}

// SetOperation makes op the newest import. An operation of the same id is replaced
// and keeps its selection. Whatever was playing stops.
func (s *Server) SetOperation(op Operation) { s.do(func() { s.place(op) }) }

// Update lets change alter the newest operation and then sets its Updated to now,
// as any save does. Whatever was playing goes on. It fails if there is no import.
func (s *Server) Update(change func(*Operation)) error {
	return s.change(func(o *operation) {
		change(&o.Operation)
		o.enter(o.Step)
		o.Updated = s.now()
	})
}

// SetSelection sets what is staged, but neither counts nor Updated. It fails if there is no import.
func (s *Server) SetSelection(selection Selection) error {
	return s.change(func(o *operation) { o.selection, o.staged = selection, selection.records() })
}

// Restart restarts the workspace as one instance of a new id, which is the end of an import
// that plays. None is valid from now on, except in importer_user_selection.
func (s *Server) Restart() {
	s.do(s.restart)
	s.giveUp(func(o *operation) {
		s.pending = nil
		o.Valid = o.Valid && o.Step == StepUserSelection
	})
}

// StartSecondInstance starts another instance of the workspace. No import is valid
// from now on, except in importer_user_selection. One that is running aborts at its
// next save, goes through its last steps within seconds, and ends in importer_done.
func (s *Server) StartSecondInstance() {
	s.do(s.startInstance)
	s.giveUp(func(o *operation) {
		if o.Step != StepUserSelection {
			o.abort()
		}
	})
}

// Clear calls import.clear: nothing is staged any more, and the import is not valid, whatever its step.
// One that is running aborts as with StartSecondInstance.
func (s *Server) Clear() {
	s.giveUp(func(o *operation) {
		o.staged = 0
		if !s.config.Generation.selectionInRecord {
			o.selection = Selection{}
		}
		o.abort()
	})
}

// giveUp may make the newest operation invalid, which is a save.
func (s *Server) giveUp(change func(*operation)) {
	_ = s.change(func(o *operation) {
		valid := o.Valid
		if change(o); o.Valid != valid {
			o.Updated = s.now()
		}
	})
}

// change alters the newest operation.
func (s *Server) change(change func(*operation)) (err error) {
	s.do(func() {
		if s.operation == nil {
			err = errors.New("rocketchatsim: there is no import")
			return
		}
		change(s.operation)
	})
	return err
}

// RemoveOperations forgets every import, as if there never was one. Whatever was playing stops.
func (s *Server) RemoveOperations() { s.do(func() { s.operation, s.pending = nil, nil }) }

// Operation returns the newest operation as it is now, and false if there is none.
func (s *Server) Operation() (op Operation, found bool) {
	found = s.change(func(o *operation) { op = o.Operation.clone() }) == nil
	return op, found
}

// Staged returns how many records are staged for the newest operation: 0 after a wipe.
func (s *Server) Staged() (staged int) {
	_ = s.change(func(o *operation) { staged = o.staged })
	return staged
}

// operation is a record with what the server keeps beside it.
type operation struct {
	Operation
	// selection is what getImportFileData shows once the preparation is over.
	selection Selection
	// staged is how many records the staging area holds.
	staged int
	// preparation is that of the script, if the operation is from one.
	preparation []Phase
	// stored is whether the record carries fileData, where it ever does.
	stored bool
	// aborting is whether the import ends at its next save.
	aborting bool
	// messagesStatus is the folder being read, a null before and after, and nil without a file.
	messagesStatus any
}

// null is the null of JSON.
var null = json.RawMessage("null")

// place makes op the newest operation.
func (s *Server) place(op Operation) *operation {
	s.pending = nil
	if op.ID == "" {
		s.lastID++
		op.ID = fmt.Sprintf("6b052f5bf6f8%012x", s.lastID)
	}
	o := &operation{Operation: op.clone()}
	if before := s.operation; before != nil && before.ID == op.ID {
		o.selection, o.staged, o.preparation = before.selection, before.staged, before.preparation
	}
	o.enter(op.Step)
	s.operation = o
	return o
}

// enter sets the step, with all that a record in it has.
func (o *operation) enter(step string) {
	o.Step = step
	o.stored = o.stored || isPrepared(step)
	if o.messagesStatus == nil && o.File != "" && isPrepared(step) {
		o.messagesStatus = null
	}
	if step == StepUserSelection {
		o.staged = o.selection.records()
	}
}

// abort gives the operation up, which an import that runs finds out at its next save.
func (o *operation) abort() { o.Valid, o.aborting = false, isRunning(o.Step) }

// count returns the counts, starting them if there are none.
func (o *operation) count() *Count {
	if o.Count == nil {
		o.Count = &Count{}
	}
	return o.Count
}

// clone copies the counts too, so that neither side sees the other's changes.
func (op Operation) clone() Operation {
	if op.Count != nil {
		op.Count = new(*op.Count)
	}
	return op
}

// add never writes through the old pointer, which a clone may share.
func add(field **int, n int) { *field = new(valueOf(*field) + n) }

func valueOf(field *int) int {
	if field == nil {
		return 0
	}
	return *field
}

// getCurrentImportOperation answers the newest record.
func (s *Server) getCurrentImportOperation(string, []byte) reply {
	o, generation := s.operation, s.config.Generation
	if o == nil && generation.nullOperation {
		return text(http.StatusOK, `{"operation":null,"success":true}`)
	} else if o == nil {
		return text(http.StatusOK, `{"success":true}`)
	}
	record := struct {
		Operation
		Created        any    `json:"ts"`
		Updated        string `json:"_updatedAt"`
		MessagesStatus any    `json:"messagesstatus,omitempty"`
	}{o.Operation.clone(), isoTime(o.Created), isoTime(o.Updated), o.messagesStatus}
	if record.Count != nil && !generation.contacts {
		record.Count.Contacts = nil
	}
	if generation.numericTS {
		record.Created = o.Created.UnixMilli()
	}
	fields, err := json.Marshal(record)
	if err != nil {
		panic(err) // strings, numbers and booleans always have a JSON form
	}
	answer := text(http.StatusOK, `{"operation":`+strings.TrimSuffix(string(fields), "}"))
	fileData := s.storedFileData(o)
	answer.rest = func(w *bufio.Writer) {
		if fileData != nil {
			w.WriteString(`,"fileData":{`)
			fileData(w)
			w.WriteByte('}')
		}
		w.WriteString(`},"success":true}`)
	}
	return answer
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// storedFileData returns what writes the fields of the record's fileData, or nil if it has none.
func (s *Server) storedFileData(o *operation) func(*bufio.Writer) {
	switch {
	case o.FileData != "":
		fields := strings.TrimSuffix(strings.TrimPrefix(o.FileData, "{"), "}")
		return func(w *bufio.Writer) { w.WriteString(fields) }
	case !o.stored || o.OmitFileData:
		return nil
	case strings.HasPrefix(o.ImporterKey, "pending-"):
		// Every generation stores the number of files or avatars as that of messages.
		return Selection{Messages: valueOf(o.count().Messages)}.fields(o.Type, Generation{})
	case s.config.Generation.selectionInRecord:
		return o.selection.fields(o.Type, s.config.Generation)
	}
	return nil
}
