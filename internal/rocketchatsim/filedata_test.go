package rocketchatsim_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

const stepNeverHeardOf = "importer_reticulating_splines"

// What one call of getImportFileData may do.
const (
	waits        = "answers waiting" // an invalid operation is refused instead
	reads        = "answers the selection"
	refuses      = "refuses"
	rewrites     = "writes the same step"
	setsBack     = "sets the step back"
	preparesOver = "wipes and prepares again"
)

// effects is the table of what a call does, by step, for the three generations.
func effects(step string) map[sim.Generation]string {
	all := func(early, classic, latest string) map[sim.Generation]string {
		return map[sim.Generation]string{sim.Early3: early, sim.Classic: classic, sim.Latest: latest}
	}
	switch step {
	case "importer_downloading_file", "importer_preparing_started", "importer_preparing_users",
		"importer_preparing_channels", "importer_preparing_messages", "importer_preparing_contacts":
		return all(waits, waits, waits)
	case "importer_user_selection":
		return all(reads, rewrites, rewrites)
	case "importer_done", "importer_import_cancelled":
		return all(reads, setsBack, setsBack)
	case "importer_import_failed":
		return all(reads, setsBack, refuses)
	}
	return all(preparesOver, preparesOver, preparesOver)
}

func TestGetImportFileDataDoesWhatTheTableSaysInEveryStepOfEveryGeneration(t *testing.T) {
	steps := append(sim.Steps(), stepNeverHeardOf)
	if len(steps) != 21 {
		t.Fatalf("%d steps, want the 20 known ones and one more", len(steps))
	}
	for _, generation := range sim.Generations() {
		for _, step := range steps {
			for _, valid := range []bool{true, false} {
				name := generation.String() + "/" + step + map[bool]string{true: "", false: "/invalid"}[valid]
				t.Run(name, func(t *testing.T) {
					w := newWorkspace(t, sim.Config{Generation: generation})
					w.place(step, func(op *sim.Operation) { op.Valid = valid })
					w.clock.Advance(time.Second)
					checkEffect(t, w, effects(step)[generation], valid)
				})
			}
		}
	}
}

func checkEffect(t *testing.T, w *workspace, effect string, valid bool) {
	t.Helper()
	before := w.operation()
	got := w.get(sim.GetImportFileData)
	after := w.operation()
	want, writes := before, map[sim.Write]int{}
	switch {
	case effect == waits && valid:
		wantBody(t, got, 200, `{"waiting":true,"success":true}`)
	case effect == waits, effect == refuses:
		wantError(t, got, 400, "error-import-operation-invalid")
	case effect == reads:
		wantSelection(t, got)
	case effect == rewrites:
		wantSelection(t, got)
		writes[sim.WriteSameStep] = 1
		want.Updated = w.clock.Now()
	case effect == setsBack:
		wantSelection(t, got)
		writes[sim.WriteStepBack] = 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
	case effect == preparesOver:
		wantSelection(t, got)
		writes[sim.WriteWiped] = 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
		want.Count.Total = new(20)
	}
	if !reflect.DeepEqual(after, want) {
		t.Errorf("the operation is now %+v (total %d), want %+v", after, *after.Count.Total, want)
	}
	if !maps.Equal(w.Writes(), writes) {
		t.Errorf("writes %v, want %v", w.Writes(), writes)
	}
	harm := writes[sim.WriteWiped] + writes[sim.WriteStepBack]
	if w.Destructive() != harm {
		t.Errorf("%d destructive calls, want %d", w.Destructive(), harm)
	}
}

func wantSelection(t *testing.T, got answer) {
	t.Helper()
	if got.status != 200 {
		t.Fatalf("%d %s, want the selection", got.status, got.body)
	}
	selection := decode[selectionReply](t, got.body)
	if len(selection.Users) != 3 || len(selection.Channels) != 2 || selection.Messages != 5 || !selection.Success {
		t.Errorf("got %s, want 3 users, 2 channels and 5 messages", got.body)
	}
}

