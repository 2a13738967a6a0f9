package rocketchatsim

import (
	"bufio"
	"strconv"
)

// Selection is how much is staged, and how many entries carry each flag. The
// entries themselves are made up while they are written, the same ones each time.
// A server from 3.14 on has no is_email_taken, and no do_import that is false,
// whatever the numbers here.
type Selection struct {
	// Users is the number of entries in users.
	Users int
	// UsersDeleted, UsersBot, UsersEmailTaken and UsersExcluded are how many of
	// the users have is_deleted, is_bot, is_email_taken, and do_import false.
	// A bot has no email.
	UsersDeleted, UsersBot, UsersEmailTaken, UsersExcluded int

	// Channels is the number of entries in channels, the direct ones included.
	Channels int
	// ChannelsArchived, ChannelsPrivate, ChannelsDirect and ChannelsExcluded are
	// how many of the channels have is_archived, is_private, is_direct, and
	// do_import false. A real server has at most one direct entry, the last:
	// __directMessages__. From 3.14 on it is private too.
	ChannelsArchived, ChannelsPrivate, ChannelsDirect, ChannelsExcluded int

	// Messages is message_count.
	Messages int

	// Contacts is the number of entries in contacts, which Latest alone has;
	// ContactsExcluded is how many of them have do_import false.
	Contacts, ContactsExcluded int
}

// records is how many records the selection stands for.
func (s Selection) records() int {
	return s.Users + s.Channels + s.Messages + s.Contacts
}

func writeName(w *bufio.Writer, name string) {
	w.WriteString(`"name":`)
	w.Write(quote(name))
	w.WriteByte(',')
}

// writeFields writes the selection's fields without the braces around them, and
// without the name.
func (s Selection) writeFields(w *bufio.Writer, generation Generation) {
	if !generation.selectionInRecord {
		s.UsersEmailTaken, s.UsersExcluded, s.ChannelsExcluded, s.ContactsExcluded = 0, 0, 0, 0
	}
	writeArray(w, "users", s.Users, s.appendUser)
	w.WriteByte(',')
	writeArray(w, "channels", s.Channels, func(b []byte, i int) []byte {
		return s.appendChannel(b, i, generation.selectionInRecord)
	})
	w.WriteString(`,"message_count":`)
	w.WriteString(strconv.Itoa(s.Messages))
	if generation.contacts {
		w.WriteByte(',')
		writeArray(w, "contacts", s.Contacts, s.appendContact)
	}
}

// writeArray writes one entry at a time through one small buffer, so that a
// million of them need no memory.
func writeArray(w *bufio.Writer, name string, n int, appendEntry func([]byte, int) []byte) {
	w.WriteByte('"')
	w.WriteString(name)
	w.WriteString(`":[`)
	var buf []byte
	for i := range n {
		buf = buf[:0]
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendEntry(buf, i)
		w.Write(buf)
	}
	w.WriteByte(']')
}

func (s Selection) appendUser(b []byte, i int) []byte {
	b = append(b, `{"user_id":"U0`...)
	b = strconv.AppendInt(b, int64(i), 36)
	b = append(b, `","username":"`...)
	b = appendFullName(b, i, ".")
	b = append(b, '"')
	bot := spread(i, s.UsersBot, s.Users)
	if !bot {
		b = append(b, `,"email":"u`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `@example.com"`...)
	}
	b = append(b, `,"is_deleted":`...)
	b = strconv.AppendBool(b, spread(i, s.UsersDeleted, s.Users))
	b = append(b, `,"is_bot":`...)
	b = strconv.AppendBool(b, bot)
	b = append(b, `,"do_import":`...)
	b = strconv.AppendBool(b, !spread(i, s.UsersExcluded, s.Users))
	b = append(b, `,"is_email_taken":`...)
	b = strconv.AppendBool(b, spread(i, s.UsersEmailTaken, s.Users))
	return append(b, '}')
}

func (s Selection) appendChannel(b []byte, i int, withCreator bool) []byte {
	fromEnd := s.Channels - i
	b = append(b, `{"channel_id":"`...)
	if s.ChannelsDirect > 0 && fromEnd == 1 {
		b = append(b, `__directMessages__","name":"Direct Messages`...)
	} else {
		b = append(b, 'C', '0')
		b = strconv.AppendInt(b, int64(i), 36)
		b = append(b, `","name":"`...)
		b = append(b, topics(i)...)
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(i), 10)
	}
	b = append(b, `","is_archived":`...)
	b = strconv.AppendBool(b, i < s.ChannelsArchived)
	b = append(b, `,"do_import":`...)
	b = strconv.AppendBool(b, !spread(i, s.ChannelsExcluded, s.Channels))
	b = append(b, `,"is_private":`...)
	b = strconv.AppendBool(b, fromEnd <= s.ChannelsPrivate)
	if withCreator {
		b = append(b, `,"creator":"U00"`...)
	}
	b = append(b, `,"is_direct":`...)
	b = strconv.AppendBool(b, fromEnd <= s.ChannelsDirect)
	return append(b, '}')
}

func (s Selection) appendContact(b []byte, i int) []byte {
	b = append(b, `{"id":"V0`...)
	b = strconv.AppendInt(b, int64(i), 36)
	b = append(b, `","name":"`...)
	b = appendFullName(b, i, ` \"`)
	b = append(b, `\"","emails":["v`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `@example.com"],"phones":["+4930`...)
	b = strconv.AppendInt(b, int64(1_000_000+i), 10)
	b = append(b, `"],"do_import":`...)
	b = strconv.AppendBool(b, !spread(i, s.ContactsExcluded, s.Contacts))
	return append(b, '}')
}

// spread says whether entry i of total carries a flag that n of them carry. It is
// true exactly n times, evenly spread, for n from 0 to total.
func spread(i, n, total int) bool {
	return (i+1)*n/total > i*n/total
}

// appendFullName appends a name that is unique to i, not always ASCII.
func appendFullName(b []byte, i int, between string) []byte {
	first := [...]string{"ada", "grace", "zoë", "søren", "li", "jürgen", "maría", "олена", "kofi", "さくら", "tom"}
	last := [...]string{"okafor", "müller", "smith", "van-dyke", "nguyễn", "o'neil", "garcía"}
	b = append(b, first[i%len(first)]...)
	b = append(b, between...)
	b = append(b, last[i%len(last)]...)
	return strconv.AppendInt(b, int64(i), 10)
}

func topics(i int) string {
	topic := [...]string{"general", "random", "support", "büro", "release", "incident", "team"}
	return topic[i%len(topic)]
}
