package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRecordedOperationsDecodeToWhatTheyWereRecordedFrom(t *testing.T) {
	slack := func(step Step, updated string, count Counts) *Operation {
		return &Operation{
			ID: "6b052f5bf6f884453d01b94f", Importer: "slack", Type: "Slack", Step: step, Valid: true,
			Created: instant(t, "2026-11-24T06:31:55.842Z"), CreatedISO: true, Updated: instant(t, updated), Counts: count,
		}
	}
	staged := Counts{Total: known(57), Users: known(12), Channels: known(5), Messages: known(40)}
	done := staged
	done.Completed, done.Error = known(57), known(0)

	for file, want := range map[string]*Operation{
		"operation-none.json": nil,
		"operation-new-api.json": {
			ID: "6b052f5ff6f884453d01b989", Importer: "api", Type: "api", Step: "importer_new", Valid: true,
			Created: instant(t, "2026-11-24T06:31:59.812Z"), CreatedISO: true, Updated: instant(t, "2026-11-24T06:31:59.812Z"),
		},
		"operation-file_loaded.json": slack("importer_file_loaded", "2026-11-24T06:31:55.872Z", Counts{}),
		"operation-preparing.json": slack("importer_preparing_channels", "2026-11-24T06:31:55.992Z",
			Counts{Total: known(4), Channels: known(4)}),
		"operation-user_selection.json":     slack(StepUserSelection, "2026-11-24T06:31:56.147Z", staged),
		"operation-importing_messages.json": slack("importer_importing_messages", "2026-11-24T06:31:56.744Z", staged),
		"operation-done.json":               slack("importer_done", "2026-11-24T06:31:57.038Z", done),
		// import.status sends the same record beside a state.
		"status-ready.json": slack(StepUserSelection, "2026-11-24T06:31:56.147Z", staged),
	} {
		t.Run(file, func(t *testing.T) {
			got, err := askOperation(t, recorded(t, file))
			if err != nil {
				t.Fatal(err)
			}
			wantOperation(t, got, want)
		})
	}
}

func TestEveryLineOfTheRecordedDisturbedImportDecodes(t *testing.T) {
	var got []Operation
	for line := range strings.Lines(recorded(t, "disturbed-import.jsonl")) {
		o, err := askOperation(t, line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, *o)
	}
	if len(got) != 15 {
		t.Fatalf("%d lines were decoded, want 15", len(got))
	}
	for line, want := range map[int]struct {
		step             Step
		total, completed OptionalCount
	}{
		1:  {"importer_importing_users", known(5321), OptionalCount{}},
		2:  {"importer_importing_users", known(5321), known(50)},
		3:  {"importer_preparing_users", known(5642), known(50)},
		15: {"importer_importing_messages", known(10642), known(500)},
	} {
		o := got[line-1]
		if o.Step != want.step || o.Counts.Total != want.total || o.Counts.Completed != want.completed {
			t.Errorf("line %d: %s with total %+v, completed %+v", line, o.Step, o.Counts.Total, o.Counts.Completed)
		}
	}
	if !slices.ContainsFunc(got, func(o Operation) bool { return o.Step == StepUserSelection && o.Counts.Total == known(10642) }) {
		t.Error("nowhere is the step back at importer_user_selection with the total doubled")
	}
}

