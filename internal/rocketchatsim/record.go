package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// getCurrentImportOperation answers the newest record.
func (s *Server) getCurrentImportOperation(string, []byte) reply {
	o, generation := s.operation, s.config.Generation
	switch {
	case o == nil && generation.nullOperation:
		return text(http.StatusOK, `{"operation":null,"success":true}`)
	case o == nil:
		return text(http.StatusOK, `{"success":true}`)
	}
	record := struct {
		Operation
		Created        any `json:"ts,omitempty"`
		Updated        any `json:"_updatedAt,omitempty"`
		MessagesStatus any `json:"messagesstatus,omitempty"`
	}{o.Operation.clone(), isoTime(o.Created), isoTime(o.Updated), o.messagesStatus}
	if record.Count != nil && !generation.contacts {
		record.Count.Contacts = nil
	}
	if generation.numericTS && !o.Created.IsZero() {
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

// isoTime is nil, which leaves the field out, for the zero time.
func isoTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// storedFileData returns what writes the fields of the record's fileData without
// the server's lock, or nil if the record has none.
func (s *Server) storedFileData(o *operation) func(*bufio.Writer) {
	switch {
	case o.FileData != "":
		fields := strings.TrimSuffix(strings.TrimPrefix(o.FileData, "{"), "}")
		return func(w *bufio.Writer) { w.WriteString(fields) }
	case !o.stored || o.OmitFileData:
		return nil
	case o.isPending():
		// No users, no channels, and the number of files as that of messages.
		return Selection{Messages: valueOf(o.count().Messages)}.fields(o.Type, Generation{})
	case s.config.Generation.selectionInRecord:
		return o.selection.fields(o.Type, s.config.Generation)
	}
	return nil
}
