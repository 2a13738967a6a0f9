package client

import "github.com/go-json-experiment/json/jsontext"

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
	var seen fields
	for i := spaceEnd(object, 1); object[i] != '}'; {
		name := object[i:stringEnd(object, i)]
		colon := spaceEnd(object, i+len(name))
		start := spaceEnd(object, colon+1)
		end := valueEnd(object, start)
		if flag := named(d.unescaped(name), names); flag != 0 {
			if seen.has(flag) {
				return 0, 0, errDuplicate
			}
			seen |= flag
			switch kind := object[start:end].Kind(); kind {
			case 't':
				yes |= flag
			case 'f':
				no |= flag
			case 'n':
			default:
				return 0, 0, wrongKind(kind, 't')
			}
		}
		if i = spaceEnd(object, end); object[i] == ',' {
			i = spaceEnd(object, i+1)
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

// What follows steps over JSON that jsontext has found to be well-formed.

// spaceEnd returns where the space ends that begins at i, if there is any.
func spaceEnd(json jsontext.Value, i int) int {
	for json[i] <= ' ' {
		i++
	}
	return i
}

// stringEnd returns where the string ends that begins at i.
func stringEnd(json jsontext.Value, i int) int {
	for i++; json[i] != '"'; i++ {
		if json[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd returns where the value ends that begins at i, within an object.
func valueEnd(json jsontext.Value, i int) int {
	for depth := 0; ; {
		switch json[i] {
		case '"':
			i = stringEnd(json, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default: // part of a number or literal, or what separates values
			i++
		}
		if depth == 0 && (json[i] == ',' || json[i] == '}' || json[i] <= ' ') {
			return i
		}
	}
}