func TestTheRecordedSelectionDecodesToWhatItWasRecordedFrom(t *testing.T) {
	got, err := askFileData(t, recorded(t, "filedata-user_selection.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Waiting || got.Selection == nil {
		t.Fatalf("got %+v, want a selection", got)
	}
	// Counted by hand: U0 and U9 are deleted, U0 is a bot, C0 is archived, the
	// entry for all direct messages is private.
	wantSelection(t, got.Selection, &Selection{
		Users: known(12), Channels: known(5), Messages: known(40),
		UsersDeleted: 2, UsersBot: 1,
		ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1,
	})
}

func TestTheRecordedWaitingReplyMeansWaiting(t *testing.T) {
	got, err := askFileData(t, recorded(t, "filedata-waiting.json"))
	if err != nil || !got.Waiting || got.Selection != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheRecordedRefusalOfAWorkspaceWithoutImportMeansNoOperation(t *testing.T) {
	url := serve(t, answer(400, recorded(t, "filedata-none.json")))
	_, err := newClient(t, url).FileData(t.Context(), time.Time{})
	wantReason(t, err, HTTPStatus)
	if !errors.Is(err, ErrNoOperation) {
		t.Errorf("%v is not ErrNoOperation", err)
	}
}

func TestEveryRecordedOperationOfEveryImporterDecodes(t *testing.T) {
	last := map[string]*Operation{}
	for _, pattern := range []string{"*operation*.json*", "*-status-*.json"} {
		for _, name := range recordedFiles(t, "importers/"+pattern) {
			for line := range strings.Lines(recorded(t, name)) {
				got, err := askOperation(t, line)
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, line)
				}
				reply, _ := object([]byte(line))
				record, isObject := object(reply["operation"])
				if (got != nil) != isObject {
					t.Fatalf("%s: got %+v\n%s", name, got, line)
				}
				if got != nil {
					sameOperation(t, got, record)
					if !got.CreatedISO || got.Created.IsZero() || got.Updated.Before(got.Created) || !got.Step.Known() {
						t.Errorf("%s: got %+v", name, got)
					}
				}
				last[strings.TrimPrefix(name, "importers/")] = got
			}
		}
	}
	for name, want := range map[string]struct {
		importer         string
		step             Step
		valid            bool
		total, completed OptionalCount
	}{
		"csv-operations.jsonl":                        {"csv", StepDone, true, known(41), known(46)},
		"slack-operations.jsonl":                      {"slack", StepDone, true, known(112), known(50)},
		"hipchatenterprise-operations.jsonl":          {"hipchatenterprise", StepDone, true, known(27), known(29)},
		"api-second-instance-starts-operations.jsonl": {"api", StepDone, false, known(300), known(100)},
		"pending-files-operations.jsonl":              {"pending-files", StepDone, true, known(14), known(14)},
		"bad-broken-zip-to-slack-operations.jsonl":    {"slack", "importer_file_loaded", true, OptionalCount{}, OptionalCount{}},
		"bad-csv-with-a-short-user-operations.jsonl":  {"csv", "importer_preparing_users", true, OptionalCount{}, OptionalCount{}},
		"cleared-ready-operation.json":                {"api", StepUserSelection, false, known(200), OptionalCount{}},
		"failed-operation.json":                       {"slack", "importer_import_failed", true, known(69), OptionalCount{}},
		"restart-in-importing_users-operation.json":   {"slack", "importer_importing_users", false, known(378), OptionalCount{}},
	} {
		o := last[name]
		if o == nil {
			t.Errorf("%s has no operation", name)
		} else if o.Importer != want.importer || o.Step != want.step || o.Valid != want.valid || o.Counts.Total != want.total || o.Counts.Completed != want.completed {
			t.Errorf("%s ends with %+v", name, o)
		}
	}
	if o := last["pending-files-operations.jsonl"]; !o.HasFileData || !o.PendingDownloads() || o.Selection != nil {
		t.Errorf("pending files end with %+v", o)
	}
	if o := last["none-status.json"]; o != nil {
		t.Errorf("without an import, got %+v", o)
	}
}

func TestEveryRecordedSelectionOfEveryImporterDecodes(t *testing.T) {
	waiting := FileData{Waiting: true}
	selection := func(s Selection) FileData { return FileData{Selection: &s} }
	want := map[string]FileData{
		"csv-filedata-while-preparing.json":               waiting,
		"slack-filedata-while-preparing.json":             waiting,
		"hipchatenterprise-filedata-while-preparing.json": waiting,
		"api-filedata-first-4-of-90-users.json":           selection(Selection{Users: known(4), Channels: known(0), Messages: known(0)}),
		"pending-files-filedata-when-done.json":           selection(Selection{Users: known(0), Channels: known(0), Messages: known(0)}),
		"csv-filedata.json": selection(Selection{
			Users: known(8), Channels: known(4), ChannelsPrivate: 2, ChannelsDirect: 1, Messages: known(30)}),
		"hipchatenterprise-filedata.json": selection(Selection{
			Users: known(8), UsersDeleted: 1, Channels: known(4), ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 1, Messages: known(16)}),
		"slack-filedata.json": selection(Selection{
			Users: known(55), UsersDeleted: 1, UsersBot: 1, Channels: known(6), ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 1, Messages: known(48)}),
	}
	for _, name := range recordedFiles(t, "importers/*filedata*.json") {
		name := strings.TrimPrefix(name, "importers/")
		if name == "none-filedata.json" {
			_, err := newClient(t, serve(t, answer(400, recorded(t, "importers/"+name)))).FileData(t.Context(), time.Time{})
			if e := wantReason(t, err, HTTPStatus); !errors.Is(err, ErrNoOperation) || !e.Reached {
				t.Errorf("%v is not ErrNoOperation, or Rocket.Chat was not reached", err)
			}
			continue
		}
		got, err := askFileData(t, recorded(t, "importers/"+name))
		w, listed := want[name]
		if err != nil || !listed || got.Waiting != w.Waiting {
			t.Fatalf("%s: got %+v, %v", name, got, err)
		}
		wantSelection(t, got.Selection, w.Selection)
	}
}

// instant reads a time.
func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// wantOperation checks an operation, and the selection in it.
func wantOperation(t *testing.T, got, want *Operation) {
	t.Helper()
	if got == nil || want == nil {
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		return
	}
	wantSelection(t, got.Selection, want.Selection)
	if !got.Created.Equal(want.Created) || !got.Updated.Equal(want.Updated) {
		t.Errorf("created and updated are %v, %v, want %v, %v", got.Created, got.Updated, want.Created, want.Updated)
	}
	a, b := *got, *want
	a.Selection, b.Selection = nil, nil
	a.Created, a.Updated = b.Created, b.Updated
	if a != b {
		t.Errorf("got  %+v\nwant %+v", a, b)
	}
}

// wantSelection checks a selection, which may be nil.
func wantSelection(t *testing.T, got, want *Selection) {
	t.Helper()
	if got == nil || want == nil {
		if got != want {
			t.Errorf("the selection is %+v, want %+v", got, want)
		}
	} else if *got != *want {
		t.Errorf("the selection is %+v\nwant             %+v", *got, *want)
	}
}
