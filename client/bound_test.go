package client

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestANameStringOrElementMayHaveOneMebibyteAndNotMuchMore(t *testing.T) {
	// @ is the name or string, {@} an object with one string in it, # many numbers.
	operations := map[string]string{
		"_id":                        `{"operation":{"_id":"@","status":"s"}}`,
		"status":                     `{"operation":{"_id":"a","status":"@"}}`,
		"a timestamp":                `{"operation":{"_id":"a","status":"s","ts":"@"}}`,
		"a name in the operation":    `{"operation":{"@":1,"_id":"a","status":"s"}}`,
		"a name in count":            `{"operation":{"count":{"@":1},"_id":"a","status":"s"}}`,
		"a user, without its braces": `{"operation":{"fileData":{"users":[{@}],"channels":[],"message_count":1},"_id":"a","status":"s"}}`,
		"a name in fileData":         `{"operation":{"fileData":{"@":0,"users":[],"channels":[],"message_count":1},"_id":"a","status":"s"}}`,
		"the error":                  `{"error":"@","success":true}`,
		"the last one":               `{"operation":{"_id":"a","status":"s"},"x":"@"}`,
		"an unused string":           `{"x":"@","success":true}`,
		"a string in an array":       `{"x":["@","@",["@"]],"success":true}`,
		"a name in an object":        `{"x":{"@":{"@":"@"}},"success":true}`,
		"strings with space around":  "{ \"x\" : [\r\n        \"@\" , \"@\" ] , \"success\" : true }",
	}
	selections := map[string]string{
		"a user, without its braces":    `{"users":[{@},{@}],"channels":[],"message_count":1}`,
		"a channel, without its braces": `{"users":[],"channels":[{},{@}],"message_count":1}`,
		"a name of a contact":           `{"users":[],"channels":[],"contacts":[{"@":[]}],"message_count":1}`,
		"an element of many values":     `{"users":[{"x":[#]}],"channels":[],"message_count":1}`,
		"an element that is no object":  `{"users":[[#]],"channels":[],"message_count":1}`,
		"a name in the selection":       `{"@":0,"users":[],"channels":[],"message_count":1}`,
		"the last one":                  `{"users":[],"channels":[],"message_count":1,"x":"@"}`,
	}
	for endpoint, replies := range map[Endpoint]map[string]string{EndpointCurrentOperation: operations, EndpointFileData: selections} {
		for name, reply := range replies {
			t.Run(string(endpoint)+", "+name, func(t *testing.T) {
				ask := func(length int) error {
					member := `"name":"` + strings.Repeat("x", length-len(`"name":""`)) + `"`
					body := strings.ReplaceAll(reply, "{@}", "{"+member+"}")
					body = strings.ReplaceAll(body, "@", strings.Repeat("x", length))
					body = strings.ReplaceAll(body, "#", strings.Repeat("10,", length/3)+"10")
					return endpoints[endpoint](t.Context(), newClient(t, serve(t, answer(200, body))))
				}
				// Quotes, braces and space around count too.
				if err := ask(mebibyte - 100); err != nil {
					t.Errorf("less than 1 MiB: %v", err)
				}
				if e := wantReason(t, ask(mebibyte+100), Decode); !strings.Contains(e.Error(), "longer than 1 MiB") {
					t.Errorf("more than 1 MiB: %v", e)
				}
			})
		}
	}
}

