package client

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// seed gives a fuzz target the recorded replies and some made ones.
func seed(f *testing.F, made ...string) {
	files, err := filepath.Glob(filepath.Join("testdata", "recorded", "*.json*"))
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded replies", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			f.Add(line)
		}
	}
	for _, reply := range append(made, "", "null", "[]", "{}", html, `{"success":false,"error":"unauthorized"}`, "\ufeff{}") {
		f.Add(reply)
	}
}

// object reads a JSON object as encoding/json does. It reports whether it is one.
func object(text []byte) (fields map[string]json.RawMessage, ok bool) {
	return fields, json.Unmarshal(text, &fields) == nil && fields != nil
}

// list is the elements of an array, as encoding/json reads them.
func list(t *testing.T, text []byte) (elements []map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal(text, &elements); err != nil {
		t.Fatalf("encoding/json takes the reply and not %s: %v", text, err)
	}
	return elements
}

// with counts the elements whose field has the value.
func with(elements []map[string]json.RawMessage, field, value string) (n int64) {
	for _, e := range elements {
		if string(e[field]) == value {
			n++
		}
	}
	return n
}

// sameSelection checks a selection against what encoding/json reads.
func sameSelection(t *testing.T, got *Selection, fields map[string]json.RawMessage) {
	t.Helper()
	users, channels := list(t, fields["users"]), list(t, fields["channels"])
	want := Selection{
		Users: int64(len(users)), Channels: int64(len(channels)),
		UsersDeleted:     with(users, "is_deleted", "true"),
		UsersBot:         with(users, "is_bot", "true"),
		UsersEmailTaken:  with(users, "is_email_taken", "true"),
		UsersExcluded:    with(users, "do_import", "false"),
		ChannelsArchived: with(channels, "is_archived", "true"),
		ChannelsPrivate:  with(channels, "is_private", "true"),
		ChannelsDirect:   with(channels, "is_direct", "true"),
		ChannelsExcluded: with(channels, "do_import", "false"),
	}
	if contacts, ok := fields["contacts"]; ok {
		want.Contacts = known(int64(len(list(t, contacts))))
	}
	if err := json.Unmarshal(fields["message_count"], &want.Messages); err != nil {
		t.Fatal(err)
	}
	if *got != want {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if want.Messages < 0 {
		t.Errorf("negative: %+v", *got)
	}
}

func FuzzFileDataReply(f *testing.F) {
	seed(f, fileDataReply, `{"us\u0065rs":[{"\u0069s_bot":true,"x":[{}]}],"channels":[{"do_import":false}],"message_count":7}`,
		`{"users":[{"is_bot":null,"is_deleted":true}],"channels":[],"contacts":[{"emails":["a"]}],"message_count":9223372036854775807}`,
		"{ \"users\" :\n[ { \"a\" : [ \"]}\" , {} ] , \"is_bot\" : true } , {\"is_deleted\":true,\"b\":\"\\\\\"} ] ,\"channels\":[{}],\"message_count\":1}",
		"{\"users\":[{\"username\":\"\xff\\ud800\"}],\"channels\":[],\"message_count\":0}", `{"users":null,"channels":[],"message_count":-1}`)
	f.Fuzz(func(t *testing.T, reply string) {
		got, said, err := decodeFileDataReply(newDecoder(strings.NewReader(reply)))
		if err != nil {
			return
		}
		if !got.Waiting && got.Selection == nil && !said.refused() {
			t.Fatal("neither a result nor an error")
		}
		if got.Waiting && got.Selection != nil {
			t.Errorf("waiting, and yet %+v", *got.Selection)
		}
		fields, ok := object([]byte(reply))
		if !ok {
			return
		}
		if got.Waiting != (string(fields["waiting"]) == "true") {
			t.Errorf("waiting is %v, in the reply %s", got.Waiting, fields["waiting"])
		}
		sameRefusal(t, said, fields)
		if got.Selection != nil {
			sameSelection(t, got.Selection, fields)
		}
	})
}

func FuzzOperationReply(f *testing.F) {
	seed(f, operationReply, `{"operation":null,"success":true}`, `{"operation":{"_id":"a","status":"s","fileData":`+fileDataReply+`}}`,
		`{"operation":{"_id":"\ud83d","status":"\u0073","ts":1795501915842,"_updatedAt":{"$date":1},"count":{"total":null,"error":0}}}`,
		"{\"operation\":{\"_id\":\"\xff\",\"type\":\"\xc3\",\"status\":\"s\",\"ts\":\"yesterday\"}}")
	f.Fuzz(func(t *testing.T, reply string) {
		got, said, err := decodeOperationReply(newDecoder(strings.NewReader(reply)))
		if err != nil {
			return
		}
		fields, ok := object([]byte(reply))
		if ok {
			sameRefusal(t, said, fields)
		}
		if got == nil {
			if !said.told {
				t.Error("neither an operation nor success nor an error")
			}
			if ok && fields["operation"] != nil && string(fields["operation"]) != "null" {
				t.Errorf("no operation, in the reply %s", fields["operation"])
			}
			return
		}
		if got.ID == "" || got.Step == "" {
			t.Errorf("no id or no step: %+v", got)
		}
		for _, text := range []string{got.ID, got.Importer, got.Type, string(got.Step)} {
			if !utf8.ValidString(text) {
				t.Errorf("not UTF-8: %q", text)
			}
		}
		for _, n := range []Number{
			got.Count.Total, got.Count.Completed, got.Count.Error,
			got.Count.Users, got.Count.Channels, got.Count.Messages, got.Count.Contacts,
		} {
			if n.Value < 0 || !n.Known && n.Value != 0 {
				t.Errorf("a count of %+v", n)
			}
		}
		if record, isObject := object(fields["operation"]); ok && isObject {
			sameOperation(t, got, record)
		}
	})
}

// sameOperation checks an operation against what encoding/json reads.
func sameOperation(t *testing.T, got *Operation, record map[string]json.RawMessage) {
	t.Helper()
	for field, text := range map[string]string{"_id": got.ID, "importerKey": got.Importer, "type": got.Type, "status": string(got.Step)} {
		var want string
		if json.Unmarshal(record[field], &want); text != want {
			t.Errorf("%s is %q, in the reply %s", field, text, record[field])
		}
	}
	if got.Valid != (string(record["valid"]) == "true") {
		t.Errorf("valid is %v, in the reply %s", got.Valid, record["valid"])
	}
	counts, _ := object(record["count"])
	for field, n := range map[string]Number{
		"total": got.Count.Total, "completed": got.Count.Completed, "error": got.Count.Error, "users": got.Count.Users,
		"channels": got.Count.Channels, "messages": got.Count.Messages, "contacts": got.Count.Contacts,
	} {
		var want Number
		if counts[field] != nil && string(counts[field]) != "null" {
			want.Known = true
			json.Unmarshal(counts[field], &want.Value)
		}
		if n != want {
			t.Errorf("%s is %+v, in the reply %s", field, n, counts[field])
		}
	}
	selection, isObject := object(record["fileData"])
	if (got.FileData != nil) != isObject {
		t.Fatalf("fileData is %+v, in the reply %s", got.FileData, record["fileData"])
	}
	if isObject {
		sameSelection(t, got.FileData, selection)
	}
}

func FuzzRefusal(f *testing.F) {
	seed(f, `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`,
		`{"success":false,"error":{"a":1},"errorType":"error-action-not-allowed","details":[]}`, `{"success":null}`, "{\"error\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, reply string) {
		answer := &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}}
		got := readRefusal(answer, &wire{body: strings.NewReader(reply)})
		if got.success && !got.told {
			t.Errorf("success without the field: %+v", got)
		}
		if !utf8.ValidString(got.text) || !utf8.ValidString(got.errorType) {
			t.Errorf("not UTF-8: %+v", got)
		}
		if fields, ok := object([]byte(reply)); ok && got != (refusal{}) {
			sameRefusal(t, got, fields)
		}
	})
}

// sameRefusal checks a refusal against what encoding/json reads.
func sameRefusal(t *testing.T, got refusal, fields map[string]json.RawMessage) {
	t.Helper()
	success, told := fields["success"]
	if got.told != told || got.success != (string(success) == "true") {
		t.Errorf("got %+v, in the reply success is %s", got, success)
	}
	for field, text := range map[string]string{"error": got.text, "errorType": got.errorType} {
		var want string
		if json.Unmarshal(fields[field], &want) != nil {
			want = "" // no string
		}
		if text != want {
			t.Errorf("%s is %q, in the reply %s", field, text, fields[field])
		}
	}
}
