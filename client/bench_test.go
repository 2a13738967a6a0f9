package client

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// A large migration, as one reply.
const (
	manyUsers    = 1_000_000
	manyChannels = 50_000
	block        = 1_000 // elements that are written at a time
)

// largeSelection answers getImportFileData with a large selection, which it
// generates again for each reply without holding it.
func largeSelection() http.HandlerFunc {
	var users, channels bytes.Buffer
	for i := range block {
		fmt.Fprintf(&users, `,{"user_id":"U%07dABCD","username":"first.last-%d","email":"first.last-%d@mail%d.example.com",`+
			`"is_deleted":%t,"is_bot":%t,"do_import":%t,"is_email_taken":%t}`,
			i*7919%9999991, i*7919, i, i%13, i%7 == 0, i%29 == 0, i%5 != 0, i%11 == 0)
		fmt.Fprintf(&channels, `,{"channel_id":"C%07dABCD","name":"project-%d","is_archived":%t,"do_import":%t,`+
			`"is_private":%t,"is_direct":false,"creator":"U%07dABCD"}`,
			i*7919%9999991, i*31, i%3 == 0, i%5 != 0, i%2 == 0, i)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		writeList(w, `{"name":"Slack","users":[`, users.Bytes(), manyUsers/block)
		writeList(w, `],"channels":[`, channels.Bytes(), manyChannels/block)
		io.WriteString(w, `],"message_count":12345678,"success":true}`)
	}
}

// writeList writes start and then elements, which begin with a comma, as often as
// times says. A large write of bytes is one chunk of the reply.
func writeList(w io.Writer, start string, elements []byte, times int) {
	io.WriteString(w, start)
	w.Write(elements[1:])
	for range times - 1 {
		w.Write(elements)
	}
}

// BenchmarkThrowAway is what the connection alone costs: the measure for BenchmarkFileData.
func BenchmarkThrowAway(b *testing.B) {
	c := newClient(b, serve(b, largeSelection()))
	b.ReportAllocs()
	for b.Loop() {
		x := &exchange{client: c, http: c.single, endpoint: EndpointFileData, token: testToken}
		req, err := x.request(b.Context(), func() {})
		if err != nil {
			b.Fatal(err)
		}
		resp, err := x.http.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}

func BenchmarkFileData(b *testing.B) {
	var size int64
	c := newClient(b, serve(b, largeSelection()), func(cfg *Config) { cfg.Observe = func(call Call) { size = call.Bytes } })
	b.ReportAllocs()
	for b.Loop() {
		got, err := c.FileData(b.Context(), time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		if got.Selection.Users != known(manyUsers) || got.Selection.Channels != known(manyChannels) || got.Selection.UsersExcluded != manyUsers/5 {
			b.Fatalf("counted %+v", *got.Selection)
		}
		b.SetBytes(size)
	}
}
