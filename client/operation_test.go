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
	base := &Operation{ID: "a", Step: "importer_new"}
	for name, test := range map[string]struct {
		reply string
		want  *Operation
	}{
		"of 8.x": {recorded(t, "operation-done.json"), &Operation{
			ID: "6b052f5bf6f884453d01b94f", Importer: "slack", Type: "Slack", Step: "importer_done", Valid: true,
			Created: instant(t, "2026-11-24T06:31:55.842Z"), CreatedISO: true, Updated: instant(t, "2026-11-24T06:31:57.038Z"),
			Counts: Counts{
				Total: known(57), Completed: known(57), Error: known(0), Users: known(12), Channels: known(5), Messages: known(40)},
		}},
		"only _id and status": {`{"operation":{"_id":"a","status":"importer_new"},"success":true}`, base},
		"success comes first": {`{"success":true,"operation":{"status":"importer_new","_id":"a"}}`, base},
		"there is no success": {`{"operation":{"_id":"a","status":"importer_new"}}`, base},
		"every optional field is null": {
			`{"operation":{"_id":"a","type":null,"importerKey":null,"ts":null,"_updatedAt":null,"status":"importer_new",
			"valid":null,"user":null,"file":null,"count":null,"fileData":null},"success":null}`, base},
		"every optional field is of another kind": {
			`{"operation":{"_id":"a","type":1,"importerKey":["slack"],"ts":{},"_updatedAt":[1],"status":"importer_new",
			"valid":"true","count":[1]},"error":{},"errorType":0,"success":true}`, base},
		"every count is null": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"total":null,"completed":null,"error":null,
			"users":null,"channels":null,"messages":null,"contacts":null}},"success":true}`, base},
		"every count is there": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"contacts":7,"messages":6,"channels":5,"users":4,
			"error":3,"completed":0,"total":9223372036854775807,"spaceships":8}},"success":true}`,
			&Operation{ID: "a", Step: "importer_new", Counts: Counts{
				Total: known(9223372036854775807), Completed: known(0), Error: known(3),
				Users: known(4), Channels: known(5), Messages: known(6), Contacts: known(7)}}},
		"valid is 1":          {`{"operation":{"_id":"a","status":"s","valid":1}}`, &Operation{ID: "a", Step: "s", Valid: true}},
		"valid is 0":          {`{"operation":{"_id":"a","status":"importer_new","valid":0}}`, base},
		"names have capitals": {`{"operation":{"_ID":1,"_id":"a","status":"importer_new","Status":"x","VALID":true},"Success":false}`, base},
		"names and values have escapes": {
			`{"op\u0065ration":{"\u005fid":"\u0061","st\u0061tus":"importer\u005fnew","typ\u0065":"Sl\u0061ck\n"}}`,
			&Operation{ID: "a", Step: "importer_new", Type: "Slack�"}},
		"unused fields occur twice": {
			`{"x":1,"x":2,"operation":{"_id":"a","user":"u","user":"v","status":"importer_new","count":{"x":1,"x":1}}}`, base},
		"unused fields hold anything": {
			`{"x":{"operation":[{"_id":1}]},"operation":{"user":{"_id":[[{"status":0}]]},"_id":"a","status":"importer_new"}}`, base},
		"operation is null":   {`{"operation":null,"success":true}`, nil},
		"operation is absent": {`{"success":true}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, test.reply)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestACountThatIsNoWholeNumberIsUnknownAndTheOthersStayKnown(t *testing.T) {
	for _, value := range []string{"-1", "-0", "1.5", "1.0", "1e3", "9223372036854775808", `"1"`, "[1]", "{}", "true"} {
		got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","count":{"total":`+value+`,"users":2}}}`)
		require.NoError(t, err, value)
		assert.Equal(t, Counts{Users: known(2)}, got.Counts, value)
	}
}

