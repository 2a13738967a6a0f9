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
	rewrites     = "writes the same step"
	setsBack     = "sets the step back"
	preparesOver = "wipes and prepares again"
)

// effect is the table of what a call does. From 3.14 on all generations are alike.
func effect(step string, early bool) string {
	switch {
	case step == "importer_downloading_file", strings.HasPrefix(step, "importer_preparing_"):
		return waits
	case step == "importer_done", step == "importer_import_cancelled", step == "importer_import_failed":
		return map[bool]string{true: reads, false: setsBack}[early]
	case step == "importer_user_selection":
		return map[bool]string{true: reads, false: rewrites}[early]
	}
	return preparesOver
}

func TestGetImportFileDataDoesWhatTheTableSaysInEveryStepOfEveryGeneration(t *testing.T) {
	steps := append(sim.Steps(), stepNeverHeardOf)
	if len(steps) != 21 || len(sim.Generations()) != 4 {
		t.Fatalf("%d steps and %d generations, want the 20 known steps and one more, and 4", len(steps), len(sim.Generations()))
	}
	for _, generation := range sim.Generations() {
		for _, step := range steps {
			for _, valid := range []bool{true, false} {
				name := generation.String() + "/" + step + map[bool]string{true: "", false: "/invalid"}[valid]
				t.Run(name, func(t *testing.T) {
					w := newWorkspace(t, sim.Config{Generation: generation})
					w.place(step, func(op *sim.Operation) { op.Valid = valid })
					w.clock.Advance(time.Second)
					checkEffect(t, w, effect(step, generation == sim.Early3), valid)
				})
			}
		}
	}
}

func checkEffect(t *testing.T, w *workspace, effect string, valid bool) {
	t.Helper()
	want := w.current()
	w.get(sim.GetCurrentImportOperation)
	if after := w.current(); !reflect.DeepEqual(after, want) || len(w.Writes()) > 0 {
		t.Errorf("getCurrentImportOperation made %+v of %+v, writes %v", after, want, w.Writes())
	}
	got := w.get(sim.GetImportFileData)
	after := w.current()
	writes, harm := map[sim.Write]int{}, 0
	switch effect {
	case rewrites:
		writes[sim.WriteSameStep] = 1
		want.Updated = w.clock.Now()
	case setsBack:
		writes[sim.WriteStepBack], harm = 1, 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
	case preparesOver:
		writes[sim.WriteWiped], harm = 1, 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
		want.Count.Total = new(20)
	}
	switch {
	case effect != waits:
		wantSelection(t, got)
	case valid:
		wantBody(t, got, 200, `{"waiting":true,"success":true}`)
	default:
		wantError(t, got, 400, "error-import-operation-invalid")
	}
	if !reflect.DeepEqual(after, want) {
		t.Errorf("the operation is now %+v (total %d), want %+v", after, *after.Count.Total, want)
	}
	if !maps.Equal(w.Writes(), writes) || w.Destructive() != harm || w.Staged() != 10 {
		t.Errorf("writes %v, %d destructive, %d staged; want %v, %d, 10", w.Writes(), w.Destructive(), w.Staged(), writes, harm)
	}
}

func wantSelection(t *testing.T, got answer) {
	t.Helper()
	selection := decode[selectionReply](t, got.body)
	if got.status != 200 || len(selection.Users) != 3 || len(selection.Channels) != 2 || selection.Messages != 5 || !selection.Success {
		t.Errorf("got %d %s, want 3 users, 2 channels and 5 messages", got.status, got.body)
	}
}

func TestAnEarlyServerPreparesAgainAtEachCallWhereTheStoredSelectionIsMissing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.place(sim.StepUserSelection, func(op *sim.Operation) { op.OmitFileData = true })
	for call := 1; call <= 2; call++ {
		if _, there := w.record()["fileData"]; there {
			t.Error("the record carries fileData")
		}
		wantSelection(t, w.get(sim.GetImportFileData))
		if w.Writes()[sim.WriteWiped] != call {
			t.Errorf("writes %v after %d calls", w.Writes(), call)
		}
	}
}

func TestAnEarlyServerAnswersWhatItStoredWhateverItsShape(t *testing.T) {
	for name, stored := range sim.OddFileData() {
		w := newWorkspace(t, sim.Config{Generation: sim.Early3})
		w.place(sim.StepDone, func(op *sim.Operation) { op.FileData = stored })
		want := decode[map[string]any](t, stored)
		if got := w.record()["fileData"]; !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s: the record has %v, want %v", name, got, want)
		}
		want["success"] = true
		if got := decode[map[string]any](t, w.get(sim.GetImportFileData).body); !reflect.DeepEqual(got, want) || len(w.Writes()) > 0 {
			t.Errorf("%s: got %v with writes %v, want %v and none", name, got, w.Writes(), want)
		}
	}
}

