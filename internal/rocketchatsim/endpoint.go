package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"slices"
)

// endpoint is one route. answer is called with the server locked.
type endpoint struct {
	permission Permission
	answer     func() reply
}

func (s *Server) endpoint(name string) (endpoint, bool) {
	switch name {
	case GetImportFileData:
		return endpoint{RunImport, s.getImportFileData}, true
	case GetCurrentImportOperation:
		return endpoint{RunImport, s.getCurrentImportOperation}, true
	case GetImportProgress:
		return endpoint{RunImport, s.getImportProgress}, true
	case ImportStatus:
		return endpoint{RunImport, s.importStatus}, true
	case GetLatestImportOperations:
		return endpoint{ViewImportOperations, s.getLatestImportOperations}, true
	}
	return endpoint{}, false
}

// getCurrentImportOperation without an import leaves the field out, as recorded
// from 6.14, or in Latest sends null: a server may do either.
func (s *Server) getCurrentImportOperation() reply {
	o := s.newest()
	switch {
	case o == nil && s.config.Generation == Latest:
		return raw(200, `{"operation":null,"success":true}`)
	case o == nil:
		return raw(200, `{"success":true}`)
	}
	r := o.record(s.config.Generation)
	return streamed(func(w *bufio.Writer) {
		w.WriteString(`{"operation":`)
		r.write(w)
		w.WriteString(`,"success":true}`)
	})
}

// getImportProgress sends zeros for what the operation does not count. Early3 does
// not tell of errors.
func (s *Server) getImportProgress() reply {
	o := s.newest()
	if o == nil {
		return operationNotFound(GetImportProgress)
	}
	if !isImporter(o.ImporterKey) {
		return importerNotDefined(o.ImporterKey, GetImportProgress)
	}
	var count Count
	if o.Count != nil {
		count = *o.Count
	}
	body := progressJSON{Key: o.ImporterKey, Name: o.Type, Step: o.Step, Success: true}
	body.Count.Completed = valueOf(count.Completed)
	body.Count.Total = valueOf(count.Total)
	if s.config.Generation != Early3 {
		body.Count.Error = new(valueOf(count.Error))
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	return raw(200, string(encoded))
}

type progressJSON struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Step  string `json:"step"`
	Count struct {
		Completed int  `json:"completed"`
		Total     int  `json:"total"`
		Error     *int `json:"error,omitempty"`
	} `json:"count"`
	Success bool `json:"success"`
}

// importStatus leaves the state out for a step that has none.
func (s *Server) importStatus() reply {
	o := s.newest()
	if o == nil {
		return raw(200, `{"state":"none","success":true}`)
	}
	current := state(o.Step, o.Valid)
	r := o.record(s.config.Generation)
	return streamed(func(w *bufio.Writer) {
		w.WriteByte('{')
		if current != "" {
			w.WriteString(`"state":"` + current + `",`)
		}
		w.WriteString(`"operation":`)
		r.write(w)
		w.WriteString(`,"success":true}`)
	})
}

// getLatestImportOperations answers a bare array, newest first.
func (s *Server) getLatestImportOperations() reply {
	var records []record
	for _, o := range slices.Backward(s.operations) {
		records = append(records, o.record(s.config.Generation))
	}
	return streamed(func(w *bufio.Writer) {
		w.WriteByte('[')
		for i, r := range records {
			if i > 0 {
				w.WriteByte(',')
			}
			r.write(w)
		}
		w.WriteByte(']')
	})
}

// isImporter says whether Rocket.Chat registers an importer of this key.
func isImporter(key string) bool {
	return slices.Contains([]string{
		"slack", "csv", "api", "slack-users", "hipchat-enterprise",
		"pending-files", "pending-avatars", "omnichannel_contact",
	}, key)
}
