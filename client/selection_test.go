package client

import (
	"strings"
	"testing"
)

func TestSelectionIsCountedInItsPartsWhateverMayBeMissing(t *testing.T) {
	none := known(0)
	for name, test := range map[string]struct {
		reply string
		want  Selection
	}{
		"nothing is staged": {`{"users":[],"channels":[],"message_count":0,"success":true}`, Selection{Users: none, Channels: none, Messages: none}},
		"success comes first": {
			`{"success":true,"message_count":3,"channels":[{}],"users":[{},{}]}`,
			Selection{Users: known(2), Channels: known(1), Messages: known(3)}},
		"there is no success": {`{"channels":[],"message_count":1,"users":[]}`, Selection{Users: none, Channels: none, Messages: known(1)}},
		"only users":          {`{"users":[{"is_bot":true}]}`, Selection{Users: known(1), UsersBot: 1}},
		"only channels":       {`{"channels":[{"is_direct":true}]}`, Selection{Channels: known(1), ChannelsDirect: 1}},
		"only message_count":  {`{"message_count":0}`, Selection{Messages: none}},
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
		"a flag of one element does not reach the next": {
			`{"users":[{"is_deleted":true,"is_bot":true,"is_email_taken":true,"do_import":false},{}],
			"channels":[{"is_archived":true,"is_private":true,"is_direct":true,"do_import":false},{}]}`,
			Selection{Users: known(2), UsersDeleted: 1, UsersBot: 1, UsersEmailTaken: 1, UsersExcluded: 1,
				Channels: known(2), ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1, ChannelsExcluded: 1}},
		"every field is null": {
			`{"name":null,"users":[{"user_id":null,"username":null,"email":null,"is_deleted":null,"is_bot":null,
			"do_import":null,"is_email_taken":null}],"channels":[{"channel_id":null,"name":null,"is_archived":null,
			"do_import":null,"is_private":null,"is_direct":null,"creator":null}],"contacts":[{"id":null,"name":null,
			"emails":null,"phones":null,"do_import":null}],"message_count":null,"waiting":null}`,
			Selection{Users: known(1), Channels: known(1), Contacts: known(1)}},
		"contacts": {
			`{"contacts":[{"id":"c","emails":["a@example.com"],"phones":[],"do_import":false,"":1},{}],"users":[]}`,
			Selection{Users: none, Contacts: known(2)}},
		"no contacts, of a server that knows them": {`{"users":[],"contacts":[]}`, Selection{Users: none, Contacts: none}},
		"waiting is false":                         {`{"waiting":false,"users":[{}]}`, Selection{Users: known(1)}},
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
		"the largest count": {`{"message_count":9223372036854775807}`, Selection{Messages: known(9223372036854775807)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askFileData(t, test.reply)
			if err != nil || got.Waiting {
				t.Fatalf("got %+v, %v, want a selection", got, err)
			}
			wantSelection(t, got.Selection, &test.want)
		})
	}
}

func TestAPartOfAnotherKindIsUnknownAndTheRestIsRead(t *testing.T) {
	all := Selection{
		Users: known(1), UsersBot: 1, Channels: known(1), ChannelsDirect: 1, Contacts: known(1), Messages: known(1),
	}
	parts := map[string]struct {
		honest string
		others []string
		forget func(*Selection)
	}{
		"users": {`[{"is_bot":true}]`,
			[]string{`[{"is_deleted":"true"}]`, `[{"is_bot":[]}]`, `[{"is_email_taken":{}}]`, `[{"do_import":2},{"is_bot":true}]`, `[{"is_bot":1.0}]`},
			func(s *Selection) { s.Users, s.UsersBot = OptionalCount{}, 0 }},
		"channels": {`[{"is_direct":true}]`,
			[]string{`[{"is_archived":"true"}]`, `[{"is_private":[]}]`, `[{"is_direct":{}}]`, `[{"do_import":-1},{"is_direct":true}]`},
			func(s *Selection) { s.Channels, s.ChannelsDirect = OptionalCount{}, 0 }},
		"contacts":      {`[{}]`, nil, func(s *Selection) { s.Contacts = OptionalCount{} }},
		"message_count": {"1", []string{"-1", "-0", "0.5", "1.0", "1e3", "9223372036854775808"}, func(s *Selection) { s.Messages = OptionalCount{} }},
	}
	for part, test := range parts {
		others := append(test.others, "null", "{}", `"[]"`, "true", `{"a":[{}]}`, "[null]", "[1]", `["a"]`, "[[]]", "[{},null]", "[null,{}]")
		if part != "message_count" {
			others = append(others, "0", "1")
		}
		for _, value := range others {
			reply := `{`
			for name, p := range parts {
				if name == part {
					p.honest = value
				}
				reply += `"` + name + `":` + p.honest + `,`
			}
			reply += `"success":true}`
			want := all
			test.forget(&want)
			got, err := askFileData(t, reply)
			if err != nil {
				t.Fatalf("%s: %v", reply, err)
			}
			if *got.Selection != want {
				t.Errorf("%s\ngot  %+v\nwant %+v", reply, *got.Selection, want)
			}
		}
	}
}

func TestWaitingIsReadWhateverIsBesideIt(t *testing.T) {
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
	user := `{"user_id":"U1","username":"us\u0065r","email":"u@example.com","is_deleted":false,"is_bot":true,"do_import":true,"is_email_taken":null}`
	channel := `{"channel_id":"C1","name":"chan","is_archived":true,"do_import":false,"is_private":false,"is_direct":false,"creator":"U1"}`
	contact := `{"id":"c1","name":"n","emails":["a@example.com"],"phones":["1"],"do_import":true}`
	reply := func(n int) string {
		list := func(element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
		return `{"users":[` + list(user) + `],"channels":[` + list(channel) + `],"contacts":[` + list(contact) + `],"message_count":1,"success":true}`
	}
	allocations := func(n int) float64 {
		body := reply(n)
		return testing.AllocsPerRun(5, func() {
			got := fileDataReply{selectionParts: newSelectionParts()}
			if err := decode(strings.NewReader(body), &got); err != nil || got.Users.count != known(int64(n)) {
				t.Fatal(got, err)
			}
		})
	}
	few, many := allocations(1000), allocations(10000)
	if few != many {
		t.Errorf("%v allocations for 1,000 elements, %v for 10,000", few, many)
	}
}
