package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSelectionIsCountedInItsParts(t *testing.T) {
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
		// The last of duplicates counts.
		`{"users":[{},{}],"users":[{"is_bot":true,"is_bot":false,"is_deleted":0,"is_deleted":true}],"message_count":2,"message_count":1}`: {
			Users: known(1), UsersDeleted: 1, Messages: known(1)},
	} {
		got, err := askFileData(t, reply)
		require.NoError(t, err, reply)
		assert.Equal(t, FileData{Selection: &want}, got, reply)
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
