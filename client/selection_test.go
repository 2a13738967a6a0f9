package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSelectionIsCountedInItsPartsWhateverMayBeMissing(t *testing.T) {
	none := known(0)
	for name, test := range map[string]struct {
		reply string
		want  Selection
	}{
		// Counted by hand: U0 and U9 are deleted, U0 is a bot, C0 is archived, the
		// entry for all direct messages is private.
		"of a Slack export": {recorded(t, "filedata-user_selection.json"), Selection{
			Users: known(12), Channels: known(5), Messages: known(40),
			UsersDeleted: 2, UsersBot: 1, ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1}},
		"nothing is staged":   {`{"users":[],"channels":[],"message_count":0,"success":true}`, Selection{Users: none, Channels: none, Messages: none}},
		"success comes first": {`{"success":true,"message_count":3,"channels":[{}],"users":[{},{}]}`, Selection{Users: known(2), Channels: known(1), Messages: known(3)}},
		"only users":          {`{"users":[{"is_bot":true}]}`, Selection{Users: known(1), UsersBot: 1}},
		"only channels":       {`{"channels":[{"is_direct":true}]}`, Selection{Channels: known(1), ChannelsDirect: 1}},
		"only message_count":  {`{"message_count":9223372036854775807}`, Selection{Messages: known(9223372036854775807)}},
		"every flag of a user": {
			`{"users":[{"is_deleted":true},{"is_bot":true},{"is_bot":true},{"is_email_taken":true},{"is_email_taken":true},
			{"is_email_taken":true},{"do_import":false},{"do_import":true}]}`,
			Selection{Users: known(8), UsersDeleted: 1, UsersBot: 2, UsersEmailTaken: 3, UsersExcluded: 1}},
		"every flag of a channel": {
			`{"channels":[{"is_archived":true},{"is_private":true},{"is_private":true},{"is_direct":true},
			{"is_direct":true},{"is_direct":true},{"do_import":false},{"do_import":true}]}`,
			Selection{Channels: known(8), ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 3, ChannelsExcluded: 1}},
		"flags are 0, 1 and null": {
			`{"users":[{"is_deleted":1,"is_bot":0,"is_email_taken":null,"do_import":0},{"do_import":1}],"channels":[{"is_private":1}]}`,
			Selection{Users: known(2), UsersDeleted: 1, UsersExcluded: 1, Channels: known(1), ChannelsPrivate: 1}},
		"every field is null": {
			`{"name":null,"users":[{"user_id":null,"is_deleted":null,"is_bot":null,"do_import":null,"is_email_taken":null}],
			"channels":[{"channel_id":null,"is_archived":null,"do_import":null,"is_private":null,"is_direct":null}],
			"contacts":[{"id":null,"emails":null,"do_import":null}],"message_count":null,"waiting":null}`,
			Selection{Users: known(1), Channels: known(1), Contacts: known(1)}},
		"contacts": {
			`{"contacts":[{"id":"c","emails":["a@example.com"],"phones":[],"do_import":false,"":1},{}],"users":[]}`,
			Selection{Users: none, Contacts: known(2)}},
		"waiting is false": {`{"waiting":false,"users":[{}]}`, Selection{Users: known(1)}},
		"names have escapes": {
			`{"us\u0065rs":[{"is\u005fbot":true}],"\u0063hannels":[{"is_dir\u0065ct":true}],"message\u005fcount":5}`,
			Selection{Users: known(1), UsersBot: 1, Channels: known(1), ChannelsDirect: 1, Messages: known(5)}},
		"strings end in escapes, and hold quotes": {
			`{"users":[{"username":"a\\","is_bot":true},{"username":"\",\"is_deleted\":true,\"","x":["\"]}"],"is_bot":true}]}`,
			Selection{Users: known(2), UsersBot: 2}},
		"the last of duplicates counts": {
			`{"users":[{},{}],"users":[{"is_bot":true,"is_bot":false,"is_deleted":0,"is_deleted":true}],"message_count":2,"message_count":1}`,
			Selection{Users: known(1), UsersDeleted: 1, Messages: known(1)}},
		"unused fields hold what used ones are called": {
			`{"x":{"users":[{"is_bot":true}],"message_count":9},"users":[{"x":{"is_bot":true}}],"message_count":1}`,
			Selection{Users: known(1), Messages: known(1)}},
		"names have capitals": {`{"Users":[{}],"users":[{"IS_BOT":true}]}`, Selection{Users: known(1)}},
		"names of people are not UTF-8": {
			"{\"users\":[{\"username\":\"\\ud83d\"},{\"username\":\"\xff\xfe\"},{\"\xff\":\"\\udc00\"}],\"channels\":[{\"name\":\"\xc3\"}]}",
			Selection{Users: known(3), Channels: known(1)}},
		"space is everywhere": {
			" {\n\t\"users\" : [ { } , { \"x\" : -1.5e3 , \"is_bot\" : true } ] ,\r\n \"channels\" : [ ] , \"message_count\" : 1 } \n ",
			Selection{Users: known(2), UsersBot: 1, Channels: none, Messages: known(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askFileData(t, test.reply)
			require.NoError(t, err)
			assert.Equal(t, FileData{Selection: &test.want}, got)
		})
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
