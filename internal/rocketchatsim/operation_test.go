package rocketchatsim_test

import (
	"strings"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func TestAnEarly3RecordHasNumbersForTimesAndCarriesTheSelection(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	for _, step := range append(sim.Steps(), stepNeverHeardOf) {
		t.Run(step, func(t *testing.T) {
			w.place(step, nil)
			got := decode[struct {
				Operation struct {
					Created  int64 `json:"ts"`
					Updated  int64 `json:"_updatedAt"`
					FileData *selectionReply
				}
			}](t, w.get(sim.GetCurrentImportOperation).body).Operation
			if got.Created != epoch.UnixMilli() || got.Updated != epoch.UnixMilli() {
				t.Errorf("times %d and %d, want %d", got.Created, got.Updated, epoch.UnixMilli())
			}
			carries := strings.HasPrefix(step, "importer_importing_") || step == "importer_user_selection" ||
				step == "importer_finishing" || step == "importer_done" ||
				step == "importer_import_failed" || step == "importer_import_cancelled"
			if (got.FileData != nil) != carries {
				t.Fatalf("fileData %v, want it there: %v", got.FileData, carries)
			}
			if carries && len(got.FileData.Users) != 3 {
				t.Errorf("%d users in fileData, want 3", len(got.FileData.Users))
			}
		})
	}
}

func TestOnlyLatestKnowsContacts(t *testing.T) {
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.place(sim.StepUserSelection, func(op *sim.Operation) { op.Count.Contacts = new(4) })
			if err := w.SetSelection(sim.Selection{Contacts: 4, ContactsExcluded: 1}); err != nil {
				t.Fatal(err)
			}
			knows := generation == sim.Latest
			if counted := strings.Contains(w.get(sim.GetCurrentImportOperation).body, `"contacts":4`); counted != knows {
				t.Errorf("count.contacts there: %v, want %v", counted, knows)
			}
			body := w.get(sim.GetImportFileData).body
			if strings.Contains(body, `"contacts":[`) != knows {
				t.Fatalf("contacts in the selection of %s, want them: %v: %s", generation, knows, body)
			}
			if got := decode[selectionReply](t, body); knows && (len(got.Contacts) != 4 || count(got.Contacts, "do_import", false) != 1) {
				t.Errorf("contacts %v, want 4, one of them excluded", got.Contacts)
			}
		})
	}
}

func TestARecordLeavesOutWhatItWasNotGiven(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.SetOperation(sim.Operation{ID: "x", ImporterKey: "api", Type: "api", Step: "importer_new"})
	wantBody(t, w.get(sim.GetCurrentImportOperation), 200,
		`{"operation":{"_id":"x","type":"api","importerKey":"api","status":"importer_new","valid":false},"success":true}`)
	w.SetOperation(sim.Operation{ID: "x", ImporterKey: "api", Type: "api", Step: "importer_done"})
	wantBody(t, w.get(sim.GetCurrentImportOperation), 200,
		`{"operation":{"_id":"x","type":"api","importerKey":"api","status":"importer_done","valid":false},"success":true}`)
	w.SetOperation(sim.Operation{ID: "x", ImporterKey: "api", Type: "api", Step: "importer_new", Count: &sim.Count{Error: new(0)}})
	wantBody(t, w.get(sim.GetCurrentImportOperation), 200,
		`{"operation":{"_id":"x","type":"api","importerKey":"api","status":"importer_new","valid":false,"count":{"error":0}},"success":true}`)
}

func TestEarly3TellsNeitherErrorsInItsProgressNorANameInItsSelection(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.place(sim.StepUserSelection, nil)
		tells := generation != sim.Early3
		if body := w.get(sim.GetImportProgress).body; strings.Contains(body, `"error"`) != tells {
			t.Errorf("%s: %s, want error: %v", generation, body, tells)
		}
		if body := w.get(sim.GetImportFileData).body; strings.Contains(body, `"name":"Slack"`) != tells {
			t.Errorf("%s: %s, want name: %v", generation, body, tells)
		}
	}
}

