package client

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded returns a recorded reply.
func recorded(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "recorded", name))
	require.NoError(t, err)
	return string(body)
}

// recordedReplies returns every recorded reply by its file and line.
func recordedReplies(t testing.TB) map[string]string {
	t.Helper()
	replies := map[string]string{}
	for _, pattern := range []string{"*.json*", "importers/*.json*"} {
		files, err := filepath.Glob(filepath.Join("testdata", "recorded", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name, _ := filepath.Rel(filepath.Join("testdata", "recorded"), file)
			for i, line := range strings.Split(strings.TrimSpace(recorded(t, name)), "\n") {
				replies[fmt.Sprintf("%s:%d", filepath.ToSlash(name), i+1)] = line
			}
		}
	}
	return replies
}

func TestEveryRecordedReplyIsReadAsEncodingJSONReadsIt(t *testing.T) {
	for name, reply := range recordedReplies(t) {
		t.Run(name, func(t *testing.T) {
			switch {
			case strings.Contains(name, "progress"), strings.Contains(reply, `"success":false`): // none of the two replies
			case strings.Contains(name, "filedata"):
				require.NoError(t, readFileData(t, reply))
			default:
				require.NoError(t, readOperation(t, reply))
			}
		})
	}
}

func FuzzReply(f *testing.F) {
	for _, reply := range recordedReplies(f) {
		f.Add(reply)
	}
	for _, reply := range []string{
		goodFileData, goodOperation, `{"operation":{"_id":"a","status":"s","fileData":` + goodFileData + `}}`, "", "null", html, "\ufeff{}",
		`{"success":1,"error":"\xff","errorType":"a\u0062","status":"error","message":"You must be logged in to do this."}`,
		`{"us\u0065rs":[{"\u0069s_bot":true,"x":[{}]}],"channels":[{"do_import":false}],"message_count":-1,"contacts":null}`,
		`{ "users" :[ { "a" : [ "]}" , {} ] , "is_bot" : 0 } , {"is_deleted":null,"b":"\\"} ] ,"contacts":[{"emails":["a"]}]}`,
		`{"operation":{"_id":"\ud83d\xff","status":"\u0073","ts":1795501915842,"_updatedAt":{"$date":1},"count":{"total":null,"error":0}}}`,
	} {
		f.Add(reply)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		readFileData(t, reply)
		readOperation(t, reply)
	})
}

// parse returns the fields of a JSON object as encoding/json reads them, or nil if it is none.
func parse(reply string) (fields map[string]any) {
	dec := json.NewDecoder(strings.NewReader(reply))
	dec.UseNumber()
	if dec.Decode(&fields) != nil {
		return nil
	}
	return fields
}

// readFileData decodes a reply, and checks what it reads against what encoding/json reads.
func readFileData(t *testing.T, reply string) error {
	got := fileDataReply{selectionParts: newSelectionParts()}
	if err := decode(strings.NewReader(reply), &got); err != nil {
		return err
	}
	fields := parse(reply)
	sameEnvelope(t, got.envelope, fields)
	assert.Equal(t, selectionOf(fields), got.selection())
	assert.Equal(t, truth(fields["waiting"]) == yes, got.Waiting.value == yes)
	return got.check()
}

// readOperation does the same with the other reply.
func readOperation(t *testing.T, reply string) error {
	var r operationReply
	if err := decode(strings.NewReader(reply), &r); err != nil {
		return err
	}
	fields := parse(reply)
	sameEnvelope(t, r.envelope, fields)
	if err := r.check(); err != nil {
		return err
	}
	got := r.Operation.value.operation("")
	record, isOperation := fields["operation"].(map[string]any)
	if !isOperation {
		assert.Nil(t, got)
		return nil
	}
	label := func(field string) string { return truncate(printable(str(record[field])), maxLabel) }
	counts, _ := record["count"].(map[string]any)
	want := &Operation{
		ID: label("_id"), Importer: label("importerKey"), Type: label("type"), Step: Step(label("status")),
		Valid: truth(record["valid"]) == yes, Created: got.Created, CreatedISO: got.CreatedISO, Updated: got.Updated,
		Counts: Counts{
			Total: count(counts["total"]), Completed: count(counts["completed"]), Error: count(counts["error"]), Users: count(counts["users"]),
			Channels: count(counts["channels"]), Messages: count(counts["messages"]), Contacts: count(counts["contacts"]),
		},
		HasFileData: record["fileData"] != nil,
	}
	if selection, isObject := record["fileData"].(map[string]any); isObject && !want.PendingDownloads() {
		want.Selection = selectionOf(selection)
	}
	assert.Equal(t, want, got)
	return nil
}

func sameEnvelope(t *testing.T, got envelope, fields map[string]any) {
	t.Helper()
	assert.Equal(t, truth(fields["success"]), got.Success.value)
	assert.Equal(t,
		[]string{str(fields["error"]), str(fields["errorType"]), str(fields["status"]), str(fields["message"])},
		[]string{string(got.Error.value), string(got.ErrorType.value), string(got.Status.value), string(got.Message.value)})
}

// selectionOf returns the selection in a reply or a record.
func selectionOf(fields map[string]any) *Selection {
	users, u := elements(fields["users"], "is_deleted", "is_bot", "is_email_taken", "do_import")
	channels, c := elements(fields["channels"], "is_archived", "is_private", "is_direct", "do_import")
	contacts, _ := elements(fields["contacts"])
	s := &Selection{
		Users: users, UsersDeleted: u["is_deleted"][yes], UsersBot: u["is_bot"][yes],
		UsersEmailTaken: u["is_email_taken"][yes], UsersExcluded: u["do_import"][no],
		Channels: channels, ChannelsArchived: c["is_archived"][yes], ChannelsPrivate: c["is_private"][yes],
		ChannelsDirect: c["is_direct"][yes], ChannelsExcluded: c["do_import"][no],
		Contacts: contacts, Messages: count(fields["message_count"]),
	}
	if *s == (Selection{}) {
		return nil
	}
	return s
}

// elements counts a list, and how often each flag has which value in it.
func elements(value any, flags ...string) (n OptionalCount, values map[string][invalidFlag + 1]int64) {
	list, ok := value.([]any)
	n, values = OptionalCount{Known: ok}, map[string][invalidFlag + 1]int64{}
	for _, element := range list {
		fields, isObject := element.(map[string]any)
		n.Known = n.Known && isObject
		n.Value++
		for _, name := range flags {
			counts := values[name]
			counts[truth(fields[name])]++
			values[name] = counts
			n.Known = n.Known && counts[invalidFlag] == 0
		}
	}
	if !n.Known {
		return OptionalCount{}, nil
	}
	return n, values
}

func str(value any) string {
	text, _ := value.(string)
	return text
}

func truth(value any) flag {
	switch value {
	case true, json.Number("1"):
		return yes
	case false, json.Number("0"):
		return no
	case nil:
		return 0
	default:
		return invalidFlag
	}
}

func count(value any) OptionalCount {
	number, _ := value.(json.Number)
	n, err := strconv.ParseUint(string(number), 10, 63)
	if err != nil {
		return OptionalCount{}
	}
	return known(int64(n))
}
