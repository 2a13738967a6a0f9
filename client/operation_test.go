package client

import (
	"testing"
	"time"
)

func TestOperationIsReadWhateverMayBeMissing(t *testing.T) {
	base := Operation{ID: "a", Step: "importer_new"}
	with := func(change func(*Operation)) *Operation {
		o := base
		change(&o)
		return &o
	}
	for name, test := range map[string]struct {
		reply string
		want  *Operation
	}{
		"only _id and status": {`{"operation":{"_id":"a","status":"importer_new"},"success":true}`, &base},
		"success comes first": {`{"success":true,"operation":{"status":"importer_new","_id":"a"}}`, &base},
		"there is no success": {`{"operation":{"_id":"a","status":"importer_new"}}`, &base},
		"every optional field is null": {
			`{"operation":{"_id":"a","type":null,"importerKey":null,"ts":null,"_updatedAt":null,"status":"importer_new",
			"valid":null,"user":null,"file":null,"count":null,"fileData":null},"success":true}`, &base},
		"every optional field is of another kind": {
			`{"operation":{"_id":"a","type":1,"importerKey":["slack"],"ts":{},"_updatedAt":[1],"status":"importer_new",
			"valid":"true","count":[1]},"error":{},"errorType":0,"success":true}`, &base},
		"every count is null": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"total":null,"completed":null,"error":null,
			"users":null,"channels":null,"messages":null,"contacts":null}},"success":true}`, &base},
		"every count is there": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"contacts":7,"messages":6,"channels":5,"users":4,
			"error":3,"completed":2,"total":9223372036854775807,"spaceships":8}},"success":true}`,
			with(func(o *Operation) {
				o.Counts = Counts{
					Total: known(9223372036854775807), Completed: known(2), Error: known(3),
					Users: known(4), Channels: known(5), Messages: known(6), Contacts: known(7),
				}
			})},
		"a count of zero is known": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"error":0}},"success":true}`,
			with(func(o *Operation) { o.Counts.Error = known(0) })},
		"valid is 1":      {`{"operation":{"_id":"a","status":"importer_new","valid":1}}`, with(func(o *Operation) { o.Valid = true })},
		"valid is 0":      {`{"operation":{"_id":"a","status":"importer_new","valid":0}}`, &base},
		"the step is new": {`{"operation":{"_id":"a","status":"importer_x"}}`, with(func(o *Operation) { o.Step = "importer_x" })},
		"success is null": {`{"operation":{"_id":"a","status":"importer_new"},"success":null}`, &base},
		"names have capitals": {
			`{"operation":{"_ID":1,"_id":"a","status":"importer_new","Status":"x","VALID":true},"Success":false}`, &base},
		"names and values have escapes": {
			`{"op\u0065ration":{"\u005fid":"\u0061","st\u0061tus":"importer\u005fnew","typ\u0065":"Sl\u0061ck\n"}}`,
			with(func(o *Operation) { o.Type = "Slack�" })},
		"unused fields occur twice": {
			`{"x":1,"x":2,"operation":{"_id":"a","user":"u","user":"v","status":"importer_new","count":{"x":1,"x":1}}}`, &base},
		"unused fields hold anything": {
			`{"x":{"operation":[{"_id":1}]},"operation":{"user":{"_id":[[{"status":0}]]},"_id":"a","status":"importer_new"}}`, &base},
		"operation is null":          {`{"operation":null,"success":true}`, nil},
		"operation is null and last": {`{"success":true,"operation":null}`, nil},
		"operation is absent":        {`{"success":true}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, test.reply)
			if err != nil {
				t.Fatal(err)
			}
			wantOperation(t, got, test.want)
		})
	}
}

func TestACountThatIsNoWholeNumberIsUnknownAndTheOthersStayKnown(t *testing.T) {
	for _, value := range []string{"-1", "-0", "1.5", "1.0", "1e3", "9223372036854775808", `"1"`, "[1]", "{}", "true"} {
		got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","count":{"total":`+value+`,"users":2}}}`)
		if err != nil || got.Counts != (Counts{Users: known(2)}) {
			t.Errorf("%s: got %+v, %v", value, got, err)
		}
	}
}

