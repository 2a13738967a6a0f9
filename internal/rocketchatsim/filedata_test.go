package rocketchatsim_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

const stepNeverHeardOf = "importer_reticulating_splines"

// What one call of getImportFileData may do, besides the writes that it counts.
const (
	waits sim.Write = "answers waiting" // an invalid operation is refused instead
	reads sim.Write = "answers the selection"
)

// effect is the table of what a call does. From 3.14 on all generations are alike.
func effect(step string, early bool) sim.Write {
	switch {
	case step == "importer_downloading_file", strings.HasPrefix(step, "importer_preparing_"):
		return waits
	case step == "importer_done", step == "importer_import_cancelled", step == "importer_import_failed":
		return map[bool]sim.Write{true: reads, false: sim.WriteStepBack}[early]
	case step == "importer_user_selection":
		return map[bool]sim.Write{true: reads, false: sim.WriteSameStep}[early]
	}
	return sim.WriteWiped
}

func TestGetImportFileDataDoesWhatTheTableSaysInEveryStepOfEveryGeneration(t *testing.T) {
	steps := append(sim.Steps(), stepNeverHeardOf)
	require.Len(t, steps, 21)
	require.Len(t, sim.Generations(), 4)
	for _, generation := range sim.Generations() {
		for _, step := range steps {
			for _, valid := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/valid=%v", generation, step, valid), func(t *testing.T) {
					w := newWorkspace(t, sim.Config{Generation: generation})
					w.place(step, func(op *sim.Operation) { op.Valid = valid })
					w.clock.Advance(time.Second)
					checkEffect(t, w, effect(step, generation == sim.Early3), valid)
				})
			}
		}
	}
}

func checkEffect(t *testing.T, w *workspace, effect sim.Write, valid bool) {
	want := w.current()
	w.get(sim.GetCurrentImportOperation)
	assert.Equal(t, want, w.current(), "after getCurrentImportOperation")
	assert.Empty(t, w.Writes(), "after getCurrentImportOperation")

	got := w.get(sim.GetImportFileData)
	writes := map[sim.Write]int{}
	if effect != waits && effect != reads {
		writes[effect] = 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
	}
	if effect == sim.WriteWiped {
		want.Count.Total = new(20)
	}
	harms := effect == sim.WriteWiped || effect == sim.WriteStepBack
	assert.Equal(t, want, w.current())
	assert.Equal(t, writes, w.Writes())
	assert.Equal(t, map[bool]int{true: 1}[harms], w.Destructive())
	assert.Equal(t, 10, w.Staged())
	switch {
	case effect != waits:
		requireSelection(t, got)
	case valid:
		require.Equal(t, `{"waiting":true,"success":true}`, got.Body.String())
	default:
		require.Contains(t, got.Body.String(), `"errorType":"error-import-operation-invalid"`)
	}
}

// selection is what getImportFileData answers, as numbers.
type selection struct {
	Users, Channels []struct{}
	Messages        int `json:"message_count"`
}

// requireSelection requires what workspace.place stages.
func requireSelection(t *testing.T, got *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, 200, got.Code, got.Body.String())
	require.Equal(t, selection{make([]struct{}, 3), make([]struct{}, 2), 5}, decode[selection](t, got.Body.String()))
}

func TestAnEarlyServerPreparesAgainAtEachCallWhereTheStoredSelectionIsMissing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.place(sim.StepUserSelection, func(op *sim.Operation) { op.OmitFileData = true })
	for call := 1; call <= 2; call++ {
		require.NotContains(t, w.record(), "fileData")
		requireSelection(t, w.get(sim.GetImportFileData))
		require.Equal(t, call, w.Writes()[sim.WriteWiped])
	}
}

func TestAnEarlyServerAnswersWhatItStoredWhateverItsShape(t *testing.T) {
	for name, stored := range sim.OddFileData() {
		w := newWorkspace(t, sim.Config{Generation: sim.Early3})
		w.place(sim.StepDone, func(op *sim.Operation) { op.FileData = stored })
		want := decode[map[string]any](t, stored)
		assert.Equal(t, want, w.record()["fileData"], name)
		want["success"] = true
		assert.Equal(t, want, decode[map[string]any](t, w.get(sim.GetImportFileData).Body.String()), name)
		assert.Empty(t, w.Writes(), name)
	}
}

// The recorded import had 300 users, 20 channels with one direct conversation more,
// and 5,000 messages. Another program made the call once 50 records were completed.
func TestOneCallDisturbsARunningImportAsTheRecordingShows(t *testing.T) {
	recording := lines(t, "disturbed-import.jsonl")
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: 4 * time.Second})
	w.Start(sim.SlackImport(sim.Content{Users: 300, Channels: 20, Direct: 1, Messages: 5000}), 1)
	w.clock.Advance(70 * time.Second)
	require.Equal(t, 5321, *w.current().Count.Total)
	require.Equal(t, 50, completed(w.current()))
	w.get(sim.GetImportFileData)
	require.Equal(t, 0, w.Staged())
	require.Equal(t, 1, w.Destructive())
	require.Equal(t, sim.StepPreparingChannels, w.current().Step)
	requireSubsequence(t, w.trace(3*time.Minute, 50*time.Millisecond), recording[2:])
	end := w.current()
	require.Equal(t, sim.StepDone, end.Step)
	require.Equal(t, 2*5321, *end.Count.Total)
	require.Equal(t, 5321, completed(end))
}

func TestAWipeOfAnImportWithoutAFileLosesItsSelection(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.place(sim.StepImportingUsers, func(op *sim.Operation) { op.File = "" })
	require.Equal(t, selection{[]struct{}{}, []struct{}{}, 0}, decode[selection](t, w.get(sim.GetImportFileData).Body.String()))
	require.Equal(t, 0, w.Staged())
	require.Equal(t, 1, w.Destructive())
}

func TestOnlyTheLatestGenerationHasContacts(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.place(sim.StepUserSelection, func(op *sim.Operation) { op.Count.Contacts = new(4) })
		require.NoError(t, w.SetSelection(sim.Selection{Contacts: 4}))
		_, counted := w.record()["count"].(map[string]any)["contacts"]
		assert.Equal(t, generation == sim.Latest, counted, generation)
		staged := strings.Contains(w.get(sim.GetImportFileData).Body.String(), `"contacts":[{"id":"V0",`)
		assert.Equal(t, generation == sim.Latest, staged, generation)
	}
}
