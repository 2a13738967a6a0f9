package client

import (
	"errors"
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
	// Selection is what fileData says about the selection, which servers before
	// 3.14.0 store in the record. It is nil if no part of it is known. It is
	// also nil for pending downloads, whose fileData is no selection.
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

// Staged returns the counts that describe what is staged: all except Completed
// and Error, which change while the import runs.
func (c Counts) Staged() Counts {
	c.Completed, c.Error = OptionalCount{}, OptionalCount{}
	return c
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
