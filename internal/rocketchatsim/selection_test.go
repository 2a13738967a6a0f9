package rocketchatsim_test

import (
	"strings"
	"testing"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

type entry map[string]any

type selectionReply struct {
	Users    []entry
	Channels []entry
	Contacts []entry
	Messages int `json:"message_count"`
	Success  bool
}

// count returns how many entries have this value.
func count(entries []entry, field string, value any) int {
	n := 0
	for _, e := range entries {
		if e[field] == value {
			n++
		}
	}
	return n
}

func TestASelectionHasTheNumbersItWasGiven(t *testing.T) {
	given := sim.Selection{
		Users: 1009, UsersDeleted: 100, UsersBot: 1, UsersEmailTaken: 1009, UsersExcluded: 7,
		Channels: 53, ChannelsArchived: 5, ChannelsPrivate: 20, ChannelsDirect: 1, ChannelsExcluded: 53,
		Messages: 12345, Contacts: 11, ContactsExcluded: 3,
	}
	for _, generation := range sim.Generations() {
		want := given
		if generation != sim.Early3 { // whose flags alone vary
			want.UsersEmailTaken, want.UsersExcluded, want.ChannelsExcluded, want.ContactsExcluded = 0, 0, 0, 0
		}
		if generation != sim.Latest {
			want.Contacts, want.ContactsExcluded = 0, 0
		}
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.place(sim.StepUserSelection, func(op *sim.Operation) { op.Count.Contacts = new(11) })
		w.must(w.SetSelection(given))
		first := w.get(sim.GetImportFileData).body
		reply := decode[selectionReply](t, first)
		got := sim.Selection{
			Users:            len(reply.Users),
			UsersDeleted:     count(reply.Users, "is_deleted", true),
			UsersBot:         count(reply.Users, "is_bot", true),
			UsersEmailTaken:  count(reply.Users, "is_email_taken", true),
			UsersExcluded:    count(reply.Users, "do_import", false),
			Channels:         len(reply.Channels),
			ChannelsArchived: count(reply.Channels, "is_archived", true),
			ChannelsPrivate:  count(reply.Channels, "is_private", true),
			ChannelsDirect:   count(reply.Channels, "is_direct", true),
			ChannelsExcluded: count(reply.Channels, "do_import", false),
			Messages:         reply.Messages,
			Contacts:         len(reply.Contacts),
			ContactsExcluded: count(reply.Contacts, "do_import", false),
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", generation, got, want)
		}
		counted := w.record()["count"].(map[string]any)["contacts"]
		if (counted != nil) != (generation == sim.Latest) || strings.Contains(first, `"name":"Slack"`) == (generation == sim.Early3) {
			t.Errorf("%s: count.contacts %v, selection %.40s", generation, counted, first)
		}
		direct := reply.Channels[len(reply.Channels)-1]
		if direct["channel_id"] != "__directMessages__" || direct["is_direct"] != true || (direct["creator"] != nil) != (generation == sim.Early3) {
			t.Errorf("%s: the last channel is %v, want the direct messages", generation, direct)
		}
		for _, field := range []string{"user_id", "username", "email"} {
			seen := map[any]bool{}
			for _, user := range reply.Users {
				seen[user[field]] = true
			}
			if len(seen) != given.Users { // the one bot has no email, which counts as a value
				t.Errorf("%d different values of %s, want %d", len(seen), field, given.Users)
			}
		}
		if again := w.get(sim.GetImportFileData).body; again != first {
			t.Error("a second reading differs")
		}
	}
}
