package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"time"
)

// record is an operation as it stood when the request was answered.
type record struct {
	// fields is the JSON of the record without its closing brace.
	fields []byte
	// fileData is the stored selection of an Early3 record, or nil.
	fileData *Selection
}

// recordJSON has the fields in the order in which a real server sends them.
type recordJSON struct {
	ID             string          `json:"_id"`
	Type           string          `json:"type"`
	ImporterKey    string          `json:"importerKey"`
	Created        any             `json:"ts,omitempty"`
	Step           string          `json:"status"`
	Valid          bool            `json:"valid"`
	User           string          `json:"user,omitempty"`
	Updated        any             `json:"_updatedAt,omitempty"`
	ContentType    string          `json:"contentType,omitempty"`
	File           string          `json:"file,omitempty"`
	Count          *Count          `json:"count,omitempty"`
	MessagesStatus json.RawMessage `json:"messagesstatus,omitempty"`
}

// record renders o for the generation. The caller holds the server's lock.
func (o *operation) record(generation Generation) record {
	op := o.snapshot()
	if op.Count != nil && generation != Latest {
		op.Count.Contacts = nil
	}
	fields, err := json.Marshal(recordJSON{
		ID:             op.ID,
		Type:           op.Type,
		ImporterKey:    op.ImporterKey,
		Created:        timestamp(op.Created, generation),
		Step:           op.Step,
		Valid:          op.Valid,
		User:           op.User,
		Updated:        timestamp(op.Updated, generation),
		ContentType:    op.ContentType,
		File:           op.File,
		Count:          op.Count,
		MessagesStatus: o.messagesStatusJSON(),
	})
	if err != nil {
		panic(err) // strings, numbers and booleans always have a JSON form
	}
	r := record{fields: fields[:len(fields)-1]}
	if generation == Early3 && o.storesSelection() {
		selection := o.selection
		r.fileData = &selection
	}
	return r
}

func (r record) write(w *bufio.Writer) {
	w.Write(r.fields)
	if r.fileData != nil {
		w.WriteString(`,"fileData":{`)
		r.fileData.writeFields(w, "", Early3)
		w.WriteByte('}')
	}
	w.WriteByte('}')
}

func (o *operation) messagesStatusJSON() json.RawMessage {
	switch {
	case !o.messagesStarted:
		return nil
	case o.messagesStatus == "":
		return json.RawMessage("null")
	}
	return quote(o.messagesStatus)
}

// timestamp is nil, which leaves the field out, for the zero time.
func timestamp(t time.Time, generation Generation) any {
	switch {
	case t.IsZero():
		return nil
	case generation == Early3:
		return t.UnixMilli()
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
