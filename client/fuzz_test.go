package client

import (
	"encoding/json"
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

// selections are replies with a selection, and with parts of it that no server sends yet.
func selections() []string {
	all := []string{
		goodFileData, `{"waiting":0,"users":[]}`, `{"waiting":1}`, `{"x":1,"x":2,"users":[{},{}],"users":[{"is_bot":1,"is_bot":null}],"message_count":7,"message_count":[]}`,
		`{"us\u0065rs":[{"is\u005fbot":true,"x":[{}]}],"\u0063hannels":[{"is_dir\u0065ct":true}],"message\u005fcount":5,"channels_x":null}`,
		`{"Users":[{}],"users":[{"IS_BOT":true}],"x":{"users":[{"is_bot":true}],"message_count":9},"channels":[{"x":{"is_direct":true}}]}`,
		`{"users":[{"username":"a\\","is_bot":true},{"username":"\",\"is_deleted\":true,\"","x":["\"]}"],"is_bot":true}]}`,
		"{\"users\":[{\"username\":\"\\ud83d\"},{\"username\":\"\xff\xfe\"},{\"\xff\":\"\\udc00\"}],\"channels\":[{\"name\":\"\xc3\"}]}",
		" {\n\t\"users\" : [ { } , { \"x\" : -1.5e3 , \"is_bot\" : true } ] ,\r\n \"channels\" : [ ] , \"message_count\" : 1 } \n ",
	}
	for _, usual := range []string{`[{"is_bot":true}]`, `[{"is_direct":true}]`, `[{}]`, `1`} {
		for _, other := range []string{
			"null", "{}", `"[]"`, "true", "0", "2", "-1", "-0", "0.5", "1.0", "1e3", "9223372036854775808", `"1"`,
			`{"a":[{}]}`, "[null]", "[1]", `["a"]`, "[[]]", "[{},null]", "[null,{}]", `[{"do_import":2},{"is_bot":true,"is_direct":true}]`,
			`[{"is_deleted":"true","is_archived":"true"}]`, `[{"is_bot":[],"is_private":[]}]`, `[{"is_email_taken":{},"is_direct":{}}]`,
			`[{"is_bot":1.0,"is_direct":-1}]`,
		} {
			all = append(all, strings.Replace(goodFileData, ":"+usual, ":"+other, 1))
		}
	}
	return all
}

// operations are replies with an operation, and with parts of it that no server sends yet.
func operations() []string {
	all := []string{
		goodOperation, `{"success":true}`, `{"operation":{"status":"s","_id":"a","valid":1}}`, `{"operation":{"_id":"a","status":"s","valid":0}}`,
		`{"operation":{"_ID":1,"_id":"a","status":"s","Status":"x","VALID":true},"Success":false}`,
		`{"x":{"operation":[{"_id":1}]},"operation":{"user":{"_id":[[{"status":0}]]},"_id":"a","status":"s"}}`,
		`{"x":1,"x":2,"operation":{"_id":"a","user":"u","user":"v","status":"s","count":{"x":1,"x":1}}}`,
		`{"success":1,"operation":{"_id":"\ud83d","status":"\u0073","type":"` + "\xff" + `","count":{"total":null,"error":0}}}`,
		`{"success":true,"error":"a","errorType":"a\u0062","status":"error","message":"You must be logged in to do this."}`,
	}
	for _, total := range []string{"-1", "-0", "1.5", "1.0", "1e3", "9223372036854775808", `"1"`, "[1]", "{}", "true"} {
		all = append(all, `{"operation":{"_id":"a","status":"s","count":{"total":`+total+`,"users":2}}}`)
	}
	for _, fileData := range append(selections(), "null", "{}", "[{}]", `"users"`, "0", "false", `{"key":"slack","count":{"total":0}}`) {
		for _, importer := range []string{"csv", "pending-files"} {
			all = append(all, `{"operation":{"fileData":`+fileData+`,"_id":"a","status":"s","importerKey":"`+importer+`"}}`)
		}
	}
	return all
}

func TestRepliesAreReadAsEncodingJSONReadsThem(t *testing.T) {
	for _, reply := range selections() {
		require.NoError(t, readFileData(t, reply), reply)
	}
	for _, reply := range operations() {
		require.NoError(t, readOperation(t, reply), reply)
	}
	for _, pattern := range []string{"*.json*", "importers/*.json*"} {
		files, err := filepath.Glob(filepath.Join("testdata", "recorded", pattern))
		require.NotEmpty(t, files, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			for reply := range strings.Lines(string(content)) {
				switch {
				case strings.Contains(file, "progress"), strings.Contains(reply, `"success":false`): // none of the two replies
				case strings.Contains(file, "filedata"):
					require.NoError(t, readFileData(t, reply), file)
				default:
					require.NoError(t, readOperation(t, reply), file)
				}
			}
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, reply := range append(selections(), operations()...) {
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
	var got fileDataReply
	if err := decode(strings.NewReader(reply), maxReply, &got); err != nil {
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
	if err := decode(strings.NewReader(reply), maxReply, &r); err != nil {
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
		[]string{string(got.Error.value), string(got.ErrorType.value), string(got.Status.value.text), string(got.Message.value)})
}

// selectionOf returns the selection in a reply or a record.
func selectionOf(fields map[string]any) *Selection {
	users, u := elements(fields["users"])
	channels, c := elements(fields["channels"])
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
func elements(value any) (n OptionalCount, values map[string][invalidFlag + 1]int64) {
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
