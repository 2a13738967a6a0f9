package client

// Selection counts what is staged for import, as getImportFileData gives it
// (3.0 to 8.x) or as an early 3.x operation record carries it. All direct
// conversations together are one channel of it.
type Selection struct {
	// Users and Channels are the lengths of the arrays; Messages is message_count.
	Users, Channels, Messages int64
	// Contacts is known only where the server gives an array of them (7.x and later).
	Contacts Number

	// How many users are deleted in the source, are bots, have an e-mail
	// address that is taken in the workspace, are excluded (do_import false).
	UsersDeleted, UsersBot, UsersEmailTaken, UsersExcluded int64
	// How many channels are archived, private, direct, excluded (do_import false).
	ChannelsArchived, ChannelsPrivate, ChannelsDirect, ChannelsExcluded int64
}

// FileData is an answer of getImportFileData: a selection, or word that the
// server is still preparing the file.
type FileData struct {
	// Waiting is true where the server answered {"waiting": true}.
	Waiting bool
	// Selection is nil if Waiting.
	Selection *Selection
}

// decodeFileDataReply reads a reply of getImportFileData.
func decodeFileDataReply(d *decoder) (data FileData, said refusal, err error) {
	var s selectionDecoder
	seen, err := d.object(func(name []byte) (fields, error) {
		return said.field(d, name, func(d *decoder, name []byte) (fields, error) {
			if string(name) == "waiting" {
				return waitingField, d.flag(&data.Waiting)
			}
			return s.field(d, name)
		})
	})
	if err == nil {
		err = d.end()
	}
	if err == nil && !said.refused() && !data.Waiting {
		data.Selection, err = s.selection(seen)
	}
	return data, said, err
}

// selectionDecoder gathers the fields of one selection in whatever order they come.
type selectionDecoder struct{ Selection }

// The fields of a selection.
const (
	usersField fields = 1 << iota
	channelsField
	messagesField
	contactsField
)

// field reads the value of the field name.
func (s *selectionDecoder) field(d *decoder, name []byte) (fields, error) {
	switch string(name) {
	case "users":
		return usersField, s.users(d)
	case "channels":
		return channelsField, s.channels(d)
	case "contacts":
		return contactsField, s.contacts(d)
	case "message_count":
		return messagesField, d.count(&s.Messages)
	default:
		return 0, d.skip()
	}
}

// selection returns what was counted, given which fields there were. Every
// server gives users, channels and message_count.
func (s *selectionDecoder) selection(seen fields) (*Selection, error) {
	switch {
	case !seen.has(usersField):
		return nil, &shapeError{"the selection has no users"}
	case !seen.has(channelsField):
		return nil, &shapeError{"the selection has no channels"}
	case !seen.has(messagesField):
		return nil, &shapeError{"the selection has no message_count"}
	default:
		return &s.Selection, nil
	}
}

func (s *selectionDecoder) users(d *decoder) error {
	var deleted, bot, taken, wanted bool
	field := func(name []byte) (fields, error) {
		switch string(name) {
		case "is_deleted":
			return 1 << 0, d.flag(&deleted)
		case "is_bot":
			return 1 << 1, d.flag(&bot)
		case "is_email_taken":
			return 1 << 2, d.flag(&taken)
		case "do_import":
			return 1 << 3, d.flag(&wanted)
		default:
			return 0, d.skip()
		}
	}
	return d.array(func() error {
		deleted, bot, taken, wanted = false, false, false, true
		_, err := d.object(field)
		s.Users++
		s.UsersDeleted += one(deleted)
		s.UsersBot += one(bot)
		s.UsersEmailTaken += one(taken)
		s.UsersExcluded += one(!wanted)
		return err
	})
}

func (s *selectionDecoder) channels(d *decoder) error {
	var archived, private, direct, wanted bool
	field := func(name []byte) (fields, error) {
		switch string(name) {
		case "is_archived":
			return 1 << 0, d.flag(&archived)
		case "is_private":
			return 1 << 1, d.flag(&private)
		case "is_direct":
			return 1 << 2, d.flag(&direct)
		case "do_import":
			return 1 << 3, d.flag(&wanted)
		default:
			return 0, d.skip()
		}
	}
	return d.array(func() error {
		archived, private, direct, wanted = false, false, false, true
		_, err := d.object(field)
		s.Channels++
		s.ChannelsArchived += one(archived)
		s.ChannelsPrivate += one(private)
		s.ChannelsDirect += one(direct)
		s.ChannelsExcluded += one(!wanted)
		return err
	})
}

func (s *selectionDecoder) contacts(d *decoder) error {
	s.Contacts.Known = true
	return d.array(func() error {
		s.Contacts.Value++
		if err := d.expect('{'); err != nil {
			return err
		}
		return d.skip()
	})
}

// one is what a flag adds to a count.
func one(flag bool) int64 {
	if flag {
		return 1
	}
	return 0
}
