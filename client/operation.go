package client

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Operation is the record of the newest import, as getCurrentImportOperation
// gives it (Rocket.Chat 3.0 to 8.x). Its texts are cut at 128 bytes, and have
// U+FFFD in place of control characters and of what is not UTF-8.
type Operation struct {
	// ID is the record's _id. It is never empty.
	ID string
	// Importer is the key of the importer: slack, csv, api, … Empty if the server does not tell.
	Importer string
	// Type is the importer's display name. Empty if the server does not tell.
	Type string
	// Step is the record's status. It is never empty.
	Step Step
	// Valid is false once the server gave the operation up. A record without
	// the field counts as not valid, as in the server's own import.status.
	Valid bool
	// Created and Updated are ts and _updatedAt, by the server's clock; zero
	// where the server gives none that can be read. Every save of the record
	// moves Updated.
	Created, Updated time.Time
	// Count is what the operation itself counts.
	Count Count
	// FileData is the whole selection, which only early 3.x servers keep in
	// the record. It is nil elsewhere.
	FileData *Selection
	// AnsweredAt is when the first of the answer arrived, by this process's
	// clock. What the record says was true then, and may not be any more.
	AnsweredAt time.Time
}

// Count is the field count of an operation. The server leaves out what it does
// not know yet. Counts are comparable with ==.
type Count struct {
	Total, Completed, Error             Number
	Users, Channels, Messages, Contacts Number
}

// Staged returns the counts that say what is staged: all but Completed and
// Error, which move while the import runs.
func (c Count) Staged() Count {
	c.Completed, c.Error = Number{}, Number{}
	return c
}

// Number is a count that the server may leave out. Its zero value is unknown.
type Number struct {
	// Value is at least 0, and 0 if not Known.
	Value int64
	Known bool
}

// State is the operation's state as import.status (6.3.0 and later) maps it, or
// [StateUnknown] for a step that cannot be placed. It may be called on nil,
// which is no operation.
func (o *Operation) State() State {
	switch {
	case o == nil:
		return StateNone
	case !o.Valid && o.Step != "importer_done":
		return StateError
	default:
		return o.Step.state()
	}
}

// Waiting reports whether the server is fetching or preparing the file, the
// steps in which getImportFileData answers {"waiting": true}. It may be called
// on nil.
func (o *Operation) Waiting() bool {
	return o != nil && o.Valid && o.Step.waiting()
}

// tidy makes every text that came from the server fit to be shown. The token is
// taken out, should the server, or something in front of it, echo the request.
func (o *Operation) tidy(token string) {
	for _, text := range []*string{&o.ID, &o.Importer, &o.Type, (*string)(&o.Step)} {
		*text = beginning(printable(withoutSecret(*text, token)), maxLabel)
	}
}

// decodeOperationReply reads a reply of getCurrentImportOperation. The
// operation is nil if there never was one.
func decodeOperationReply(d *decoder) (operation *Operation, said refusal, err error) {
	_, err = d.object(func(name []byte) (fields, error) {
		return said.field(d, name, func(d *decoder, name []byte) (_ fields, err error) {
			if string(name) != "operation" {
				return 0, d.skip()
			}
			if d.kind() == 'n' {
				return operationField, d.skip()
			}
			operation, err = decodeOperation(d)
			return operationField, err
		})
	})
	if err == nil {
		err = d.end()
	}
	if err == nil && operation == nil && !said.told {
		err = &shapeError{"the reply has neither an operation nor success"}
	}
	return operation, said, err
}

// decodeOperation reads one operation record.
func decodeOperation(d *decoder) (*Operation, error) {
	var o Operation
	_, err := d.object(func(name []byte) (fields, error) {
		switch string(name) {
		case "_id":
			return 1 << 0, d.text(&o.ID)
		case "importerKey":
			return 1 << 1, d.optionalText(&o.Importer)
		case "type":
			return 1 << 2, d.optionalText(&o.Type)
		case "status":
			return 1 << 3, d.text((*string)(&o.Step))
		case "valid":
			return 1 << 4, d.flag(&o.Valid)
		case "ts":
			return 1 << 5, d.timestamp(&o.Created)
		case "_updatedAt":
			return 1 << 6, d.timestamp(&o.Updated)
		case "count":
			return 1 << 7, decodeCount(d, &o.Count)
		case "fileData":
			return 1 << 8, decodeFileData(d, &o.FileData)
		default:
			return 0, d.skip()
		}
	})
	switch {
	case err != nil:
		return nil, err
	case o.ID == "":
		return nil, &shapeError{"the operation has no _id"}
	case o.Step == "":
		return nil, &shapeError{"the operation has no status"}
	}
	return &o, nil
}

// decodeCount reads the field count of an operation: an object, or null.
func decodeCount(d *decoder, into *Count) error {
	if d.kind() == 'n' {
		return d.skip()
	}
	_, err := d.object(func(name []byte) (fields, error) {
		switch string(name) {
		case "total":
			return 1 << 0, d.optionalCount(&into.Total)
		case "completed":
			return 1 << 1, d.optionalCount(&into.Completed)
		case "error":
			return 1 << 2, d.optionalCount(&into.Error)
		case "users":
			return 1 << 3, d.optionalCount(&into.Users)
		case "channels":
			return 1 << 4, d.optionalCount(&into.Channels)
		case "messages":
			return 1 << 5, d.optionalCount(&into.Messages)
		case "contacts":
			return 1 << 6, d.optionalCount(&into.Contacts)
		default:
			return 0, d.skip()
		}
	})
	return err
}

// decodeFileData reads the selection that an early 3.x record carries, or null.
func decodeFileData(d *decoder, into **Selection) error {
	if d.kind() == 'n' {
		return d.skip()
	}
	var s selectionDecoder
	seen, err := d.object(func(name []byte) (fields, error) { return s.field(d, name) })
	if err != nil {
		return err
	}
	*into, err = s.selection(seen)
	return err
}

// timestamp reads a date: an ISO 8601 string, or a number of milliseconds as
// older servers give it. One that cannot be read leaves into as it is.
func (d *decoder) timestamp(into *time.Time) error {
	if kind := d.kind(); kind != '"' && kind != '0' {
		return d.skip()
	}
	value, err := d.whole()
	if err != nil {
		return err
	}
	if value.Kind() == '"' {
		if t, err := time.Parse(time.RFC3339, string(bytes.Trim(value, `"`))); err == nil {
			*into = t
		}
		return nil
	}
	*into = fromMilliseconds(value)
	return nil
}

// fromMilliseconds reads a number of milliseconds since 1970; zero for one that
// no JavaScript date can hold.
func fromMilliseconds(number jsontext.Value) time.Time {
	const limit = 8.64e15
	ms, err := strconv.ParseFloat(string(number), 64)
	if err != nil || math.Abs(ms) > limit {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}
