package client

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Selection counts what is staged for import, as getImportFileData returns it (3.0 to 8.x) or as a
// record before 3.14.0 stores it. Each part is known for itself.
type Selection struct {
	// Users, Channels and Contacts are the lengths of the lists; Messages is message_count. All
	// direct conversations together are one channel. Contacts are unknown before 7.x.
	Users, Channels, Messages, Contacts OptionalCount
	// UsersDeleted, UsersBot, UsersEmailTaken and UsersExcluded count the users with is_deleted,
	// is_bot, is_email_taken, or do_import false. They are 0 if Users is unknown.
	UsersDeleted, UsersBot, UsersEmailTaken, UsersExcluded int64
	// ChannelsArchived, ChannelsPrivate, ChannelsDirect and ChannelsExcluded
	// count the channels with these flags. They are 0 if Channels is unknown.
	ChannelsArchived, ChannelsPrivate, ChannelsDirect, ChannelsExcluded int64
}

// FileData is an answer of getImportFileData.
type FileData struct {
	Waiting   bool       // the server is still preparing the file
	Selection *Selection // nil if Waiting
	Instance  string     // as in [OperationAnswer]; it is set beside an error, too
}

// fileDataReply is the reply of getImportFileData.
type fileDataReply struct {
	envelope
	selectionParts
	Waiting once[flag] `json:"waiting"`
}

func (r *fileDataReply) check() error {
	if r.Waiting.value == yes || r.Users.count.Known || r.Channels.count.Known || r.Messages.Known {
		return nil
	}
	return errors.New("the reply has no users, channels or message_count that can be read")
}

// selectionParts is a selection as a server sends it. The last one of duplicate
// fields counts, as in JSON.parse.
type selectionParts struct {
	Users    list          `json:"users"`
	Channels list          `json:"channels"`
	Contacts list          `json:"contacts"`
	Messages OptionalCount `json:"message_count"`
}

// selection returns the parts that are known, or nil if there are none.
func (p *selectionParts) selection() *Selection {
	u, c := p.Users.values, p.Channels.values
	s := Selection{
		Users: p.Users.count, Channels: p.Channels.count, Messages: p.Messages, Contacts: p.Contacts.count,
		UsersDeleted: u[0][yes], UsersBot: u[1][yes], UsersEmailTaken: u[2][yes], UsersExcluded: u[3][no],
		ChannelsArchived: c[4][yes], ChannelsPrivate: c[5][yes], ChannelsDirect: c[6][yes], ChannelsExcluded: c[3][no],
	}
	if s == (Selection{}) {
		return nil
	}
	return &s
}

// flags are those that an element of a list may have.
var flags = [...]string{"is_deleted", "is_bot", "is_email_taken", "do_import", "is_archived", "is_private", "is_direct"}

// list counts the objects of an array, and the values of their flags, without holding an element.
// It is unknown if it is no array, if an element is no object, or if a flag is no boolean.
type list struct {
	count  OptionalCount
	values [len(flags)][invalidFlag + 1]int64 // how often each flag has which value
}

func (l *list) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = list{}
	if dec.PeekKind() != '[' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	l.count.Known = true
	for dec.PeekKind() != ']' {
		start := dec.InputOffset()
		if err := l.add(dec); err != nil {
			return err
		}
		if dec.InputOffset()-start > maxToken+int64(len(`,`)) {
			return errTokenTooLong
		}
	}
	if !l.count.Known {
		*l = list{}
	}
	_, err := dec.ReadToken()
	return err
}

// add reads an element and counts it.
func (l *list) add(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		l.count.Known = false
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	l.count.Value++
	var values [len(flags)]flag // the last one of duplicates counts
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if i := flagIndex(name); i >= 0 {
			err = values[i].UnmarshalJSONFrom(dec)
		} else if dec.PeekKind() == '"' {
			_, err = dec.ReadToken() // faster than SkipValue
		} else {
			err = dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	for i, value := range values {
		l.values[i][value]++
		if value == invalidFlag {
			l.count.Known = false
		}
	}
	_, err := dec.ReadToken()
	return err
}

// flagIndex returns the index of the flag with this name, or -1.
func flagIndex(quoted jsontext.Value) int {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		return slices.Index(flags[:], string(unquote(quoted)))
	}
	return slices.Index(flags[:], string(quoted[1:len(quoted)-1]))
}