func TestABatchOfTheAPIImporterMovesTheCountsAndTheTimeButNotTheStep(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.SetOperation(sim.APIOperation(sim.StepUserSelection, epoch))
	for batch := 1; batch <= 3; batch++ {
		w.clock.Advance(time.Second)
		if err := w.AddUsers(20); err != nil {
			t.Fatal(err)
		}
		op := w.operation()
		if *op.Count.Users != 20*batch || *op.Count.Total != 20*batch || !op.Updated.Equal(w.clock.Now()) || op.Step != sim.StepUserSelection {
			t.Errorf("after batch %d: %+v", batch, op)
		}
		if got := decode[selectionReply](t, w.get(sim.GetImportFileData).body); len(got.Users) != 20*batch {
			t.Errorf("%d users after batch %d", len(got.Users), batch)
		}
	}
	if err := w.Update(func(op *sim.Operation) { op.Step = sim.StepDone }); err != nil {
		t.Fatal(err)
	}
	if w.AddUsers(20) == nil {
		t.Error("a batch was added to an import that is done")
	}
}

func TestUpdateMovesTheTimeAndIsNotSeenByAnEarlierSnapshot(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.place(sim.StepUserSelection, nil)
	before := w.operation()
	w.clock.Advance(time.Second)
	if err := w.Update(func(op *sim.Operation) { op.Count.Users = new(99) }); err != nil {
		t.Fatal(err)
	}
	after := w.operation()
	if *before.Count.Users != 3 || *after.Count.Users != 99 || after.Updated.Sub(before.Updated) != time.Second {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestTheLatestOperationsAreTheTwentyNewestFirst(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	var newest string
	for range 25 {
		newest = w.SetOperation(sim.SlackOperation(sim.StepDone, epoch))
	}
	w.SetOperation(sim.Operation{ID: newest, Type: "replaced"})
	got := decode[[]struct {
		ID   string `json:"_id"`
		Type string
	}](t, w.get(sim.GetLatestImportOperations).body)
	ids := map[string]bool{}
	for _, op := range got {
		ids[op.ID] = true
	}
	if len(got) != 20 || len(ids) != 20 || got[0].ID != newest || got[0].Type != "replaced" {
		t.Errorf("%d operations, %d ids, first %+v", len(got), len(ids), got[0])
	}
}

func TestImportStatusMapsEveryStepToAState(t *testing.T) {
	states := map[string]string{
		"importer_new": "new", "importer_uploading": "loading", "importer_downloading_file": "loading",
		"importer_file_loaded": "loading", "importer_preparing_started": "loading", "importer_preparing_users": "loading",
		"importer_preparing_channels": "loading", "importer_preparing_messages": "loading", "importer_preparing_contacts": "loading",
		"importer_user_selection": "ready", "importer_importing_started": "importing", "importer_importing_users": "importing",
		"importer_importing_channels": "importing", "importer_importing_messages": "importing", "importer_importing_contacts": "importing",
		"importer_importing_files": "importing", "importer_finishing": "importing", "importer_done": "done",
		"importer_import_failed": "error", "importer_import_cancelled": "canceled", stepNeverHeardOf: "",
	}
	w := newWorkspace(t, sim.Config{Generation: sim.Latest})
	for step, valid := range states {
		for _, c := range []struct {
			valid bool
			state string
		}{{true, valid}, {false, "error"}} {
			if step == "importer_done" {
				c.state = "done"
			}
			w.place(step, func(op *sim.Operation) { op.Valid = c.valid })
			got := decode[struct{ State string }](t, w.get(sim.ImportStatus).body)
			if got.State != c.state {
				t.Errorf("%s, valid %v: state %q, want %q", step, c.valid, got.State, c.state)
			}
		}
	}
	if len(states) != len(sim.Steps())+1 {
		t.Errorf("%d steps tried, want all %d and one more", len(states), len(sim.Steps()))
	}
}
