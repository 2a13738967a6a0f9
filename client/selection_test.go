package client

import (
	"strings"
	"testing"
)

func TestSelectionIsCountedWhateverMayBeMissing(t *testing.T) {
	for name, test := range map[string]struct {
		reply string
		want  Selection
	}{
		"nothing is staged": {`{"users":[],"channels":[],"message_count":0,"success":true}`, Selection{}},
		"success comes first": {
			`{"success":true,"message_count":3,"channels":[{}],"users":[{},{}]}`,
			Selection{Users: 2, Channels: 1, Messages: 3}},
		"there is no success": {`{"channels":[],"message_count":1,"users":[]}`, Selection{Messages: 1}},
		"every flag of a user": {
			`{"users":[{"is_deleted":true},{"is_bot":true},{"is_bot":true},{"is_email_taken":true},{"is_email_taken":true},
			{"is_email_taken":true},{"do_import":false},{"do_import":true}],"channels":[],"message_count":0}`,
			Selection{Users: 8, UsersDeleted: 1, UsersBot: 2, UsersEmailTaken: 3, UsersExcluded: 1}},
		"every flag of a channel": {
			`{"users":[],"channels":[{"is_archived":true},{"is_private":true},{"is_private":true},{"is_direct":true},
			{"is_direct":true},{"is_direct":true},{"do_import":false},{"do_import":true}],"message_count":0}`,
			Selection{Channels: 8, ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 3, ChannelsExcluded: 1}},
		"a flag of one element does not reach the next": {
			`{"users":[{"is_deleted":true,"is_bot":true,"is_email_taken":true,"do_import":false},{}],
			"channels":[{"is_archived":true,"is_private":true,"is_direct":true,"do_import":false},{}],"message_count":0}`,
			Selection{Users: 2, UsersDeleted: 1, UsersBot: 1, UsersEmailTaken: 1, UsersExcluded: 1,
				Channels: 2, ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1, ChannelsExcluded: 1}},
		"every field is null": {
			`{"name":null,"users":[{"user_id":null,"username":null,"email":null,"is_deleted":null,"is_bot":null,
			"do_import":null,"is_email_taken":null}],"channels":[{"channel_id":null,"name":null,"is_archived":null,
			"do_import":null,"is_private":null,"is_direct":null,"creator":null}],"contacts":[{"id":null,"name":null,
			"emails":null,"phones":null,"do_import":null}],"message_count":0,"waiting":null}`,
			Selection{Users: 1, Channels: 1, Contacts: known(1)}},
		"contacts": {
			`{"contacts":[{"id":"c","emails":["a@example.com"],"phones":[],"do_import":true},{}],"users":[],"channels":[],"message_count":0}`,
			Selection{Contacts: known(2)}},
		"no contacts, of a server that knows them": {
			`{"users":[],"channels":[],"contacts":[],"message_count":0}`, Selection{Contacts: known(0)}},
		"waiting is false": {`{"waiting":false,"users":[{}],"channels":[],"message_count":0}`, Selection{Users: 1}},
		"names have escapes": {
			`{"us\u0065rs":[{"is\u005fbot":true}],"\u0063hannels":[{"is_dir\u0065ct":true}],"message\u005fcount":5}`,
			Selection{Users: 1, UsersBot: 1, Channels: 1, ChannelsDirect: 1, Messages: 5}},
		"strings end in escapes, and hold quotes": {
			`{"users":[{"username":"a\\","is_bot":true},{"username":"\",\"is_deleted\":true,\"","x":["\"]}"],"is_bot":true}],"channels":[],"message_count":1}`,
			Selection{Users: 2, UsersBot: 2, Messages: 1}},
		"numbers are followed by space": {
			"{\"users\":[{\"x\":-1.5e3 ,\"is_bot\":true,\"y\":0\n}],\"channels\":[],\"message_count\":1}",
			Selection{Users: 1, UsersBot: 1, Messages: 1}},
		"unused fields stand there twice": {
			`{"name":1,"name":2,"users":[{"email":"a","email":"b"}],"channels":[{"name":"a","name":"a"}],"contacts":[{"id":1,"id":1}],"message_count":1}`,
			Selection{Users: 1, Channels: 1, Messages: 1, Contacts: known(1)}},
		"unused fields hold what used ones are called": {
			`{"x":{"users":[{"is_bot":true}],"message_count":9},"users":[{"x":{"is_bot":true}}],"channels":[],"message_count":1}`,
			Selection{Users: 1, Messages: 1}},
		"names differ in case": {
			`{"Users":[{}],"users":[{"IS_BOT":true}],"channels":[],"message_count":1}`, Selection{Users: 1, Messages: 1}},
		"names of people are not UTF-8": {
			"{\"users\":[{\"username\":\"\\ud83d\"},{\"username\":\"\xff\xfe\"},{\"\xff\":\"\\udc00\"}],\"channels\":[{\"name\":\"\xc3\"}],\"message_count\":1}",
			Selection{Users: 3, Channels: 1, Messages: 1}},
		"space is everywhere": {
			" {\n\t\"users\" : [ { } , { } ] ,\r\n \"channels\" : [ ] , \"message_count\" : 1 } \n ", Selection{Users: 2, Messages: 1}},
		"the largest count": {
			`{"users":[],"channels":[],"message_count":9223372036854775807}`, Selection{Messages: 9223372036854775807}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askFileData(t, test.reply)
			if err != nil {
				t.Fatal(err)
			}
			if got.Waiting || got.Selection == nil {
				t.Fatalf("got %+v, want a selection", got)
			}
			if *got.Selection != test.want {
				t.Errorf("got  %+v\nwant %+v", *got.Selection, test.want)
			}
		})
	}
}

func TestWaitingIsReadWhateverStandsBesideIt(t *testing.T) {
	for _, reply := range []string{
		`{"waiting":true}`,
		`{"success":true,"waiting":true}`,
		`{"waiting":true,"users":[{}],"channels":[],"message_count":1,"success":true}`,
	} {
		got, err := askFileData(t, reply)
		if err != nil || !got.Waiting || got.Selection != nil {
			t.Errorf("%s: got %+v, %v", reply, got, err)
		}
	}
}

func TestDecodingAllocatesNothingForAnElement(t *testing.T) {
	user := `{"user_id":"U1","username":"us\u0065r","email":"u@example.com","is_deleted":false,"is_b\u006ft":true,"do_import":true,"is_email_taken":null}`
	channel := `{"channel_id":"C1","name":"chan","is_archived":true,"do_import":false,"is_private":false,"is_direct":false,"creator":"U1"}`
	contact := `{"id":"c1","name":"n","emails":["a@example.com"],"phones":["1"],"do_import":true}`
	reply := func(n int) string {
		list := func(element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
		return `{"users":[` + list(user) + `],"channels":[` + list(channel) + `],"contacts":[` + list(contact) + `],"message_count":1,"success":true}`
	}
	allocations := func(n int) float64 {
		body := reply(n)
		return testing.AllocsPerRun(5, func() {
			got, _, err := decodeFileDataReply(newDecoder(strings.NewReader(body)))
			if err != nil || got.Selection.Users != int64(n) {
				t.Fatal(got, err)
			}
		})
	}
	few, many := allocations(1000), allocations(10000)
	if few != many {
		t.Errorf("%v allocations for 1,000 elements, %v for 10,000", few, many)
	}
}
