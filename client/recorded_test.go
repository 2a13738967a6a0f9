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
