package client

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Replies to put one bad thing into.
const (
	goodOperation = `{"operation":{"_id":"a","status":"s","valid":true,"count":{"total":1}},"success":true}`
	goodFileData  = `{"users":[{"is_bot":true}],"channels":[{"is_direct":true}],"contacts":[{}],"message_count":1,"success":true}`
)

func TestAReplyThatIsNoneOfTheEndpointIsADecodeFailure(t *testing.T) {
	operation := func(fields string) string { return `{"operation":{` + fields + `},"success":true}` }
	ofOperation := []string{
		"", " ", `null`, `Service unavailable`, `[` + goodOperation + `]`, goodOperation + `{}`, goodOperation + `x`, goodOperation + `}`,
		goodOperation[:len(goodOperation)-1], `{"operation":{"_i`, `{"operation":{"_id":"a","status":"s","fileData":{"users":[{`,
		`{"operation":null}`, `{"success":null}`, `{"success":"true"}`, `{"success":true,"succ\u0065ss":false}`,
		`{"operation":"a","success":true}`, `{"operation":[],"success":true}`, `{"operation":false,"success":true}`,
		`{"operation":{"_id":"a","status":"s"},"operation":null,"success":true}`,
		`{"operation":null,"operation":{"_id":"a","status":"s"},"success":true}`,
		operation(`"_id":"a","status":"s","st\u0061tus":"s"`), operation(`"_id":"a","status":"s","fileData":{"users":[}`),
		operation(`"status":"s"`), operation(`"_id":"a"`),
	}
	for _, value := range []string{`""`, "null", "1", "true", "{}", "[]"} {
		ofOperation = append(ofOperation, operation(`"_id":`+value+`,"status":"s"`), operation(`"_id":"a","status":`+value))
	}
	// Twice the same field.
	for field := range strings.FieldsSeq("success error errorType status message") {
		ofOperation = append(ofOperation, strings.Replace(goodOperation, "{", `{"`+field+`":true,"`+field+`":true,`, 1))
	}
	for field := range strings.FieldsSeq("_id importerKey type status valid ts _updatedAt count fileData") {
		ofOperation = append(ofOperation, operation(`"_id":"a","status":"s","`+field+`":null,"`+field+`":null`))
	}
	for field := range strings.FieldsSeq("total completed error users channels messages contacts") {
		ofOperation = append(ofOperation, operation(`"_id":"a","status":"s","count":{"`+field+`":1,"`+field+`":1}`))
	}
	ofFileData := []string{
		"", `null`, `{}`, `{"success":true}`, `{"contacts":[{}],"success":true}`,
		`{"waiting":false,"success":true}`, `{"waiting":"true"}`, `{"waiting":true,"waiting":true}`, `{"success":true,` + goodFileData[1:],
		`{"key":"slack","name":"Slack","step":"importer_user_selection","count":{"total":0},"success":true}`,
		`{"users":{},"channels":null,"message_count":"1","contacts":[],"success":true}`,
		goodFileData[:len(goodFileData)-1], goodFileData + "0",
		`{"message_count":1,"users":[{"is_bot":tr`, `{"message_count":1,"users":[{"is_b`, `{"message_count":1,"users":[{},`,
		`{"message_count":1,"users":[]]}`, `{"message_count":1,"users":[}}`, `{"message_count":1,"users":[{}{}]}`,
		"{\"message_count\":1,\"users\":[{\"username\":\"a\x00b\"}]}",
	}
	for endpoint, replies := range map[Endpoint][]string{EndpointCurrentOperation: ofOperation, EndpointFileData: ofFileData} {
		for _, reply := range replies {
			t.Run(reply, func(t *testing.T) {
				wantReason(t, calls[endpoint](t.Context(), newClient(t, serve(t, answer(200, reply)))), Decode)
			})
		}
	}
}

