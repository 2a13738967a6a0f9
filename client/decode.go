package client

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on a reply. They keep memory flat; real replies stay far below them.
const (
	maxToken = 1 << 20 // bytes of one string, name, number or element of a list
	maxReply = 1 << 30 // bytes of a reply, decompressed
	maxDepth = 16      // levels of nesting: the decoder keeps a name for each level
)

var (
	errDuplicate    = errors.New("duplicate field")
	errTokenTooLong = errors.New("a string, name, number or element is longer than 1 MiB")
	errTooDeep      = errors.New("nested deeper than 16 levels")
	errReplyTooLong = errors.New("the reply is longer than 1 GiB")
	errWrongKind    = errors.New("a value of the wrong kind")
)

// wire is the body of a reply as it arrives.
type wire struct {
	body  io.Reader
	bytes int64
	err   error // why the connection broke, which a decoder takes for broken JSON
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.bytes += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// content returns the content of a reply as a stream, decompressed if needed.
// It reads size bytes at a time: jsontext alone reads 4 KiB.
func content(w *wire, header http.Header, size int) (io.Reader, error) {
	buffered := bufio.NewReaderSize(w, size)
	if !strings.EqualFold(header.Get("Content-Encoding"), "gzip") {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

// decode reads the one JSON value in r, of at most most bytes, into the struct that into points to.
// It does not remember all names to find duplicates, since memory would grow with the reply: [once]
// does for the fields that matter. Names from a Slack export may contain invalid UTF-8.
func decode(r io.Reader, most int64, into any) error {
	b := &boundedReader{r: r, most: most}
	b.dec = jsontext.NewDecoder(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	err := json.UnmarshalDecode(b.dec, into)
	if err == io.EOF {
		err = errors.New("the reply is empty")
	} else if err == nil {
		if _, err = b.dec.ReadToken(); err == nil {
			err = errors.New("something follows the reply")
		} else if err == io.EOF {
			err = nil
		}
	}
	return cmp.Or(b.err, err)
}

// boundedReader stops a decoder that exceeds a bound. jsontext has no bounds.
type boundedReader struct {
	r    io.Reader
	dec  *jsontext.Decoder // reads from this reader
	read int64             // bytes
	most int64             // bytes
	err  error             // the bound that was exceeded
}

func (b *boundedReader) Read(p []byte) (int, error) {
	// The decoder reads on only in the middle of a token. Everything behind its
	// offset belongs to this token: its quotes and delimiters too.
	room := maxToken + int64(len(`,"":`)) - (b.read - b.dec.InputOffset())
	switch {
	case b.read > b.most:
		b.err = errReplyTooLong
	case room <= 0:
		b.err = errTokenTooLong
	case b.dec.StackDepth() > maxDepth:
		b.err = errTooDeep
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), room)])
	b.read += int64(n)
	return n, err
}

// once is a field that may occur once in its object. A duplicate makes the
// reply ambiguous, so the reply is rejected.
type once[T any] struct {
	value T
	seen  bool
}

func (o *once[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if o.seen {
		return errDuplicate
	}
	o.seen = true
	return json.UnmarshalDecode(dec, &o.value)
}

// object is an optional object. Its fields stay zero for a value of another kind.
type object[T any] struct{ fields T }

func (o *object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, &o.fields)
}

// flag is an optional boolean, which some importers send as 0 or 1. Its zero
// value stands for null and for a field that is missing.
type flag int8

const (
	yes flag = iota + 1
	no
	invalidFlag // a value of another kind
)

func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	switch string(value) {
	case "true", "1":
		*f = yes
	case "false", "0":
		*f = no
	case "null":
		*f = 0
	default:
		*f = invalidFlag
	}
	return err
}

// text is an optional string. It is empty for a value of another kind.
type text string

func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if value.Kind() == '"' {
		*t = text(unquote(value))
	}
	return err
}

// unquote returns the content of a JSON string, with U+FFFD in place of invalid
// UTF-8. The result is valid until the next read if the string has no escapes.
func unquote(quoted jsontext.Value) []byte {
	content, _ := jsontext.AppendUnquote(nil, quoted) // the syntax was checked
	return content
}

// UnmarshalJSONFrom reads a count. Anything except a whole number is unknown.
func (c *OptionalCount) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	n, notWhole := strconv.ParseUint(string(value), 10, 63)
	*c = OptionalCount{}
	if notWhole == nil {
		*c = OptionalCount{Value: int64(n), Known: true}
	}
	return err
}

// timestamp is an ISO 8601 string, or a number of milliseconds as servers
// before 6.3.0 send it. It is zero for a value that is no date.
type timestamp struct {
	time.Time
	iso bool // a string that parses
}

func (t *timestamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	switch value.Kind() {
	case '"':
		if at, err := time.Parse(time.RFC3339, string(unquote(value))); err == nil {
			*t = timestamp{Time: at, iso: true}
		}
	case '0':
		const limit = 8.64e15 // the last millisecond that a JavaScript date can hold
		if ms, err := strconv.ParseFloat(string(value), 64); err == nil && math.Abs(ms) <= limit {
			t.Time = time.UnixMilli(int64(ms)).UTC()
		}
	}
	return err
}
