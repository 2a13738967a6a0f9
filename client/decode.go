package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds on a reply. An honest one stays far below both, and memory must
// not grow with a dishonest one.
const (
	maxToken = 1 << 20 // bytes of one name, string, number, user or channel, as it is written
	maxReply = 1 << 30 // bytes of a reply, once decompressed
	maxDepth = 16      // levels of objects and arrays: the decoder remembers a name at each
)

var (
	errDuplicate    = &shapeError{"a field that is used stands there twice"}
	errTokenTooLong = &shapeError{"a name, string, user, channel or run of spaces is longer than 1 MiB"}
	errTooDeep      = &shapeError{"objects and arrays stand more than 16 deep in each other"}
	errReplyTooLong = &shapeError{"the reply is longer than 1 GiB"}
)

// shapeError is JSON that is well-formed but not what the endpoint gives.
type shapeError struct{ what string }

func (e *shapeError) Error() string { return e.what }

// decoder reads one JSON reply as a stream, holding no more of it than one
// token, or one element of a selection. Names are compared as bytes, so that no
// element costs an allocation.
type decoder struct {
	json    *jsontext.Decoder
	scratch []byte // the last name that had an escape in it
}

// newDecoder decodes what r gives. Duplicate names are allowed here, and
// refused for the fields that are used, since remembering every name would let
// memory grow with the reply. Invalid UTF-8 is allowed, since Rocket.Chat
// passes on what a user's Slack export holds, half surrogate pairs included.
func newDecoder(r io.Reader) *decoder {
	bounded := &tokenBound{r: r}
	bounded.json = jsontext.NewDecoder(bounded,
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return &decoder{json: bounded.json}
}

// tokenBound hands bytes to a decoder for as long as the token that it is
// putting together stays within maxToken. jsontext has no bound of its own.
type tokenBound struct {
	r     io.Reader
	json  *jsontext.Decoder
	given int64
}

func (b *tokenBound) Read(p []byte) (int, error) {
	if b.given > maxReply {
		return 0, errReplyTooLong
	}
	if b.given-b.json.InputOffset() > maxToken+int64(len(`"":`)) {
		return 0, errTokenTooLong
	}
	n, err := b.r.Read(p)
	b.given += int64(n)
	return n, err
}

// kind tells what comes next; 0 where nothing can be read, which the next read
// will explain.
func (d *decoder) kind() jsontext.Kind { return d.json.PeekKind() }

// expect returns an error unless the next value is of one of the kinds.
func (d *decoder) expect(kinds ...jsontext.Kind) error {
	next := d.kind()
	switch {
	case next == 0:
		return d.skip()
	case !slices.Contains(kinds, next):
		return wrongKind(next, kinds[0])
	default:
		return nil
	}
}

func wrongKind(got, want jsontext.Kind) error {
	return &shapeError{fmt.Sprintf("%s stands where %s belongs", kindNames[got], kindNames[want])}
}

// kindNames names the kinds of JSON values for people.
var kindNames = map[jsontext.Kind]string{
	'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number",
	'{': "an object", '}': "the end of an object", '[': "an array", ']': "the end of an array",
}

// fields is a set of the fields of one object that are used, a bit each.
type fields uint16

func (f fields) has(field fields) bool { return f&field != 0 }

// object reads an object, calls field for each name in it, and returns the set
// of the fields that it had. The name is valid until field reads; field must
// read the value, all of it, and return its bit, or 0 for a field that is not
// used. One that is used and stands there twice could be read as either, so
// the reply is not believed.
func (d *decoder) object(field func(name []byte) (fields, error)) (fields, error) {
	if err := d.expect('{'); err != nil {
		return 0, err
	}
	if _, err := d.json.ReadToken(); err != nil {
		return 0, err
	}
	var seen fields
	for d.kind() != '}' {
		name, err := d.name()
		if err != nil {
			return 0, err
		}
		read, err := field(name)
		if err != nil {
			return 0, err
		}
		if seen.has(read) {
			return 0, errDuplicate
		}
		seen |= read
	}
	_, err := d.json.ReadToken()
	return seen, err
}

// array reads an array and calls element for each element, which must read it,
// all of it.
func (d *decoder) array(element func() error) error {
	if err := d.expect('['); err != nil {
		return err
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	for d.kind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.json.ReadToken()
	return err
}

// end makes sure that nothing follows the reply.
func (d *decoder) end() error {
	switch _, err := d.json.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return &shapeError{"something follows the reply"}
	}
}

// name reads the name of a field. It is valid until the next read.
func (d *decoder) name() ([]byte, error) {
	quoted, err := d.whole()
	if err != nil {
		return nil, err
	}
	return d.unquoted(quoted, hasEscape(quoted)), nil
}

// hasEscape tells whether there is an escape in any string of the JSON.
func hasEscape(json jsontext.Value) bool { return bytes.IndexByte(json, '\\') >= 0 }

// unquoted is what a name says, where it has an escape in it or might have. It
// is valid until the next read.
func (d *decoder) unquoted(quoted jsontext.Value, escaped bool) []byte {
	if !escaped {
		return quoted[1 : len(quoted)-1]
	}
	d.scratch = unquote(d.scratch[:0], quoted)
	return d.scratch
}

// whole reads a name or a value, as it is written, and holds all of it. It is
// valid until the next read.
func (d *decoder) whole() (jsontext.Value, error) {
	value, err := d.json.ReadValue()
	if err == nil && len(value) > maxToken+len(`""`) {
		return nil, errTokenTooLong
	}
	return value, err
}

// skip reads a value of any kind and forgets it.
func (d *decoder) skip() error {
	if kind := d.kind(); kind != '{' && kind != '[' {
		_, err := d.whole()
		return err
	}
	depth := d.json.StackDepth()
	for {
		var err error
		switch d.kind() {
		case '{', '}', '[', ']':
			_, err = d.json.ReadToken()
		default:
			_, err = d.whole()
		}
		if err != nil || d.json.StackDepth() <= depth {
			return err
		}
		if d.json.StackDepth() > maxDepth {
			return errTooDeep
		}
	}
}

// text reads a string.
func (d *decoder) text(into *string) error {
	if err := d.expect('"'); err != nil {
		return err
	}
	quoted, err := d.whole()
	if err != nil {
		return err
	}
	*into = string(unquote(nil, quoted))
	return nil
}

// optionalText reads a string, or null, which leaves into as it is.
func (d *decoder) optionalText(into *string) error {
	if d.kind() == 'n' {
		return d.skip()
	}
	return d.text(into)
}

// anyText reads a value of any kind and keeps it if it is a string.
func (d *decoder) anyText(into *string) error {
	if d.kind() != '"' {
		return d.skip()
	}
	return d.text(into)
}

// flag reads a boolean, or null, which leaves into as it is.
func (d *decoder) flag(into *bool) error {
	value, err := d.whole()
	if err != nil {
		return err
	}
	switch kind := value.Kind(); kind {
	case 't', 'f':
		*into = kind == 't'
	case 'n':
	default:
		return wrongKind(kind, 't')
	}
	return nil
}

// count reads a whole number that is not negative.
func (d *decoder) count(into *int64) error {
	if err := d.expect('0'); err != nil {
		return err
	}
	digits, err := d.whole()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || digits[0] == '-' {
		return &shapeError{"a count is not a whole number that is 0 or more"}
	}
	*into = n
	return nil
}

// optionalCount reads a count, or null, which leaves into as it is.
func (d *decoder) optionalCount(into *Number) error {
	if d.kind() == 'n' {
		return d.skip()
	}
	into.Known = true
	return d.count(&into.Value)
}

// unquote appends what a JSON string says. The decoder has checked its syntax;
// what is left to complain of is invalid UTF-8, which comes out as U+FFFD.
func unquote(to []byte, quoted jsontext.Value) []byte {
	to, _ = jsontext.AppendUnquote(to, quoted)
	return to
}
