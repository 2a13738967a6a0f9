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
		`{"success":true,"operation":{"status":"s","_id":"a"}}`: bare,
		`{"operation":{"_id":"a","status":"s"}}`:                bare,
		`{"operation":{"_id":"a","type":null,"importerKey":null,"ts":null,"_updatedAt":null,"status":"s",
			"valid":null,"user":null,"file":null,"count":null,"fileData":null},"success":null}`: bare,
		`{"operation":{"_id":"a","type":1,"importerKey":["slack"],"ts":{},"_updatedAt":[1],"status":"s",
			"valid":"true","count":[1]},"error":{},"errorType":0,"success":true}`: bare,
		`{"operation":{"_id":"a","status":"s","count":{"contacts":7,"messages":6,"channels":5,"users":4,
			"error":3,"completed":0,"total":9223372036854775807,"spaceships":8}},"success":true}`: {
			ID: "a", Step: "s", Counts: Counts{
				Total: known(9223372036854775807), Completed: known(0), Error: known(3),
				Users: known(4), Channels: known(5), Messages: known(6), Contacts: known(7)}},
		`{"operation":{"_id":"a","status":"s","count":{"total":null,"users":null}}}`: bare,
		`{"operation":{"_id":"a","status":"s","valid":1}}`:                           {ID: "a", Step: "s", Valid: true},
		`{"operation":{"_id":"a","status":"s","valid":0}}`:                           bare,
		// Names have capitals and escapes.
		`{"operation":{"_ID":1,"_id":"a","status":"s","Status":"x","VALID":true},"Success":false}`: bare,
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

func TestARecordWithASelectionIsOfAServerThatKeepsSelections(t *testing.T) {
	for importer, pending := range map[string]bool{"pending-files": true, "pending-avatars": true, "pending": false, "slack": false, "": false} {
		o := &Operation{Importer: importer, HasFileData: true}
		assert.Equal(t, pending, o.PendingDownloads(), importer)
		assert.Equal(t, !pending, o.KeepsSelection(), importer)
	}
	assert.False(t, (&Operation{HasFileData: true, CreatedISO: true}).KeepsSelection())
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
