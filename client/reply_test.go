package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// instant reads a time.
func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

func TestOperationIsReadWhateverMayBeMissing(t *testing.T) {
	bare := &Operation{ID: "a", Step: "s"}
	for reply, want := range map[string]*Operation{
		recorded(t, "operation-done.json"): {
			ID: "6b052f5bf6f884453d01b94f", Importer: "slack", Type: "Slack", Step: "importer_done", Valid: true,
			Created: instant(t, "2026-11-24T06:31:55.842Z"), CreatedISO: true, Updated: instant(t, "2026-11-24T06:31:57.038Z"),
			Counts: Counts{Total: known(57), Completed: known(57), Error: known(0), Users: known(12), Channels: known(5), Messages: known(40)},
		},
		`{"operation":{"_id":"a","status":"s"},"success":true}`: bare,
		`{"operation":{"_id":"a","type":null,"importerKey":null,"ts":null,"_updatedAt":null,"status":"s",
			"valid":null,"user":null,"file":null,"count":null,"fileData":null},"success":null}`: bare,
		`{"operation":{"_id":"a","type":1,"importerKey":["slack"],"ts":{},"_updatedAt":[1],"status":"s",
			"valid":"true","count":[1]},"error":{},"errorType":0,"success":true}`: bare,
		`{"operation":{"_id":"a","status":"s","count":{"contacts":7,"messages":6,"channels":5,"users":4,
			"error":3,"completed":0,"total":9223372036854775807,"spaceships":8}},"success":true}`: {
			ID: "a", Step: "s", Counts: Counts{
				Total: known(9223372036854775807), Completed: known(0), Error: known(3),
				Users: known(4), Channels: known(5), Messages: known(6), Contacts: known(7)}},
		`{"op\u0065ration":{"\u005fid":"\u0061","st\u0061tus":"\u0073","typ\u0065":"Sl\u0061ck\n"}}`: {
			ID: "a", Step: "s", Type: "Slack\ufffd"},
		`{"operation":null,"success":true}`: nil,
		`{"success":true}`:                  nil,
	} {
		got, err := askOperation(t, reply)
		require.NoError(t, err, reply)
		assert.Equal(t, want, got, reply)
	}
}

func TestPendingDownloads(t *testing.T) {
	for importer, pending := range map[string]bool{"pending-files": true, "pending-avatars": true, "pending": false, "slack": false} {
		assert.Equal(t, pending, (&Operation{Importer: importer}).PendingDownloads(), importer)
	}
	assert.False(t, (*Operation)(nil).PendingDownloads())
}

func TestTimestampsAreReadInEveryFormThatServersSend(t *testing.T) {
	for want, values := range map[time.Time][]string{
		instant(t, "2026-11-24T06:31:55.842Z"): {
			`"2026-11-24T06:31:55.842Z"`, `"2026-11-24T08:31:55.842+02:00"`, `"2026-11-24\u005406:31:55.842Z"`,
			`1795501915842`, `1795501915842.0`, `1.795501915842e12`},
		time.Unix(0, 0):         {`0`},
		time.Unix(-1, 0):        {`-1000`},
		time.UnixMilli(8.64e15): {`8.64e15`}, // the last that a JavaScript date can hold
		{}: {`8.7e15`, `-8.7e15`, `1e999`, `"1795501915842"`, `"yesterday"`, `""`, `"\""`,
			`{"$date":1795501915842}`, `[1795501915842]`, `true`, `null`},
	} {
		for _, value := range values {
			got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","ts":`+value+`,"_updatedAt":`+value+`}}`)
			require.NoError(t, err, value)
			assert.WithinDuration(t, want, got.Created, 0, value)
			assert.WithinDuration(t, want, got.Updated, 0, value)
			assert.Equal(t, !want.IsZero() && value[0] == '"', got.CreatedISO, value)
		}
	}
}

func TestAnAnswerHasTheTimesOfBothClocks(t *testing.T) {
	for header, want := range map[string]time.Time{
		"Wed, 25 Nov 2026 03:20:40 GMT": instant(t, "2026-11-25T03:20:40Z"),
		"yesterday":                     {},
		"":                              {}, // the header is there, and empty
	} {
		before := time.Now()
		got := look(t, newClient(t, serve(t, answer(200, goodOperation, "Date", header))))
		assert.Equal(t, want, got.ServerTime)
		assert.WithinRange(t, got.AnsweredAt, before, time.Now())
	}
}

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
		got, err := newClient(t, serve(t, answer(200, reply))).FileData(t.Context())
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
		got, err := newClient(t, serve(t, answer(200, reply))).FileData(t.Context())
		require.NoError(t, err, reply)
		assert.Equal(t, FileData{Waiting: true}, got, reply)
	}
}
