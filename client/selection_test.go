package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSelectionIsCountedInItsPartsWhateverMayBeMissing(t *testing.T) {
	none := known(0)
	for reply, want := range map[string]Selection{
		// Counted by hand: U0 and U9 are deleted, U0 is a bot, C0 is archived, the
		// entry for all direct messages is private.
		recorded(t, "filedata-user_selection.json"): {
			Users: known(12), Channels: known(5), Messages: known(40),
			UsersDeleted: 2, UsersBot: 1, ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1},
		`{"users":[],"channels":[],"contacts":[],"message_count":0}`: {Users: none, Channels: none, Contacts: none, Messages: none},
		`{"users":[{"is_bot":true}],"waiting":false}`:                {Users: known(1), UsersBot: 1},
		`{"channels":[{"is_direct":true}]}`:                          {Channels: known(1), ChannelsDirect: 1},
		`{"message_count":9223372036854775807}`:                      {Messages: known(9223372036854775807)},
		`{"users":[{"is_deleted":true},{"is_bot":true},{"is_bot":true},{"is_email_taken":true},{"is_email_taken":true},
			{"is_email_taken":true},{"do_import":false},{"do_import":true}]}`: {
			Users: known(8), UsersDeleted: 1, UsersBot: 2, UsersEmailTaken: 3, UsersExcluded: 1},
		`{"channels":[{"is_archived":true},{"is_private":true},{"is_private":true},{"is_direct":true},
			{"is_direct":true},{"is_direct":true},{"do_import":false},{"do_import":true}]}`: {
			Channels: known(8), ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 3, ChannelsExcluded: 1},
		`{"users":[{"is_deleted":1,"is_bot":0,"is_email_taken":null,"do_import":0},{"do_import":1}],"channels":[{"is_private":1}]}`: {
			Users: known(2), UsersDeleted: 1, UsersExcluded: 1, Channels: known(1), ChannelsPrivate: 1},
		`{"name":null,"users":[{"user_id":null,"is_deleted":null,"do_import":null}],"channels":[{"is_archived":null}],
			"contacts":[{"emails":null}],"message_count":null,"waiting":null}`: {Users: known(1), Channels: known(1), Contacts: known(1)},
		`{"contacts":[{"id":"c","emails":["a@example.com"],"phones":[],"do_import":false,"":1},{}],"users":[]}`: {
			Users: none, Contacts: known(2)},
		// Names have escapes and capitals, strings hold what looks like more fields.
		`{"us\u0065rs":[{"is\u005fbot":true}],"\u0063hannels":[{"is_dir\u0065ct":true}],"message\u005fcount":5}`: {
			Users: known(1), UsersBot: 1, Channels: known(1), ChannelsDirect: 1, Messages: known(5)},
		`{"Users":[{}],"users":[{"IS_BOT":true}]}`: {Users: known(1)},
		`{"users":[{"username":"a\\","is_bot":true},{"username":"\",\"is_deleted\":true,\"","x":["\"]}"],"is_bot":true}]}`: {
			Users: known(2), UsersBot: 2},
		`{"x":{"users":[{"is_bot":true}],"message_count":9},"users":[{"x":{"is_bot":true}}],"message_count":1}`: {
			Users: known(1), Messages: known(1)},
		// The last of duplicates counts.
		`{"users":[{},{}],"users":[{"is_bot":true,"is_bot":false,"is_deleted":0,"is_deleted":true}],"message_count":2,"message_count":1}`: {
			Users: known(1), UsersDeleted: 1, Messages: known(1)},
		// Names of people are not UTF-8.
		"{\"users\":[{\"username\":\"\\ud83d\"},{\"username\":\"\xff\xfe\"},{\"\xff\":\"\\udc00\"}],\"channels\":[{\"name\":\"\xc3\"}]}": {
			Users: known(3), Channels: known(1)},
		" {\n\t\"users\" : [ { } , { \"x\" : -1.5e3 , \"is_bot\" : true } ] ,\r\n \"channels\" : [ ] , \"message_count\" : 1 } \n ": {
			Users: known(2), UsersBot: 1, Channels: none, Messages: known(1)},
	} {
		got, err := askFileData(t, reply)
		require.NoError(t, err, reply)
		assert.Equal(t, FileData{Selection: &want}, got, reply)
	}
}

func TestAPartOfAnotherKindIsUnknownAndTheRestIsRead(t *testing.T) {
	parts := map[string]string{
		"users": `[{"is_bot":true}]`, "channels": `[{"is_direct":true}]`, "contacts": `[{}]`, "message_count": `1`,
	}
	all := Selection{Users: known(1), UsersBot: 1, Channels: known(1), ChannelsDirect: 1, Contacts: known(1), Messages: known(1)}
	noUsers, noChannels, noContacts, noMessages := all, all, all, all
	noUsers.Users, noUsers.UsersBot = OptionalCount{}, 0
	noChannels.Channels, noChannels.ChannelsDirect = OptionalCount{}, 0
	noContacts.Contacts, noMessages.Messages = OptionalCount{}, OptionalCount{}

	noLists := []string{"null", "{}", `"[]"`, "true", "0", `{"a":[{}]}`, "[null]", "[1]", `["a"]`, "[[]]", "[{},null]", "[null,{}]"}
	for _, test := range []struct {
		part   string
		want   Selection
		values []string
	}{
		{"users", noUsers, append(noLists,
			`[{"is_deleted":"true"}]`, `[{"is_bot":[]}]`, `[{"is_email_taken":{}}]`, `[{"do_import":2},{"is_bot":true}]`, `[{"is_bot":1.0}]`)},
		{"channels", noChannels, append(noLists,
			`[{"is_archived":"true"}]`, `[{"is_private":[]}]`, `[{"is_direct":{}}]`, `[{"do_import":-1},{"is_direct":true}]`)},
		{"contacts", noContacts, noLists},
		{"message_count", noMessages, []string{"-1", "-0", "0.5", "1e3", "9223372036854775808", "null", "{}", `"1"`, "true", "[1]"}},
	} {
		for _, value := range test.values {
			reply := `{"success":true`
			for part, usual := range parts {
				if part == test.part {
					usual = value
				}
				reply += `,"` + part + `":` + usual
			}
			got, err := askFileData(t, reply+"}")
			require.NoError(t, err, reply)
			assert.Equal(t, FileData{Selection: &test.want}, got, reply)
		}
	}
}

func TestWaitingIsReadWhateverIsBesideIt(t *testing.T) {
	for _, reply := range []string{
		recorded(t, "filedata-waiting.json"),
		`{"waiting":true}`,
		`{"waiting":true,"users":[{}],"channels":[],"message_count":1,"success":true}`,
	} {
		got, err := askFileData(t, reply)
		require.NoError(t, err, reply)
		assert.Equal(t, FileData{Waiting: true}, got, reply)
	}
}
