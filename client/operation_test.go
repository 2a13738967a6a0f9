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
		"every count is null": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"total":null,"completed":null,"error":null,
			"users":null,"channels":null,"messages":null,"contacts":null}},"success":true}`, &base},
		"every count is there": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"contacts":7,"messages":6,"channels":5,"users":4,
			"error":3,"completed":2,"total":9223372036854775807,"spaceships":8}},"success":true}`,
			with(func(o *Operation) {
				o.Count = Count{
					Total: known(9223372036854775807), Completed: known(2), Error: known(3),
					Users: known(4), Channels: known(5), Messages: known(6), Contacts: known(7),
				}
			})},
		"a count of zero is known": {
			`{"operation":{"_id":"a","status":"importer_new","count":{"error":0}},"success":true}`,
			with(func(o *Operation) { o.Count.Error = known(0) })},
		"a step is new": {
			`{"operation":{"_id":"a","status":"importer_spaceships","valid":true}}`,
			with(func(o *Operation) { o.Step, o.Valid = "importer_spaceships", true })},
		"names and values have escapes": {
			`{"op\u0065ration":{"\u005fid":"\u0061","st\u0061tus":"importer\u005fnew","typ\u0065":"Sl\u0061ck\n"}}`,
			with(func(o *Operation) { o.Type = "Slack�" })},
		"unused fields stand there twice": {
			`{"x":1,"x":2,"operation":{"_id":"a","user":"u","user":"v","status":"importer_new","count":{"x":1,"x":1}}}`, &base},
		"unused fields hold anything": {
			`{"x":{"operation":[{"_id":1}]},"operation":{"user":{"_id":[[{"status":0}]]},"_id":"a","status":"importer_new"}}`, &base},
		"operation is null":          {`{"operation":null,"success":true}`, nil},
		"operation is null and last": {`{"success":true,"operation":null}`, nil},
		"operation is absent":        {`{"success":true}`, nil},
		"early 3.x carries the selection": {
			`{"operation":{"fileData":{"users":[{"is_bot":true},{"do_import":false}],"channels":[{"is_direct":true}],
			"message_count":3},"_id":"a","status":"importer_new"}}`,
			with(func(o *Operation) {
				o.FileData = &Selection{Users: 2, UsersBot: 1, UsersExcluded: 1, Channels: 1, ChannelsDirect: 1, Messages: 3}
			})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, test.reply)
			if err != nil {
				t.Fatal(err)
			}
			if got != nil {
				got.AnsweredAt = time.Time{}
			}
			wantOperation(t, got, test.want)
		})
	}
}

func TestTimestampsAreReadInEveryFormThatServersGive(t *testing.T) {
	at := instant(t, "2026-11-24T06:31:55.842Z")
	for name, test := range map[string]struct {
		value string
		want  time.Time
	}{
		"an ISO 8601 string":                {`"2026-11-24T06:31:55.842Z"`, at},
		"an ISO 8601 string with an offset": {`"2026-11-24T08:31:55.842+02:00"`, at},
		"milliseconds":                      {`1795501915842`, at},
		"milliseconds with a fraction":      {`1795501915842.0`, at},
		"milliseconds with an exponent":     {`1.795501915842e12`, at},
		"zero milliseconds":                 {`0`, time.Unix(0, 0)},
		"milliseconds before 1970":          {`-1000`, time.Unix(-1, 0)},
		"more than any date can hold":       {`8.7e15`, time.Time{}},
		"more than any number can hold":     {`1e999`, time.Time{}},
		"another text":                      {`"yesterday"`, time.Time{}},
		"an empty text":                     {`""`, time.Time{}},
		"a single quote mark":               {`"\""`, time.Time{}},
		"an object":                         {`{"$date":1795501915842}`, time.Time{}},
		"an array":                          {`[1795501915842]`, time.Time{}},
		"a boolean":                         {`true`, time.Time{}},
		"null":                              {`null`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, `{"operation":{"_id":"a","status":"s","ts":`+test.value+`,"_updatedAt":`+test.value+`}}`)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Created.Equal(test.want) || !got.Updated.Equal(test.want) {
				t.Errorf("got %v and %v, want %v", got.Created, got.Updated, test.want)
			}
		})
	}
}
