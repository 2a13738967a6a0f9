package rocketchatsim

import (
	"errors"
	"fmt"
	"time"
)

// maxOperations is how many records getLatestImportOperations answers.
const maxOperations = 20

// ErrNoOperation says that there is no import to change.
var ErrNoOperation = errors.New("rocketchatsim: there is no import")

// Operation is the record of one import.
type Operation struct {
	// ID is the record's _id. SetOperation makes one up for "".
	ID string
	// ImporterKey is the importer's key, such as "slack" or "api". A key that
	// Rocket.Chat does not know makes getImportFileData and getImportProgress
	// answer error-importer-not-defined.
	ImporterKey string
	// Type is the importer's display name, such as "Slack".
	Type string
	// Step is the record's status; it may be one that no server has.
	Step string
	// Valid is false once the server gave the operation up.
	Valid bool
	// User is the id of the user who started the import; "" leaves it out.
	User string
	// File and ContentType are of the uploaded file; "" leaves each out.
	// Without a file there is nothing to prepare again: a wipe then loses the
	// selection for good.
	File, ContentType string
	// Created and Updated are ts and _updatedAt; a zero time leaves each out.
	Created, Updated time.Time
	// Count is what the operation counts, or nil for a record without it.
	Count *Count
	// OmitFileData leaves out the stored selection that an Early3 record carries
	// in importer_user_selection and later.
	OmitFileData bool
}

// Count is what an operation counts, in records. A nil field is left out.
type Count struct {
	Total    *int `json:"total,omitempty"`
	Channels *int `json:"channels,omitempty"`
	Users    *int `json:"users,omitempty"`
	Messages *int `json:"messages,omitempty"`
	// Contacts is answered by Latest only.
	Contacts  *int `json:"contacts,omitempty"`
	Completed *int `json:"completed,omitempty"`
	Error     *int `json:"error,omitempty"`
}

// SlackOperation returns a valid Slack import with an uploaded file, in the given
// step, created and updated at the given time, that has no counts.
func SlackOperation(step string, at time.Time) Operation {
	return Operation{
		ImporterKey: "slack",
		Type:        "Slack",
		Step:        step,
		Valid:       true,
		User:        "simulatedAdmin001",
		File:        "simulatedAdmin001_slack.zip",
		ContentType: "application/zip",
		Created:     at,
		Updated:     at,
	}
}

// APIOperation returns a valid import of the api importer, which has no file, in
// the given step, created and updated at the given time, that has no counts.
func APIOperation(step string, at time.Time) Operation {
	return Operation{
		ImporterKey: "api",
		Type:        "api",
		Step:        step,
		Valid:       true,
		User:        "simulatedAdmin001",
		Created:     at,
		Updated:     at,
	}
}

// SetOperation makes op the newest import and returns its id. An operation of the
// same id is replaced and keeps its selection. Whatever was playing stops.
func (s *Server) SetOperation(op Operation) string {
	s.lock()
	defer s.mu.Unlock()
	return s.place(op).ID
}

// Update lets change alter the newest operation and then sets its Updated to now,
// as any save does. Whatever was playing goes on. It fails with ErrNoOperation.
func (s *Server) Update(change func(*Operation)) error {
	s.lock()
	defer s.mu.Unlock()
	o := s.newest()
	if o == nil {
		return ErrNoOperation
	}
	changed := o.snapshot()
	change(&changed)
	o.Operation = changed.clone()
	o.enter(changed.Step)
	o.Updated = s.now()
	return nil
}

// SetSelection sets what is staged for the newest operation; it changes neither
// its counts nor its Updated. It fails with ErrNoOperation.
func (s *Server) SetSelection(selection Selection) error {
	s.lock()
	defer s.mu.Unlock()
	o := s.newest()
	if o == nil {
		return ErrNoOperation
	}
	o.selection = selection
	o.staged = selection.records()
	return nil
}