func TestADecodeFailureSaysWhatIsWrongAndWhere(t *testing.T) {
	for reply, want := range map[string]string{
		"":                                    ": the reply is empty",
		`{"operation":{"_id":"a","_id":"a"}}`: ": duplicate field, at byte 30",
		`{"operation":"a"}`:                   ": a value of the wrong kind, at byte 13",
		`{"operation":{"_id":nope}}`:          ": invalid character 'o' in literal null (expecting 'u'), at byte 21",
		`{"success":true}{}`:                  ": something follows the reply",
		`{"x":["` + strings.Repeat("x", 2*mebibyte):   ": a string, name, number or element is longer than 1 MiB",
		`{"x":` + strings.Repeat(`{"a":`, mebibyte/5): ": nested deeper than 16 levels",
	} {
		_, err := askOperation(t, reply)
		assert.True(t, strings.HasSuffix(wantReason(t, err, Decode).Error(), want), "%.50s: %v", reply, err)
	}
}

func TestAGzipReplyIsDecodedIfItIsWhole(t *testing.T) {
	good := zipped(both)
	for _, encoding := range []string{"gzip", "GZIP"} {
		for endpoint, err := range callBoth(t, serve(t, answer(200, good, "Content-Encoding", encoding))) {
			assert.NoError(t, err, endpoint)
		}
	}
	wrong := []byte(good)
	wrong[len(wrong)-5] ^= 0xff // the checksum
	for _, body := range []string{both, string(wrong), good[:len(good)-10], good + "x", good + good, "", good[:5]} {
		for _, err := range callBoth(t, serve(t, answer(200, body, "Content-Encoding", "gzip"))) {
			wantReason(t, err, Decode)
		}
	}
}

func TestWhatACacheAnswersIsNotBelieved(t *testing.T) {
	for age, believed := range map[string]bool{"": true, "0": true, "1": false, "86400": false, "old": false} {
		for _, err := range callBoth(t, serve(t, answer(200, both, "Age", age))) {
			if believed {
				assert.NoError(t, err, age)
			} else {
				assert.Equal(t, "cached", wantReason(t, err, Outdated).Hint.Key())
			}
		}
	}
}

// repeat is a text without an end. It counts how much of it is read.
type repeat struct {
	text string
	read int64
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], r.text[(r.read+int64(n))%int64(len(r.text)):])
	}
	r.read += int64(n)
	return n, nil
}

// allocated returns how many bytes the process allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// into returns what a reply is decoded into: an operation if it has one, or a selection.
func into(reply string) reply {
	if strings.Contains(reply, "operation") {
		return &operationReply{}
	}
	return &fileDataReply{}
}