func TestFileDataOfARecordMayHoldAnything(t *testing.T) {
	for name, test := range map[string]struct {
		importer, value string
		present         bool
		want            *Selection
	}{
		"null": {"csv", `null`, false, nil},
		"a selection": {"csv", `{"name":"CSV","users":[{"is_bot":true},{"do_import":false}],"channels":[{"is_direct":true}],"message_count":3}`, true,
			&Selection{Users: known(2), UsersBot: 1, UsersExcluded: 1, Channels: known(1), ChannelsDirect: 1, Messages: known(3)}},
		"the progress of an importer": {"slack", `{"key":"slack","name":"Slack","step":"importer_user_selection","count":{"total":0}}`, true, nil},
		"no message_count":            {"csv", `{"users":[{}],"channels":[]}`, true, &Selection{Users: known(1), Channels: known(0)}},
		"flags are 0, 1 and null": {"hipchat", `{"users":[{"is_deleted":1},{"is_deleted":0,"is_bot":null}],"channels":[],"message_count":null}`, true,
			&Selection{Users: known(2), UsersDeleted: 1, Channels: known(0)}},
		"an empty object":          {"csv", `{}`, true, nil},
		"an array":                 {"csv", `[{"users":[]}]`, true, nil},
		"a string":                 {"csv", `"users"`, true, nil},
		"a number":                 {"csv", `0`, true, nil},
		"false":                    {"csv", `false`, true, nil},
		"duplicates":               {"csv", `{"users":[{}],"users":[{},{}],"message_count":"x","message_count":7,"x":1,"x":1}`, true, &Selection{Users: known(2), Messages: known(7)}},
		"of pending files":         {"pending-files", `{"name":"Pending Files","users":[],"channels":[],"message_count":14}`, true, nil},
		"of pending avatars":       {"pending-avatars", `{"users":[],"channels":[],"message_count":14}`, true, nil},
		"of an importer like them": {"pending", `{"message_count":14}`, true, &Selection{Messages: known(14)}},
	} {
		t.Run(name, func(t *testing.T) {
			// fileData may come before the importer's key.
			got, err := askOperation(t, `{"operation":{"fileData":`+test.value+`,"_id":"a","status":"s","importerKey":"`+test.importer+`"},"success":true}`)
			if err != nil {
				t.Fatal(err)
			}
			wantOperation(t, got, &Operation{ID: "a", Step: "s", Importer: test.importer, HasFileData: test.present, Selection: test.want})
		})
	}
}

func TestPendingDownloadsAreThoseOfFilesAndAvatars(t *testing.T) {
	if (*Operation)(nil).PendingDownloads() {
		t.Error("no operation is one")
	}
	for importer, want := range map[string]bool{"pending-files": true, "pending-avatars": true, "pending-": false, "slack": false, "": false} {
		if got := (&Operation{Importer: importer}).PendingDownloads(); got != want {
			t.Errorf("%s: %v", importer, got)
		}
	}
}

func TestTimestampsAreReadInEveryFormThatServersSend(t *testing.T) {
	at := instant(t, "2026-11-24T06:31:55.842Z")
	for name, test := range map[string]struct {
		value string
		want  time.Time
		iso   bool
	}{
		"an ISO 8601 string":                {`"2026-11-24T06:31:55.842Z"`, at, true},
		"an ISO 8601 string with an offset": {`"2026-11-24T08:31:55.842+02:00"`, at, true},
		"an ISO 8601 string with an escape": {`"2026-11-24\u005406:31:55.842Z"`, at, true},
		"milliseconds":                      {`1795501915842`, at, false},
		"milliseconds with a fraction":      {`1795501915842.0`, at, false},
		"milliseconds with an exponent":     {`1.795501915842e12`, at, false},
		"zero milliseconds":                 {`0`, time.Unix(0, 0), false},
		"milliseconds before 1970":          {`-1000`, time.Unix(-1, 0), false},
		"more than any date can hold":       {`8.7e15`, time.Time{}, false},
		"more than any number can hold":     {`1e999`, time.Time{}, false},
		"milliseconds in a string":          {`"1795501915842"`, time.Time{}, false},
		"another text":                      {`"yesterday"`, time.Time{}, false},
		"an empty text":                     {`""`, time.Time{}, false},
		"a single quote mark":               {`"\""`, time.Time{}, false},
		"an object":                         {`{"$date":1795501915842}`, time.Time{}, false},
		"an array":                          {`[1795501915842]`, time.Time{}, false},
		"a boolean":                         {`true`, time.Time{}, false},
		"null":                              {`null`, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","ts":`+test.value+`,"_updatedAt":`+test.value+`}}`)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Created.Equal(test.want) || !got.Updated.Equal(test.want) {
				t.Errorf("got %v and %v, want %v", got.Created, got.Updated, test.want)
			}
			if got.CreatedISO != test.iso {
				t.Errorf("CreatedISO is %v", got.CreatedISO)
			}
		})
	}
}

func TestAnAnswerHasTheTimesOfBothClocks(t *testing.T) {
	date := time.Date(2026, 11, 25, 3, 20, 40, 0, time.UTC)
	for header, want := range map[string]time.Time{
		date.Format("Mon, 02 Jan 2006 15:04:05 GMT"): date,
		"yesterday": {},
		"":          {}, // the header is there, and empty
	} {
		for _, reply := range []string{goodOperation, `{"success":true}`} {
			before := time.Now()
			got, err := newClient(t, serve(t, answer(200, reply, "Date", header))).CurrentOperation(t.Context())
			if err != nil || !got.ServerTime.Equal(want) {
				t.Errorf("%q: the server's time is %v, %v", header, got.ServerTime, err)
			}
			if got.AnsweredAt.Before(before) || got.AnsweredAt.After(time.Now()) {
				t.Errorf("AnsweredAt %v is not between the call's start and its end", got.AnsweredAt)
			}
		}
	}
}