func TestTheOtherEndpointsNeverWrite(t *testing.T) {
	for _, generation := range sim.Generations() {
		for _, step := range append(sim.Steps(), stepNeverHeardOf) {
			t.Run(generation.String()+"/"+step, func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				w.place(step, nil)
				before := w.operation()
				w.clock.Advance(time.Second)
				for _, endpoint := range []string{sim.GetCurrentImportOperation, sim.GetImportProgress, sim.ImportStatus, sim.GetLatestImportOperations} {
					w.get(endpoint)
				}
				if after := w.operation(); !reflect.DeepEqual(after, before) || len(w.Writes()) > 0 {
					t.Errorf("%+v became %+v, writes %v", before, after, w.Writes())
				}
			})
		}
	}
}

func TestTheNewestServersMaySetAnOperationBeingPreparedToFailedAndInvalid(t *testing.T) {
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: generation, FailsWhilePreparing: true})
			w.place(sim.StepPreparingUsers, nil)
			got := w.get(sim.GetImportFileData)
			if generation != sim.Latest {
				wantBody(t, got, 200, `{"waiting":true,"success":true}`)
				if w.Destructive() != 0 {
					t.Errorf("writes %v, want none", w.Writes())
				}
				return
			}
			wantError(t, got, 400, "error-import-operation-invalid")
			if op := w.operation(); op.Valid || op.Step != sim.StepImportFailed {
				t.Errorf("the operation is valid=%v in %s, want invalid and failed", op.Valid, op.Step)
			}
			if w.Writes()[sim.WriteFailed] != 1 || w.Destructive() != 1 {
				t.Errorf("writes %v, want one failed", w.Writes())
			}
		})
	}
}

func TestEarly3PreparesAgainWhereTheStoredSelectionIsMissing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.place(sim.StepUserSelection, func(op *sim.Operation) { op.OmitFileData = true })
	if body := w.get(sim.GetCurrentImportOperation).body; strings.Contains(body, "fileData") {
		t.Fatalf("the record carries fileData: %s", body)
	}
	wantSelection(t, w.get(sim.GetImportFileData))
	if w.Writes()[sim.WriteWiped] != 1 {
		t.Errorf("writes %v, want one wipe", w.Writes())
	}
	if body := w.get(sim.GetCurrentImportOperation).body; !strings.Contains(body, "fileData") {
		t.Errorf("the record carries no fileData after preparing: %s", body)
	}
}

func TestAWipeOfAnImportWithoutAFileLosesItsUsers(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.SetOperation(sim.APIOperation(sim.StepUserSelection, epoch))
	if err := w.AddUsers(7); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(func(op *sim.Operation) { op.Step = sim.StepImportingUsers }); err != nil {
		t.Fatal(err)
	}
	got := decode[selectionReply](t, w.get(sim.GetImportFileData).body)
	if len(got.Users) != 0 || w.Staged() != 0 || w.Destructive() != 1 {
		t.Errorf("%d users shown, %d staged, %d destructive calls; want 0, 0, 1", len(got.Users), w.Staged(), w.Destructive())
	}
}

func TestAWipeTakesThePrepareTimeAndAnswersWaitingMeanwhile(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: 30 * time.Second})
	w.place(sim.StepImportingUsers, nil)
	w.get(sim.GetImportFileData)
	if w.Staged() != 0 || w.operation().Step != sim.StepPreparingStarted {
		t.Errorf("%d staged in %s, want none in preparing_started", w.Staged(), w.operation().Step)
	}
	w.clock.Advance(29 * time.Second)
	wantBody(t, w.get(sim.GetImportFileData), 200, `{"waiting":true,"success":true}`)
	w.clock.Advance(time.Second)
	if w.Staged() != 10 || w.operation().Step != sim.StepUserSelection {
		t.Errorf("%d staged in %s, want 10 in user_selection", w.Staged(), w.operation().Step)
	}
}

func TestLatestPreparesContactsToo(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Latest, PrepareTime: 30 * time.Second})
	w.place(sim.StepImportingUsers, func(op *sim.Operation) { op.Count.Contacts = new(4) })
	w.get(sim.GetImportFileData)
	w.clock.Advance(26 * time.Second)
	if op := w.operation(); op.Step != sim.StepPreparingContacts || w.Staged() != 10 {
		t.Errorf("%d staged in %s, want 10 in preparing_contacts", w.Staged(), op.Step)
	}
	w.clock.Advance(4 * time.Second)
	if op := w.operation(); op.Step != sim.StepUserSelection || w.Staged() != 14 || *op.Count.Total != 24 {
		t.Errorf("%d staged in %s, total %d; want 14 in user_selection, 24", w.Staged(), op.Step, *op.Count.Total)
	}
}
