package client

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// OperationAnswer is an answer of getCurrentImportOperation (Rocket.Chat 3.0 to 8.x).
type OperationAnswer struct {
	// Operation is nil if the workspace never had an import.
	Operation *Operation
	// AskedAt is just before the first byte of the question was written, by this process's clock.
	AskedAt time.Time
	// Took is the time from then to the answer's last byte.
	Took time.Duration
	// AnsweredAt is when the answer began, by this process's clock.
	AnsweredAt time.Time
	// Instance is X-Instance-ID, which names the instance of the workspace that answered. It is
	// empty without the header, and at most 128 bytes long.
	Instance string
	// ServerTime is the Date header of the answer. It is zero without a valid one.
	ServerTime time.Time
}

// Operation is the record of the newest import. Its texts are at most 128 bytes
// long and have U+FFFD in place of control characters and invalid UTF-8.
type Operation struct {
	ID       string // never empty
	Importer string // the importer's key: slack, csv, api, …
	Type     string // the importer's display name
	Step     Step   // the record's status, never empty
	// Valid is false after the server gave the operation up. A record without
	// the field is not valid, as in the server's own import.status.
	Valid bool
	// Created and Updated are ts and _updatedAt, by the server's clock, or zero
	// if the server sends no date. Every save of the record changes Updated.
	Created, Updated time.Time
	// CreatedISO reports whether ts is an ISO 8601 string, as only servers from 6.3.0 on send it.
	CreatedISO bool
	Counts     Counts
	// Selection is what fileData says, which servers before 3.14.0 store in the record. It is nil if
	// no part of it is known, and for pending downloads.
	Selection *Selection
}

// OptionalCount is a count that the server may leave out. Its zero value is unknown.
type OptionalCount struct {
	Value int64 // at least 0, and 0 if not Known
	Known bool
}

// Counts is the field count of an operation. Counts are comparable with ==.
type Counts struct {
	Total, Completed, Error             OptionalCount
	Users, Channels, Messages, Contacts OptionalCount
}

// Handled is how many records are completed or failed. Unknown counts are 0.
func (c Counts) Handled() int64 { return c.Completed.Value + c.Error.Value }

// State returns the operation's state as import.status (6.3.0 and later) maps
// it, or [StateUnknown] for an unknown step. A nil operation is [StateNone].
func (o *Operation) State() State {
	switch {
	case o == nil:
		return StateNone
	case !o.Valid && o.Step != StepDone:
		return StateError
	default:
		return o.Step.State()
	}
}

// Waiting reports whether the server is downloading or preparing the file. In
// these steps getImportFileData answers {"waiting": true}. It is false for nil.
func (o *Operation) Waiting() bool { return o != nil && o.Valid && o.Step.waiting() }

// PendingDownloads reports whether the importer downloads what earlier imports
// left. Its records have a fileData in every version. It is false for nil.
func (o *Operation) PendingDownloads() bool {
	return o != nil && (o.Importer == "pending-files" || o.Importer == "pending-avatars")
}

// WasSetBack reports whether the record proves that the import ran and was set back: it is loading
// or ready, and records are handled, which happens only while an import runs. It is false for nil.
func (o *Operation) WasSetBack() bool {
	if o == nil || o.Counts.Handled() == 0 {
		return false
	}
	state := o.Step.State() // valid or not
	return state == StateLoading || state == StateReady
}

// operationReply is the reply of getCurrentImportOperation.
type operationReply struct {
	envelope
	Operation once[*operationRecord] `json:"operation"`
}

func (r *operationReply) check() error {
	record := r.Operation.value
	switch {
	case record == nil && r.Success.value != yes:
		return errors.New("the reply has neither an operation nor success")
	case record != nil && record.ID.value == "":
		return errors.New("the operation has no _id")
	case record != nil && record.Status.value == "":
		return errors.New("the operation has no status")
	default:
		return nil
	}
}

// operationRecord has the fields of a record that are used. One that is optional
// is unknown if its value is of another kind, so that the rest stays known.
type operationRecord struct {
	ID       once[text]                 `json:"_id"`
	Importer once[text]                 `json:"importerKey"`
	Type     once[text]                 `json:"type"`
	Status   once[text]                 `json:"status"`
	Valid    once[flag]                 `json:"valid"`
	Created  once[timestamp]            `json:"ts"`
	Updated  once[timestamp]            `json:"_updatedAt"`
	Count    once[object[countsRecord]] `json:"count"`
	// FileData is a selection, one with parts missing, or the progress of an importer.
	FileData once[object[selectionParts]] `json:"fileData"`
}

