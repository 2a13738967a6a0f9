package rocketchatsim

import (
	"bufio"
	"fmt"
)

// Selection is how much is staged, and how many entries carry each flag. The entries themselves are
// made up while they are written, the same ones each time. A server from 3.14 on has no
// is_email_taken, and no do_import that is false, whatever the numbers here.
type Selection struct {
	// Users is the number of entries in users.
	Users int
	// How many of the users have is_deleted, is_bot, is_email_taken, and do_import
	// false. A bot has no email.
	UsersDeleted, UsersBot, UsersEmailTaken, UsersExcluded int

	// Channels is the number of entries in channels, the direct ones included.
	Channels int
	// How many of the channels have is_archived, is_private, is_direct, and
	// do_import false. A real server has at most one direct entry, the last.
	ChannelsArchived, ChannelsPrivate, ChannelsDirect, ChannelsExcluded int

	// Messages is message_count.
	Messages int
	// Contacts is the number of entries in contacts, which Latest alone has.
	Contacts int
}

// records is how many records the selection stands for.
func (s Selection) records() int {
	return s.Users + s.Channels + s.Messages + s.Contacts
}

// fields returns what writes the selection's fields without the braces around them.
// It writes one entry at a time, so that a million of them need no memory.
func (s Selection) fields(name string, generation Generation) func(*bufio.Writer) {
	creator := `,"creator":"U00"`
	if !generation.selectionInRecord {
		s.UsersEmailTaken, s.UsersExcluded, s.ChannelsExcluded = 0, 0, 0
		creator = ""
	}
	return func(w *bufio.Writer) {
		if !generation.selectionInRecord {
			fmt.Fprintf(w, `"name":%q,`, name)
		}
		writeArray(w, "users", s.Users, func(i int) {
			bot, email := spread(i, s.UsersBot, s.Users), ""
			if !bot {
				email = fmt.Sprintf(`,"email":"u%d@example.com"`, i)
			}
			fmt.Fprintf(w, `{"user_id":"U%d","username":"zoë.müller%d"%s,"is_deleted":%t,"is_bot":%t,"do_import":%t,"is_email_taken":%t}`,
				i, i, email, spread(i, s.UsersDeleted, s.Users), bot,
				!spread(i, s.UsersExcluded, s.Users), spread(i, s.UsersEmailTaken, s.Users))
		})
		w.WriteByte(',')
		writeArray(w, "channels", s.Channels, func(i int) {
			fromEnd := s.Channels - i
			id, name := fmt.Sprint("C", i), fmt.Sprint("büro-", i)
			if s.ChannelsDirect > 0 && fromEnd == 1 {
				id, name = "__directMessages__", "Direct Messages"
			}
			fmt.Fprintf(w, `{"channel_id":"%s","name":"%s","is_archived":%t,"do_import":%t,"is_private":%t%s,"is_direct":%t}`,
				id, name, i < s.ChannelsArchived, !spread(i, s.ChannelsExcluded, s.Channels),
				fromEnd <= s.ChannelsPrivate, creator, fromEnd <= s.ChannelsDirect)
		})
		fmt.Fprintf(w, `,"message_count":%d`, s.Messages)
		if generation.contacts {
			w.WriteByte(',')
			writeArray(w, "contacts", s.Contacts, func(i int) {
				fmt.Fprintf(w, `{"id":"V%d","name":"Zoë \"%d\"","emails":["v%d@example.com"],"phones":["+4930%d"],"do_import":true}`, i, i, i, 1_000_000+i)
			})
		}
	}
}

func writeArray(w *bufio.Writer, name string, n int, writeEntry func(i int)) {
	fmt.Fprintf(w, `"%s":[`, name)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		writeEntry(i)
	}
	w.WriteByte(']')
}

// spread says whether entry i of total carries a flag that n of them carry. It is
// true exactly n times, evenly spread, for n from 0 to total.
func spread(i, n, total int) bool {
	return (i+1)*n/total > i*n/total
}