// bomb returns a handler that answers start, and then piece up to times times,
// as long as the client takes it, compressed if zipped.
func bomb(start, piece string, times int, zipped bool) http.HandlerFunc {
	member := func(text string) []byte {
		if !zipped {
			return []byte(text)
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.Bytes()
	}
	first, next := member(start), member(piece)
	return func(w http.ResponseWriter, _ *http.Request) {
		if zipped {
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Write(first)
		for range times {
			if _, err := w.Write(next); err != nil {
				return
			}
		}
	}
}

// allocated returns how many bytes the process allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

const mebibyte = 1 << 20

// endless is more than any test reads, in MiB.
const endless = 1 << 20

// fill repeats text to about 1 MiB.
func fill(text string) string { return strings.Repeat(text, mebibyte/len(text)) }

func TestMemoryStaysFlatWhateverIsSent(t *testing.T) {
	const atMost = 16
	name := `"` + strings.Repeat("n", mebibyte-100)
	for what, test := range map[string]struct {
		start, piece string
		times        int    // of about 1 MiB
		atMost       uint64 // MiB
	}{
		"endless spaces":                   {" ", fill(" "), endless, atMost},
		"endless spaces in the reply":      {`{"success":`, fill("\n"), endless, atMost},
		"endless spaces after the reply":   {both, fill(" "), endless, atMost},
		"one endless string":               {`{"operation":{"_id":"`, fill("x"), endless, atMost},
		"one endless string, unused":       {`{"x":"`, fill("x"), endless, atMost},
		"one endless string of escapes":    {`{"error":"`, fill(`\u0041`), endless, atMost},
		"one endless name":                 {`{"`, fill("x"), endless, atMost},
		"one endless name of a user":       {`{"users":[{"`, fill("x"), endless, atMost},
		"one endless number":               {`{"message_count":`, fill("1"), endless, atMost},
		"one endless number, unused":       {`{"x":`, fill("1"), endless, atMost},
		"one endless number, in a count":   {`{"operation":{"count":{"total":`, fill("1"), endless, atMost},
		"an object in place of a name":     {`{`, fill(`{"a":`), endless, atMost},
		"arrays in arrays":                 {`{"x":`, fill("["), endless, atMost},
		"objects in objects":               {`{"x":`, fill(`{"a":`), endless, atMost},
		"objects in objects in users":      {`{"users":[{"x":`, fill(`{"a":`), endless, atMost},
		"objects in objects of long names": {`{"x":{`, name + `":{`, 24, 6 * atMost}, // the decoder keeps a name for each level
		"objects of long names":            {`{"x":[`, `{` + name + `":1},`, 4, atMost},
		"many users":                       {`{"users":[`, fill(`{"is_bot":true,"is_d\u0065leted":null},`), 4, atMost},
		"many contacts":                    {`{"contacts":[`, fill(`{"emails":["a","b"]},`), 4, atMost},
		"many arrays":                      {`{"x":[`, fill(`[[],[]],`), 4, atMost},
		"many names":                       {`{"x":0,`, fill(`"a":"b",`), 4, atMost},
		"many names of an operation":       {`{"operation":{`, fill(`"a":"b",`), 4, atMost},
		"many users of an operation":       {`{"operation":{"fileData":{"users":[`, fill(`{"is_bot":true},`), 4, atMost},
		"HTML":                             {"<html>", fill("<p>"), endless, atMost},
	} {
		for endpoint, zipped := range map[Endpoint]bool{EndpointCurrentOperation: false, EndpointFileData: true} {
			t.Run(what+", "+string(endpoint), func(t *testing.T) {
				c := newClient(t, serve(t, bomb(test.start, test.piece, test.times, zipped)))
				var err error
				n := allocated(func() { err = endpoints[endpoint](t.Context(), c) })
				wantReason(t, err, Decode)
				if n>>20 > test.atMost {
					t.Errorf("%d MiB were allocated", n>>20)
				}
			})
		}
	}
}

func TestReadingALargeSelectionAllocatesNoMoreThanASmallOne(t *testing.T) {
	for what, zipped := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(what, func(t *testing.T) {
			read := func(pieces int) uint64 {
				piece := fill(`{"user_id":"U1","is_bot":true,"do_import":false},`)
				c := newClient(t, serve(t, bomb(`{"channels":[],"message_count":1,"users":[`, piece, pieces, zipped)))
				// The list never ends, so the read fails, but not before it has read all of it.
				return allocated(func() { c.FileData(t.Context(), time.Time{}) })
			}
			read(1) // sets up what is set up once
			small, large := read(1), read(4)
			if large > small+64<<10 {
				t.Errorf("%d bytes were allocated for 1 MiB, %d for 4 MiB", small, large)
			}
		})
	}
}

func TestMemoryStaysFlatWhateverARefusalHolds(t *testing.T) {
	const atMost = 16 << 20
	for _, status := range []int{400, 401, 403, 502} {
		for _, start := range []string{" ", `{"error":"`, `{"`, `{"x":[`} {
			for _, zipped := range []bool{false, true} {
				var read int64
				c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					if zipped {
						w.Header().Set("Content-Encoding", "gzip")
					}
					w.WriteHeader(status)
					bomb(start, fill(" "), endless, zipped)(w, r)
				}), func(cfg *Config) { cfg.Observe = func(call Call) { read = call.Bytes } })
				var err error
				n := allocated(func() { _, err = c.CurrentOperation(t.Context()) })
				wantReason(t, err, HTTPStatus)
				if n > atMost || read > 128<<10 {
					t.Errorf("%d, %q: %d MiB were allocated, %d bytes read", status, start, n>>20, read)
				}
			}
		}
	}
}

func TestAReplyOfMoreThanOneGibibyteIsADecodeFailure(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 1 GiB")
	}
	// Runs of spaces are what is read the fastest.
	piece := "1," + strings.Repeat(" ", mebibyte-2)
	var read int64
	c := newClient(t, serve(t, bomb(`{"x":[`, piece, endless, false)), func(cfg *Config) {
		cfg.Observe = func(call Call) { read = call.Bytes }
	})
	var err error
	n := allocated(func() { _, err = c.FileData(t.Context(), time.Time{}) })
	if e := wantReason(t, err, Decode); !strings.Contains(e.Error(), "1 GiB") {
		t.Errorf("the error is %v", e)
	}
	if read < 1<<30 || read > 1<<30+4*mebibyte {
		t.Errorf("%d bytes were read", read)
	}
	if n > 16*mebibyte {
		t.Errorf("%d MiB were allocated", n/mebibyte)
	}
}