func TestFileDataOfARecordMayHoldAnything(t *testing.T) {
	for value, want := range map[string]*Selection{
		`{"name":"CSV","users":[{"is_bot":true},{"do_import":false}],"channels":[{"is_direct":true}],"message_count":3}`: {
			Users: known(2), UsersBot: 1, UsersExcluded: 1, Channels: known(1), ChannelsDirect: 1, Messages: known(3)},
		`{"key":"slack","name":"Slack","step":"importer_user_selection","count":{"total":0}}`: nil,
		`{"users":[{}],"channels":[]}`: {Users: known(1), Channels: known(0)},
		`{"users":[{}],"users":[{},{}],"message_count":"x","message_count":7,"x":1,"x":1}`: {Users: known(2), Messages: known(7)},
		`null`: nil, `{}`: nil, `[{"users":[]}]`: nil, `"users"`: nil, `0`: nil, `false`: nil,
	} {
		for _, importer := range []string{"csv", "pending", "pending-files", "pending-avatars"} {
			// fileData may come before the importer's key.
			got, err := askOperation(t, `{"operation":{"fileData":`+value+`,"_id":"a","status":"s","importerKey":"`+importer+`"},"success":true}`)
			require.NoError(t, err)
			selection := want
			if got.PendingDownloads() {
				selection = nil
			}
			assert.Equal(t, &Operation{ID: "a", Step: "s", Importer: importer, HasFileData: value != "null", Selection: selection}, got)
		}
	}
}

func TestARecordWithASelectionIsOfAServerThatKeepsSelections(t *testing.T) {
	assert.True(t, (&Operation{HasFileData: true}).KeepsSelection())
	assert.False(t, (&Operation{HasFileData: true, CreatedISO: true}).KeepsSelection())
	assert.False(t, (&Operation{HasFileData: true, Importer: "pending-files"}).KeepsSelection())
	assert.False(t, (&Operation{}).KeepsSelection())
	assert.False(t, (*Operation)(nil).KeepsSelection())
	assert.False(t, (*Operation)(nil).PendingDownloads())
}

func TestTimestampsAreReadInEveryFormThatServersSend(t *testing.T) {
	at := instant(t, "2026-11-24T06:31:55.842Z")
	for _, test := range []struct {
		want   time.Time
		iso    bool
		values []string
	}{
		{at, true, []string{`"2026-11-24T06:31:55.842Z"`, `"2026-11-24T08:31:55.842+02:00"`, `"2026-11-24\u005406:31:55.842Z"`}},
		{at, false, []string{`1795501915842`, `1795501915842.0`, `1.795501915842e12`}},
		{time.Unix(0, 0), false, []string{`0`}},
		{time.Unix(-1, 0), false, []string{`-1000`}},
		{time.UnixMilli(8.64e15), false, []string{`8.64e15`}}, // the last that a JavaScript date can hold
		{time.Time{}, false, []string{
			`8.7e15`, `-8.7e15`, `1e999`, `"1795501915842"`, `"yesterday"`, `""`, `"\""`, `{"$date":1795501915842}`, `[1795501915842]`, `true`, `null`}},
	} {
		for _, value := range test.values {
			got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","ts":`+value+`,"_updatedAt":`+value+`}}`)
			require.NoError(t, err, value)
			assert.WithinDuration(t, test.want, got.Created, 0, value)
			assert.WithinDuration(t, test.want, got.Updated, 0, value)
			assert.Equal(t, test.iso, got.CreatedISO, value)
		}
	}
}

func TestAnAnswerHasTheTimesOfBothClocks(t *testing.T) {
	for header, want := range map[string]time.Time{
		"Wed, 25 Nov 2026 03:20:40 GMT": instant(t, "2026-11-25T03:20:40Z"),
		"yesterday":                     {},
		"":                              {}, // the header is there, and empty
	} {
		for _, reply := range []string{goodOperation, `{"success":true}`} {
			before := time.Now()
			got, err := newClient(t, serve(t, answer(200, reply, "Date", header))).CurrentOperation(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, got.ServerTime)
			assert.WithinRange(t, got.AnsweredAt, before, time.Now())
		}
	}
}
