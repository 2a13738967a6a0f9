package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// getCurrentImportOperation answers the newest record.
func (s *Server) getCurrentImportOperation(string, []byte) reply {
	o := s.operation
	switch {
	case o == nil && s.config.Generation.nullOperation:
		return raw(http.StatusOK, `{"operation":null,"success":true}`)
	case o == nil:
		return raw(http.StatusOK, `{"success":true}`)
	}
	fields, writeFileData := s.record(o)
	return streamed(func(w *bufio.Writer) {
		w.WriteString(`{"operation":`)
		w.Write(fields)
		writeFileData(w)
		w.WriteString(`},"success":true}`)
	})
}

// record returns the JSON of o without its closing brace, and what writes its
// fileData, which is too large to keep. Neither needs the server's lock any more.
func (s *Server) record(o *operation) ([]byte, func(*bufio.Writer)) {
	r := struct {
		Operation
		Created        any `json:"ts,omitempty"`
		Updated        any `json:"_updatedAt,omitempty"`
		MessagesStatus any `json:"messagesstatus,omitempty"`
	}{Operation: o.Operation.clone(), Created: isoTime(o.Created), Updated: isoTime(o.Updated)}
	if r.Count != nil && !s.config.Generation.contacts {
		r.Count.Contacts = nil
	}
	if s.config.Generation.numericTS && r.Created != nil {
		r.Created = o.Created.UnixMilli()
	}
	switch {
	case o.messagesStatus != "":
		r.MessagesStatus = o.messagesStatus
	case o.messagesStarted:
		r.MessagesStatus = json.RawMessage("null")
	}
	fields, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and booleans always have a JSON form
	}
	return fields[:len(fields)-1], s.storedFileData(o)
}

// isoTime is nil, which leaves the field out, for the zero time.
func isoTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// hasFileData says whether the record carries fileData.
func (s *Server) hasFileData(o *operation) bool {
	if o.FileData != "" {
		return true
	}
	return o.stored && !o.OmitFileData && (s.config.Generation.selectionInRecord || o.isPending())
}

// storedFileData returns what writes the record's fileData, if it has one.
func (s *Server) storedFileData(o *operation) func(*bufio.Writer) {
	if !s.hasFileData(o) {
		return func(*bufio.Writer) {}
	}
	if stored := o.FileData; stored != "" {
		return func(w *bufio.Writer) { w.WriteString(`,"fileData":` + stored) }
	}
	selection, generation, name := o.selection, s.config.Generation, ""
	if o.isPending() {
		selection, generation, name = o.pendingSelection(), Generation{}, o.Type
	}
	return func(w *bufio.Writer) {
		w.WriteString(`,"fileData":{`)
		if name != "" {
			fmt.Fprintf(w, `"name":%s,`, quote(name))
		}
		selection.writeFields(w, generation)
		w.WriteByte('}')
	}
}

// pendingSelection is what a pending-* import stores: no users, no channels, and
// the number of files or avatars as that of messages.
func (o *operation) pendingSelection() Selection {
	if o.Count == nil {
		return Selection{}
	}
	return Selection{Messages: valueOf(o.Count.Messages)}
}
