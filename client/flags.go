package client

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// flags reads an object, an element of an array, and tells which of its members
// that have these names are true and which are false, a bit each in the order
// of the names. One that is null, or missing, is neither.
//
// There are as many such objects as users, so the time to read a selection is
// spent here. jsontext checks an object as a whole in half the time that it
// takes to hand out each name and value; what is left is to step over them.
func (d *decoder) flags(names []string) (yes, no fields, err error) {
	object, err := d.whole()
	if err != nil {
		return 0, 0, err
	}
	if kind := object.Kind(); kind != '{' {
		return 0, 0, wrongKind(kind, '{')
	}
	escaped := hasEscape(object)
	var seen fields
	for i := spaceEnd(object, 1); object[i] != '}'; {
		name := object[i:stringEnd(object, i, escaped)]
		colon := spaceEnd(object, i+len(name))
		start := spaceEnd(object, colon+1)
		if i = spaceEnd(object, valueEnd(object, start, escaped)); object[i] == ',' {
			i = spaceEnd(object, i+1)
		}
		flag := named(d.unquoted(name, escaped), names)
		if flag == 0 {
			continue
		}
		if seen.has(flag) {
			return 0, 0, errDuplicate
		}
		seen |= flag
		switch kind := object[start:].Kind(); kind {
		case 't':
			yes |= flag
		case 'f':
			no |= flag
		case 'n':
		default:
			return 0, 0, wrongKind(kind, 't')
		}
	}
	return yes, no, nil
}

// named returns the bit of the name among names, or 0.
func named(name []byte, names []string) fields {
	for i, n := range names {
		if string(name) == n {
			return 1 << i
		}
	}
	return 0
}

// What follows steps over JSON that jsontext has found to be well-formed; escaped
// tells whether there may be an escape in a string of it.

// spaceEnd returns where the space ends that begins at i, if there is any.
func spaceEnd(json jsontext.Value, i int) int {
	for json[i] <= ' ' {
		i++
	}
	return i
}

// stringEnd returns where the string ends that begins at i.
func stringEnd(json jsontext.Value, i int, escaped bool) int {
	if !escaped {
		return i + len(`""`) + bytes.IndexByte(json[i+1:], '"')
	}
	for i++; json[i] != '"'; i++ {
		if json[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd returns where the value ends that begins at i, that of a member of
// the object.
func valueEnd(json jsontext.Value, i int, escaped bool) int {
	switch json[i] {
	case '"':
		return stringEnd(json, i, escaped)
	case 't', 'n':
		return i + len("true")
	case 'f':
		return i + len("false")
	case '{', '[':
		return nestedEnd(json, i, escaped)
	default:
		for json[i] != ',' && json[i] != '}' {
			i++
		}
		return i
	}
}

// nestedEnd returns where the object or array ends that begins at i.
func nestedEnd(json jsontext.Value, i int, escaped bool) int {
	for depth := 0; ; {
		switch json[i] {
		case '"':
			i = stringEnd(json, i, escaped)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
}