// AddUsers stages a batch of users as the api importer does: in
// importer_user_selection, without leaving it, growing count.users and
// count.total and moving Updated. It fails in any other step, and with
// ErrNoOperation.
func (s *Server) AddUsers(batch int) error {
	s.lock()
	defer s.mu.Unlock()
	o := s.newest()
	if o == nil {
		return ErrNoOperation
	}
	if o.Step != StepUserSelection {
		return fmt.Errorf("rocketchatsim: users cannot be added in %s", o.Step)
	}
	o.selection.Users += batch
	o.staged += batch
	add(&o.count().Users, batch)
	add(&o.count().Total, batch)
	o.Updated = s.now()
	return nil
}

// RemoveOperations forgets every import, as if there never was one. Whatever was
// playing stops.
func (s *Server) RemoveOperations() {
	s.lock()
	defer s.mu.Unlock()
	s.operations = nil
	s.pending = nil
}

// Operation returns the newest operation as it stands now, and false if there is
// none.
func (s *Server) Operation() (Operation, bool) {
	s.lock()
	defer s.mu.Unlock()
	o := s.newest()
	if o == nil {
		return Operation{}, false
	}
	return o.snapshot(), true
}

// Staged returns how many records are staged for the newest operation. A wipe
// takes it to 0 before the file is prepared again.
func (s *Server) Staged() int {
	s.lock()
	defer s.mu.Unlock()
	o := s.newest()
	if o == nil {
		return 0
	}
	return o.staged
}

// operation is a record with what the server keeps beside it.
type operation struct {
	Operation
	// selection is what getImportFileData shows once preparing is over.
	selection Selection
	// staged is how many records the staging area holds.
	staged int
	// messagesStarted is whether the record has the field messagesstatus, which
	// appears when messages are first prepared and stays.
	messagesStarted bool
	// messagesStatus is the folder being read, or "" for null.
	messagesStatus string
}

// place puts op on top of the list.
func (s *Server) place(op Operation) *operation {
	s.pending = nil
	if op.ID == "" {
		s.lastID++
		op.ID = fmt.Sprintf("6b052f5bf6f8%012x", s.lastID)
	}
	o := s.take(op.ID)
	o.messagesStarted, o.messagesStatus = false, ""
	o.Operation = op.clone()
	o.enter(op.Step)
	s.operations = append(s.operations, o)
	if surplus := len(s.operations) - maxOperations; surplus > 0 {
		s.operations = s.operations[surplus:]
	}
	return o
}

// take removes the operation of this id from the list, or starts one.
func (s *Server) take(id string) *operation {
	for i, o := range s.operations {
		if o.ID == id {
			s.operations = append(s.operations[:i:i], s.operations[i+1:]...)
			return o
		}
	}
	return &operation{}
}

// newest returns the operation that all endpoints speak of, or nil.
func (s *Server) newest() *operation {
	if len(s.operations) == 0 {
		return nil
	}
	return s.operations[len(s.operations)-1]
}

// enter sets the step.
func (o *operation) enter(step string) {
	o.Step = step
	if o.File != "" && (step == StepPreparingMessages || hasSelection(step)) {
		o.messagesStarted = true
	}
}

// storesSelection says whether an Early3 record carries fileData.
func (o *operation) storesSelection() bool {
	return hasSelection(o.Step) && !o.OmitFileData
}

// count returns the counts, starting them if there are none.
func (o *operation) count() *Count {
	if o.Count == nil {
		o.Count = &Count{}
	}
	return o.Count
}

func (o *operation) snapshot() Operation { return o.Operation.clone() }

// clone copies the counts too, so that neither side sees the other's changes.
func (op Operation) clone() Operation {
	if op.Count == nil {
		return op
	}
	count := *op.Count
	op.Count = &count
	return op
}

// add never writes through the old pointer, which a clone may share.
func add(field **int, n int) {
	*field = new(valueOf(*field) + n)
}

func valueOf(field *int) int {
	if field == nil {
		return 0
	}
	return *field
}