func TestTheAPIImporterStagesBatchesAndAWipeLosesThem(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetOperation(sim.APIOperation(sim.StepNew, epoch))
	users := func() int { return len(decode[selectionReply](t, w.get(sim.GetImportFileData).body).Users) }
	for batch := 1; batch <= 3; batch++ {
		w.clock.Advance(time.Second)
		w.must(w.AddUsers(20))
		op := w.current()
		if *op.Count.Users != 20*batch || *op.Count.Total != 20*batch || !op.Updated.Equal(w.clock.Now()) || op.Step != sim.StepUserSelection || users() != 20*batch {
			t.Errorf("after batch %d: %+v", batch, op)
		}
	}
	w.must(w.Update(func(op *sim.Operation) { op.Step = sim.StepImportingUsers }))
	if w.AddUsers(20) == nil {
		t.Error("a batch was added to an import that is running")
	}
	if n := users(); n != 0 || w.Staged() != 0 || w.Destructive() != 1 {
		t.Errorf("%d users shown, %d staged, %d destructive calls; want 0, 0, 1", n, w.Staged(), w.Destructive())
	}
}

func TestAWipeTakesThePrepareTimeAndAnswersWaitingMeanwhile(t *testing.T) {
	w := newWorkspace(t, sim.Config{PrepareTime: 30 * time.Second})
	w.place(sim.StepImportingUsers, func(op *sim.Operation) { op.Count.Contacts = new(4) })
	w.must(w.SetSelection(sim.Selection{Users: 3, Channels: 2, Messages: 5, Contacts: 4}))
	w.get(sim.GetImportFileData)
	if w.Staged() != 0 || w.current().Step != sim.StepPreparingChannels {
		t.Errorf("%d staged in %s, want none in preparing_channels", w.Staged(), w.current().Step)
	}
	w.clock.Advance(29 * time.Second)
	if step := w.current().Step; step != sim.StepPreparingContacts {
		t.Errorf("step %s, want preparing_contacts", step)
	}
	wantBody(t, w.get(sim.GetImportFileData), 200, `{"waiting":true,"success":true}`)
	w.clock.Advance(time.Second)
	if op := w.current(); w.Staged() != 14 || op.Step != sim.StepUserSelection || *op.Count.Total != 24 {
		t.Errorf("%d staged in %s, total %d; want 14 in user_selection, 24", w.Staged(), op.Step, *op.Count.Total)
	}
}

func TestAWipeOfAFileThatCannotBeReadLeavesTheImportWhereItWas(t *testing.T) {
	for _, script := range []sim.Script{sim.BrokenZip(), sim.MalformedUsers()} {
		w := newWorkspace(t, sim.Config{})
		w.clock.Advance(w.Start(script, 1))
		step := w.current().Step
		w.must(w.Update(func(op *sim.Operation) { op.Step = sim.StepFileLoaded }))
		w.get(sim.GetImportFileData)
		if op := w.current(); op.Step != step || w.Writes()[sim.WriteWiped] != 1 {
			t.Errorf("%s with writes %v, want %s and a wipe", op.Step, w.Writes(), step)
		}
	}
}

// The recorded import had 300 users, 20 channels with one direct conversation more,
// and 5,000 messages. Another program made the call once 50 records were completed.
func TestOneCallDisturbsARunningImportAsTheRecordingShows(t *testing.T) {
	recording := lines(t, "disturbed-import.jsonl")
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: 4 * time.Second})
	w.Start(sim.SlackImport(sim.Content{Users: 300, Channels: 20, Direct: 1, Messages: 5000}), 1)
	w.clock.Advance(70 * time.Second)
	before := w.current()
	if *before.Count.Total != 5321 || *before.Count.Completed != 50 {
		t.Fatalf("%d of %d before the call", *before.Count.Completed, *before.Count.Total)
	}
	w.get(sim.GetImportFileData)
	if w.Staged() != 0 || w.Destructive() != 1 {
		t.Errorf("%d records staged, %d destructive calls; want 0, 1", w.Staged(), w.Destructive())
	}
	seen := w.trace(3*time.Minute, 50*time.Millisecond)
	requireSubsequence(t, seen, recording[2:])
	end := w.current()
	if total := *end.Count.Total; total != 2*5321 || end.Step != sim.StepDone || *end.Count.Completed != 5321 {
		t.Errorf("ends in %s with %d of %d", end.Step, *end.Count.Completed, total)
	}
}
