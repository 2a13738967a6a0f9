package simtest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Recording is one exchange with a whole Rocket.Chat server. Its answer is as it came, except that
// the body is not compressed.
type Recording struct {
	// Name is the server's version and the file's name: 6.5.3/refused-wrong-token-current.
	Name string
	// Method, Path and Sent are of the request.
	Method, Path string
	Sent         http.Header
	// Status is 0 without an answer; Broken is then what the caller saw, such as ECONNRESET.
	Status int
	Broken string
	// Header is in the order in which it came: name, value, name, value.
	Header []string
	Body   string
	// Mended is whether the recorder cut the body of JSON, and what was open is closed here.
	Mended bool
}

// Recordings returns the recordings in a folder of versions, sorted by name.
func Recordings(t testing.TB, folder string) (all []Recording) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.http"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		r, err := parse(string(content))
		require.NoError(t, err, file)
		r.Name = filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".http")
		all = append(all, r)
	}
	return all
}

// parse reads a recording: comments, the request behind "> ", the head of the answer, its body.
func parse(content string) (r Recording, err error) {
	request, answer, _ := strings.Cut(content, "\n\n")
	r.Sent = http.Header{}
	for line := range strings.Lines(request) {
		sent, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if name, value, isHeader := strings.Cut(sent, ": "); found && isHeader {
			r.Sent.Set(name, value)
		} else if found {
			r.Method, r.Path, _ = strings.Cut(sent, " ")
		}
	}
	head, body, _ := strings.Cut(answer, "\n\n")
	r.Body, r.Mended = mend(strings.TrimSuffix(body, "\n"))
	status, fields, _ := strings.Cut(head, "\n")
	if !strings.HasPrefix(status, "HTTP/1.1 ") { // a status, and the headers as JSON
		return r, r.parseShort(head)
	}
	if _, err = fmt.Sscanf(status, "HTTP/1.1 %d", &r.Status); err != nil {
		return r, err
	}
	for line := range strings.Lines(fields) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		r.Header = append(r.Header, name, value)
	}
	return r, nil
}

// mend closes JSON that the recorder cut after 20,000 characters, behind its last whole object.
func mend(body string) (whole string, mended bool) {
	if !strings.HasPrefix(body, "{") || !strings.HasSuffix(body, "…") {
		return body, false
	}
	body = body[:strings.LastIndex(body, "}")+1]
	var open []byte
	inText := false
	for i := range len(body) {
		switch c := body[i]; {
		case c == '"' && body[i-1] != '\\':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			open = append(open, c+2) // the bracket that closes it
		case c == '}' || c == ']':
			open = open[:len(open)-1]
		}
	}
	slices.Reverse(open)
	return body + string(open), true
}

func (r *Recording) parseShort(head string) error {
	status, rest, _ := strings.Cut(head, " ")
	_, err := fmt.Sscan(status, &r.Status)
	if r.Status == 0 {
		return errors.Join(err, json.Unmarshal([]byte(rest), &r.Broken))
	}
	return json.Unmarshal([]byte(rest), &r.Header)
}

// Get returns the first value of a header.
func (r Recording) Get(name string) string {
	for i := 0; i+1 < len(r.Header); i += 2 {
		if strings.EqualFold(r.Header[i], name) {
			return r.Header[i+1]
		}
	}
	return ""
}

// Serve answers every request at the address that it returns as the recording does, until the test
// ends. It keeps connections, and leaves out Connection: close, which the recorder had asked for,
// unless closes is true.
func (r Recording) Serve(t testing.TB, closes bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if r.Broken == "ECONNREFUSED" {
		listener.Close()
		return listener.Addr().String()
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.converse(conn, closes) })
		}
	})
	return listener.Addr().String()
}

// converse answers requests until the caller closes the connection, or the recording does.
func (r Recording) converse(conn net.Conn, closes bool) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for {
		if _, err := http.ReadRequest(requests); err != nil {
			return
		}
		if r.Status == 0 {
			conn.(*net.TCPConn).SetLinger(0) // a reset
			return
		}
		conn.Write(r.answer(closes))
		if closes || r.Get("Transfer-Encoding") == "" { // the end of the body is that of the connection
			return
		}
	}
}

// answer is what is on the wire.
func (r Recording) answer(closes bool) []byte {
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	for i := 0; i+1 < len(r.Header); i += 2 {
		if closes || !strings.EqualFold(r.Header[i], "Connection") {
			fmt.Fprintf(&wire, "%s: %s\r\n", r.Header[i], r.Header[i+1])
		}
	}
	wire.WriteString("\r\n")
	body := []byte(r.Body)
	if r.Get("Content-Encoding") == "gzip" {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		w.Write(body)
		w.Close()
		body = zipped.Bytes()
	}
	if r.Get("Transfer-Encoding") != "chunked" {
		return append(wire.Bytes(), body...)
	}
	if len(body) > 0 {
		fmt.Fprintf(&wire, "%x\r\n%s\r\n", len(body), body)
	}
	return append(wire.Bytes(), "0\r\n\r\n"...)
}
