package client

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// seed adds the recorded replies and some made ones to a fuzz target.
func seed(f *testing.F, made ...string) {
	for _, name := range append(recordedFiles(f, "*.json*"), recordedFiles(f, "importers/*.json*")...) {
		for line := range strings.Lines(recorded(f, name)) {
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

// truth reads a flag as encoding/json does: 1 for true, -1 for false, 0 for
// null. It reports whether it is a flag.
func truth(value json.RawMessage) (int, bool) {
	switch string(value) {
	case "true", "1":
		return 1, true
	case "false", "0":
		return -1, true
	default:
		return 0, value == nil || string(value) == "null"
	}
}

// elements counts a list, and its elements with each flag set as wanted, as
// encoding/json reads them.
func elements(text json.RawMessage, flags ...string) (n OptionalCount, with []int64) {
	var all []json.RawMessage
	with = make([]int64, len(flags))
	unknown := make([]int64, len(flags))
	if json.Unmarshal(text, &all) != nil || all == nil {
		return n, with
	}
	for _, element := range all {
		fields, ok := object(element)
		if !ok {
			return OptionalCount{}, unknown
		}
		for i, flag := range flags {
			value, ok := truth(fields[strings.TrimPrefix(flag, "!")])
			if !ok {
				return OptionalCount{}, unknown
			}
			if strings.HasPrefix(flag, "!") == (value < 0) && value != 0 {
				with[i]++
			}
		}
	}
	return known(int64(len(all))), with
}

// count reads a count as strconv does.
func count(text json.RawMessage) OptionalCount {
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil {
		return OptionalCount{}
	}
	return known(int64(n))
}

// sameSelection checks a selection against what encoding/json reads.
func sameSelection(t *testing.T, got *Selection, fields map[string]json.RawMessage) {
	t.Helper()
	users, u := elements(fields["users"], "is_deleted", "is_bot", "is_email_taken", "!do_import")
	channels, c := elements(fields["channels"], "is_archived", "is_private", "is_direct", "!do_import")
	contacts, _ := elements(fields["contacts"])
	want := &Selection{
		Users: users, UsersDeleted: u[0], UsersBot: u[1], UsersEmailTaken: u[2], UsersExcluded: u[3],
		Channels: channels, ChannelsArchived: c[0], ChannelsPrivate: c[1], ChannelsDirect: c[2], ChannelsExcluded: c[3],
		Contacts: contacts, Messages: count(fields["message_count"]),
	}
	if *want == (Selection{}) {
		want = nil
	}
	wantSelection(t, got, want)
}

func FuzzFileDataReply(f *testing.F) {
	seed(f, goodFileData, `{"us\u0065rs":[{"\u0069s_bot":true,"x":[{}]}],"channels":[{"do_import":false}],"message_count":7}`,
		`{"users":[{"is_bot":null,"is_deleted":true}],"channels":[],"contacts":[{"emails":["a"]}],"message_count":9223372036854775807}`,
		"{ \"users\" :\n[ { \"a\" : [ \"]}\" , {} ] , \"is_bot\" : true } , {\"is_deleted\":true,\"b\":\"\\\\\"} ] ,\"channels\":[{}],\"message_count\":1}",
		"{\"users\":[{\"username\":\"\xff\\ud800\"}],\"channels\":[],\"message_count\":0}", `{"users":null,"channels":[],"message_count":-1}`)
	f.Fuzz(func(t *testing.T, reply string) {
		got := fileDataReply{selectionParts: newSelectionParts()}
		if decode(strings.NewReader(reply), &got) != nil {
			return
		}
		fields, ok := object([]byte(reply))
		if !ok {
			return
		}
		sameEnvelope(t, got.envelope, fields)
		sameSelection(t, got.selection(), fields)
		if value, _ := truth(fields["waiting"]); (got.Waiting.value == yes) != (value == 1) {
			t.Errorf("waiting is %v, in the reply %s", got.Waiting, fields["waiting"])
		}
		if got.check() == nil && got.Waiting.value != yes && got.selection() == nil {
			t.Error("neither a result nor an error")
		}
	})
}

func FuzzOperationReply(f *testing.F) {
	seed(f, goodOperation, `{"operation":null,"success":true}`, `{"operation":{"_id":"a","status":"s","fileData":`+goodFileData+`}}`,
		`{"operation":{"_id":"\ud83d","status":"\u0073","ts":1795501915842,"_updatedAt":{"$date":1},"count":{"total":null,"error":0}}}`,
		"{\"operation\":{\"_id\":\"\xff\",\"type\":\"\xc3\",\"status\":\"s\",\"ts\":\"yesterday\"}}")
	f.Fuzz(func(t *testing.T, reply string) {
		var r operationReply
		if decode(strings.NewReader(reply), &r) != nil {
			return
		}
		fields, ok := object([]byte(reply))
		if ok {
			sameEnvelope(t, r.envelope, fields)
		}
		got := r.Operation.value.operation("")
		if ok && got == nil && fields["operation"] != nil && string(fields["operation"]) != "null" {
			t.Errorf("no operation, in the reply %s", fields["operation"])
		}
		if r.check() != nil || got == nil {
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
		for _, n := range []OptionalCount{
			got.Counts.Total, got.Counts.Completed, got.Counts.Error,
			got.Counts.Users, got.Counts.Channels, got.Counts.Messages, got.Counts.Contacts,
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
		if want := truncate(printable(str(record[field])), maxLabel); text != want {
			t.Errorf("%s is %q, in the reply %s", field, text, record[field])
		}
	}
	if value, _ := truth(record["valid"]); got.Valid != (value == 1) {
		t.Errorf("valid is %v, in the reply %s", got.Valid, record["valid"])
	}
	counts, _ := object(record["count"])
	for field, n := range map[string]OptionalCount{
		"total": got.Counts.Total, "completed": got.Counts.Completed, "error": got.Counts.Error, "users": got.Counts.Users,
		"channels": got.Counts.Channels, "messages": got.Counts.Messages, "contacts": got.Counts.Contacts,
	} {
		if n != count(counts[field]) {
			t.Errorf("%s is %+v, in the reply %s", field, n, counts[field])
		}
	}
	fileData := record["fileData"]
	if got.HasFileData != (fileData != nil && string(fileData) != "null") {
		t.Errorf("HasFileData is %v, in the reply %s", got.HasFileData, fileData)
	}
	selection, _ := object(fileData)
	if got.PendingDownloads() {
		selection = nil
	}
	sameSelection(t, got.Selection, selection)
}

// str reads a string as encoding/json does; empty for anything else.
func str(text json.RawMessage) (s string) {
	if json.Unmarshal(text, &s) != nil {
		return ""
	}
	return s
}

func FuzzRefusal(f *testing.F) {
	seed(f, `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`,
		`{"success":false,"error":{"a":1},"errorType":"error-action-not-allowed","details":[]}`, `{"success":null}`, "{\"error\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, reply string) {
		answer := &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}}
		got := readRefusal(answer, &wire{body: strings.NewReader(reply)})
		if fields, ok := object([]byte(reply)); ok && got != (envelope{}) {
			sameEnvelope(t, got, fields)
		}
	})
}

// sameEnvelope checks an envelope against what encoding/json reads.
func sameEnvelope(t *testing.T, got envelope, fields map[string]json.RawMessage) {
	t.Helper()
	value, _ := truth(fields["success"])
	if (got.Success.value == yes) != (value == 1) || (got.Success.value == no) != (value == -1) {
		t.Errorf("success is %v, in the reply %s", got.Success, fields["success"])
	}
	for field, text := range map[string]once[text]{
		"error": got.Error, "errorType": got.ErrorType, "status": got.Status, "message": got.Message,
	} {
		if string(text.value) != str(fields[field]) {
			t.Errorf("%s is %q, in the reply %s", field, text.value, fields[field])
		}
	}
}