// operation returns the operation, or nil for nil. Its texts do not contain the
// token, in case the server or something in front of it echoes the request.
func (r *operationRecord) operation(token string) *Operation {
	if r == nil {
		return nil
	}
	short := func(field once[text]) string { return label(string(field.value), token) }
	o := &Operation{
		ID:         short(r.ID),
		Importer:   short(r.Importer),
		Type:       short(r.Type),
		Step:       Step(short(r.Status)),
		Valid:      r.Valid.value == yes,
		Created:    r.Created.value.Time,
		CreatedISO: r.Created.value.iso,
		Updated:    r.Updated.value.Time,
		Counts:     r.Count.value.fields.counts(),
	}
	if !o.PendingDownloads() {
		o.Selection = r.FileData.value.fields.selection()
	}
	return o
}

// countsRecord is the field count of a record.
type countsRecord struct {
	Total     once[OptionalCount] `json:"total"`
	Completed once[OptionalCount] `json:"completed"`
	Error     once[OptionalCount] `json:"error"`
	Users     once[OptionalCount] `json:"users"`
	Channels  once[OptionalCount] `json:"channels"`
	Messages  once[OptionalCount] `json:"messages"`
	Contacts  once[OptionalCount] `json:"contacts"`
}

func (c *countsRecord) counts() Counts {
	return Counts{
		Total: c.Total.value, Completed: c.Completed.value, Error: c.Error.value, Users: c.Users.value,
		Channels: c.Channels.value, Messages: c.Messages.value, Contacts: c.Contacts.value,
	}
}

// Step is the step of an operation, from its field status (getCurrentImportOperation, 3.0 to 8.x).
// A future server may send one that is not among [Steps].
type Step string

const (
	// StepUserSelection is the step in which the import waits until an administrator chooses what
	// to import. In every other step a call of getImportFileData may wipe the import. In this step
	// it changes nothing, except on a server before 3.14.0 whose record lacks fileData: such a
	// server prepares the file again.
	StepUserSelection Step = "importer_user_selection"
	// StepDone is the end of an import, whatever its counts say.
	StepDone Step = "importer_done"
)

// Steps returns every step known from Rocket.Chat 3.0 to 8.x, in the order in
// which an import goes through them.
func Steps() []Step {
	return []Step{
		"importer_new", "importer_uploading", "importer_downloading_file", "importer_file_loaded",
		"importer_preparing_started", "importer_preparing_users", "importer_preparing_contacts",
		"importer_preparing_channels", "importer_preparing_messages",
		StepUserSelection,
		"importer_importing_started", "importer_importing_users", "importer_importing_contacts",
		"importer_importing_channels", "importer_importing_messages", "importer_importing_files",
		"importer_finishing", StepDone, "importer_import_failed", "importer_import_cancelled",
	}
}

// Known reports whether the step is one of [Steps].
func (s Step) Known() bool { return slices.Contains(Steps(), s) }

// Running reports whether an import runs in this step: importer_importing_* or importer_finishing.
func (s Step) Running() bool {
	return s == "importer_finishing" || strings.HasPrefix(string(s), "importer_importing_")
}

// State is the coarse state of a workspace's newest import, in the words of
// import.status (Rocket.Chat 6.3.0 and later).
type State string

// The states. StateUnknown is the state of an unknown step.
const (
	StateUnknown   State = ""
	StateNone      State = "none"
	StateNew       State = "new"
	StateLoading   State = "loading"
	StateReady     State = "ready"
	StateImporting State = "importing"
	StateDone      State = "done"
	StateError     State = "error"
	StateCanceled  State = "canceled"
)

// States returns the eight known states, without [StateUnknown].
func States() []State {
	return []State{StateNone, StateNew, StateLoading, StateReady, StateImporting, StateDone, StateError, StateCanceled}
}

// State maps the step of a valid operation as import.status does. A step that a
// newer server added is placed by the two families of names that exist.
func (s Step) State() State {
	switch {
	case s == "importer_new":
		return StateNew
	case s == "importer_uploading", s == "importer_file_loaded", s.waiting():
		return StateLoading
	case s == StepUserSelection:
		return StateReady
	case s.Running():
		return StateImporting
	case s == StepDone:
		return StateDone
	case s == "importer_import_failed":
		return StateError
	case s == "importer_import_cancelled":
		return StateCanceled
	default:
		return StateUnknown
	}
}

// waiting reports whether a valid operation in this step is still being prepared.
func (s Step) waiting() bool {
	return s == "importer_downloading_file" || strings.HasPrefix(string(s), "importer_preparing_")
}