func TestANameStringOrElementMayHaveOneMebibyteAndNotMuchMore(t *testing.T) {
	// @ is the name or string, # many numbers.
	for name, reply := range map[string]string{
		"_id":                          `{"operation":{"_id":"@"}}`,
		"a name in count":              `{"operation":{"count":{"@":1}}}`,
		"a user of a record":           `{"operation":{"fileData":{"users":[{"x":[#]}]}}}`,
		"names in objects":             `{"x":{"@":{"@":"@"}}}`,
		"strings with space around":    "{ \"x\" : [\r\n        \"@\" , \"@\" ] , \"success\" : true }",
		"elements that are no objects": `{"users":[[#],[#]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			read := func(length int) error {
				numbers := strings.Repeat("10,", length/3) + "10"
				text := strings.NewReplacer("@", strings.Repeat("x", length), "#", numbers).Replace(reply)
				return decode(strings.NewReader(text), maxReply, into(reply))
			}
			// Quotes, braces and space around count too.
			require.NoError(t, read(mebibyte-100))
			require.ErrorIs(t, read(mebibyte+100), errTokenTooLong)
		})
	}
}

func TestAReplyMayHaveSixteenLevelsAndNotOneMore(t *testing.T) {
	read := func(levels int) error {
		inside := strings.Repeat(`{"a":`, levels-1) + `"` + strings.Repeat("x", mebibyte/2) + `"` + strings.Repeat("}", levels-1)
		return decode(strings.NewReader(`{"success":true,"x":`+inside+"}"), maxReply, into(""))
	}
	require.NoError(t, read(16))
	require.ErrorIs(t, read(17), errTooDeep)
}

func TestAReplyMayHaveOneGibibyteAndNotMuchMore(t *testing.T) {
	endless := &repeat{text: "1," + strings.Repeat(" ", mebibyte-2)}
	require.EqualValues(t, 1<<30, maxReply)
	const most = 4 * mebibyte // shows the same in less time
	require.ErrorIs(t, decode(io.MultiReader(strings.NewReader(`{"x":[`), endless), most, into("")), errReplyTooLong)
	assert.Greater(t, endless.read, int64(most-100))
	assert.Less(t, endless.read, int64(most+mebibyte))
}

func TestMemoryStaysFlatWhateverIsSent(t *testing.T) {
	longName := `"` + strings.Repeat("n", mebibyte/16) + `":`
	for name, test := range map[string]struct {
		start, endless string
		want           error
	}{
		"spaces":                           {" ", " ", errTokenTooLong},
		"spaces after the reply":           {both, " ", errTokenTooLong},
		"a string":                         {`{"operation":{"_id":"`, "x", errTokenTooLong},
		"a string of escapes":              {`{"error":"`, `\u0041`, errTokenTooLong},
		"a name of a user":                 {`{"users":[{"`, "x", errTokenTooLong},
		"a number":                         {`{"operation":{"count":{"total":`, "1", errTokenTooLong},
		"arrays in arrays":                 {`{"x":`, "[", errTooDeep},
		"objects in objects of a user":     {`{"users":[{"x":`, `{"a":`, errTooDeep},
		"objects in objects of long names": {`{"x":`, "{" + longName, errTooDeep}, // the decoder keeps a name for each level
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			n := allocated(func() {
				err = decode(io.MultiReader(strings.NewReader(test.start), &repeat{text: test.endless}), maxReply, into(test.start))
			})
			require.ErrorIs(t, err, test.want)
			assert.LessOrEqual(t, n, uint64(8*mebibyte))
		})
	}
}

func TestDecodingAllocatesNothingForAnElement(t *testing.T) {
	for name, reply := range map[string]string{ // @ is repeated
		"users":               `{"users":[@{"username":"us\u0065r","is_bot":true,"do_import":null,"x":-1,"y":[{}]},@{}]}`,
		"channels":            `{"channels":[@{"name":"chan","is_direct":true},@{}]}`,
		"contacts":            `{"contacts":[@{"emails":["a","b"]},@{}]}`,
		"users of a record":   `{"operation":{"fileData":{"users":[@{"is_bot":true},@{}]}}}`,
		"fields of a record":  `{"operation":{@"a":"b",@"c":[]}}`,
		"fields of the reply": `{@"a":"b",@"c":[[],{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			parts := strings.Split(reply, "@")
			allocations := func(times int) float64 {
				text := parts[0] + strings.Repeat(parts[1], times) + parts[2]
				// Several runs, since a garbage collection between two of them empties a pool.
				return testing.AllocsPerRun(10, func() { require.NoError(t, decode(strings.NewReader(text), maxReply, into(reply))) })
			}
			assert.Equal(t, allocations(1000), allocations(2000))
		})
	}
}

func TestABodyWithoutEndIsReadNoFurtherThanItMayBe(t *testing.T) {
	for status, encoding := range map[int]string{200: "gzip", 400: "identity", 502: "gzip"} {
		first, next, want := `{"error":"`, strings.Repeat(" ", 64<<10), HTTPStatus
		if encoding == "gzip" {
			first, next = zipped(first), zipped(next)
		}
		if status == 200 {
			want = Decode
		}
		var read int64
		c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			answer(status, first, "Content-Encoding", encoding)(w, r)
			for r.Context().Err() == nil {
				io.WriteString(w, next)
			}
		}), func(cfg *Config) { cfg.Observe = func(call Call) { read = call.Bytes } })
		var err error
		n := allocated(func() { _, err = c.FileData(t.Context()) })
		wantReason(t, err, want)
		assert.LessOrEqual(t, n, uint64(16*mebibyte))
		assert.LessOrEqual(t, read, int64(128<<10))
	}
}

// BenchmarkFileData reads a selection of 100,000 users over a real socket. Its CPU
// profile shows what a read costs.
func BenchmarkFileData(b *testing.B) {
	user := `{"user_id":"U1","username":"zoë.müller1","email":"u1@example.com","is_deleted":false,"is_bot":false,"do_import":true,"is_email_taken":false},`
	reply := `{"users":[` + strings.Repeat(user, 100_000) + `{}],"channels":[],"message_count":1,"success":true}`
	c := newClient(b, serve(b, answer(200, reply)))
	for b.Loop() {
		_, err := c.FileData(b.Context())
		require.NoError(b, err)
	}
}
