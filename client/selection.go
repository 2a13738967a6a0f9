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

// The flags of a user and of a channel.
var (
	userFlags    = []string{"is_deleted", "is_bot", "is_email_taken", "do_import"}
	channelFlags = []string{"is_archived", "is_private", "is_direct", "do_import"}
)

func (s *selectionDecoder) users(d *decoder) error {
	return d.array(func() error {
		yes, no, err := d.flags(userFlags)
		s.Users++
		s.UsersDeleted += yes.one(0)
		s.UsersBot += yes.one(1)
		s.UsersEmailTaken += yes.one(2)
		s.UsersExcluded += no.one(3)
		return err
	})
}

func (s *selectionDecoder) channels(d *decoder) error {
	return d.array(func() error {
		yes, no, err := d.flags(channelFlags)
		s.Channels++
		s.ChannelsArchived += yes.one(0)
		s.ChannelsPrivate += yes.one(1)
		s.ChannelsDirect += yes.one(2)
		s.ChannelsExcluded += no.one(3)
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

// one is what the bit at index i adds to a count.
func (f fields) one(i int) int64 { return int64(f >> i & 1) }
