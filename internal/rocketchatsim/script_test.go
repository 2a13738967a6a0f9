package rocketchatsim_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

// watch looks at the operation so often until the script is over.
func watch(w *workspace, length, every time.Duration) []sim.Operation {
	seen := []sim.Operation{w.operation()}
	for passed := time.Duration(0); passed < length; passed += every {
		w.clock.Advance(every)
		seen = append(seen, w.operation())
	}
	return seen
}

// steps lists the steps seen, each run of one step once.
func steps(seen []sim.Operation) []string {
	var all []string
	for _, op := range seen {
		all = append(all, op.Step)
	}
	return slices.Compact(all)
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func finished(op sim.Operation) int {
	if op.Count == nil {
		return 0
	}
	return number(op.Count.Completed) + number(op.Count.Error)
}

// wantMonotone checks that nothing completed is ever lost, and that the time moves
// exactly when the record does.
func wantMonotone(t *testing.T, seen []sim.Operation) {
	t.Helper()
	for i := 1; i < len(seen); i++ {
		before, after := seen[i-1], seen[i]
		if finished(after) < finished(before) {
			t.Errorf("%d finished after %d", finished(after), finished(before))
		}
		moved := after.Updated.After(before.Updated)
		before.Updated = after.Updated
		if changed := !reflect.DeepEqual(before, after); moved != changed {
			t.Errorf("updated moved: %v, the record changed: %v, in %s", moved, changed, after.Step)
		}
	}
}

func slackSteps(until string) []string {
	all := []string{
		"importer_new", "importer_uploading", "importer_file_loaded",
		"importer_preparing_started", "importer_preparing_channels", "importer_preparing_users", "importer_preparing_messages",
		"importer_user_selection",
		"importer_importing_started", "importer_importing_users", "importer_importing_channels", "importer_importing_messages",
	}
	switch until {
	case "importer_done":
		return append(all, "importer_finishing", "importer_done")
	case "importer_importing_messages":
		return all
	}
	return append(all, until)
}

func TestEveryScriptTakesItsStepsInOrderAndEndsAsItSays(t *testing.T) {
	const half = 3_000 + 400 + 75_000
	for _, c := range []struct {
		name     string
		script   sim.Script
		last     string
		valid    bool
		finished int
		length   time.Duration
	}{
		{"slack", sim.Slack(), "importer_done", true, 153_400, 178 * time.Second},
		{"stall", sim.Stall(20 * time.Minute), "importer_done", true, 153_400, 178*time.Second + 20*time.Minute},
		{"restart", sim.Restart(), "importer_importing_messages", false, half, 139 * time.Second},
		{"failure", sim.Failure(), "importer_import_failed", true, half, 139 * time.Second},
	} {
		for _, generation := range sim.Generations() {
			t.Run(c.name+"/"+generation.String(), func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				if length := w.Start(c.script, 1); length != c.length || length != c.script.Duration() {
					t.Errorf("it takes %v, want %v", length, c.length)
				}
				seen := watch(w, c.length, 250*time.Millisecond)
				wantMonotone(t, seen)
				if got := steps(seen); !slices.Equal(got, slackSteps(c.last)) {
					t.Errorf("steps %v\nwant  %v", got, slackSteps(c.last))
				}
				end := seen[len(seen)-1]
				if finished(end) != c.finished || *end.Count.Error != 12 || *end.Count.Total != 153_400 || end.Valid != c.valid {
					t.Errorf("ends valid=%v with %d finished of %d, %d failed", end.Valid, finished(end), *end.Count.Total, *end.Count.Error)
				}
				if *end.Count.Users != 3_000 || *end.Count.Channels != 400 || *end.Count.Messages != 150_000 {
					t.Errorf("ends with %d users, %d channels, %d messages", *end.Count.Users, *end.Count.Channels, *end.Count.Messages)
				}
				w.clock.Advance(time.Hour)
				if later := w.operation(); later.Updated != end.Updated || later.Step != end.Step {
					t.Errorf("it still moves: %+v", later)
				}
			})
		}
	}
}

func TestCompletedIsSavedEvery50RecordsAndEvery500Messages(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	length := w.Start(sim.Slack(), 1)
	saves := map[string]map[int]bool{}
	seen := watch(w, length, 10*time.Millisecond)
	for i := 1; i < len(seen); i++ {
		// The last save of a step comes at the moment in which the step ends.
		step := seen[i-1].Step
		if saved := finished(seen[i]) - finished(seen[i-1]); saved != 0 {
			if saves[step] == nil {
				saves[step] = map[int]bool{}
			}
			saves[step][saved] = true
		}
	}
	for step, size := range map[string]int{"importer_importing_users": 50, "importer_importing_channels": 50, "importer_importing_messages": 500} {
		if len(saves[step]) != 1 || !saves[step][size] {
			t.Errorf("%s saved batches of %v, want %d", step, saves[step], size)
		}
	}
}

func TestAStallStandsStillAndThenGoesOn(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.Start(sim.Stall(20*time.Minute), 1)
	w.clock.Advance(139 * time.Second)
	before := w.operation()
	w.clock.Advance(20*time.Minute - time.Millisecond)
	if after := w.operation(); after.Updated != before.Updated || finished(after) != finished(before) {
		t.Errorf("it moved: %+v, then %+v", before, after)
	}
	w.clock.Advance(time.Second)
	if after := w.operation(); finished(after) <= finished(before) || after.Step != "importer_importing_messages" {
		t.Errorf("it did not go on: %+v", after)
	}
}

func TestAnySpeedShowsTheSameImport(t *testing.T) {
	for _, speed := range []float64{0.1, 3, 1000} {
		w := newWorkspace(t, sim.Config{Generation: sim.Classic})
		length := w.Start(sim.Slack(), speed)
		if want := time.Duration(float64(178*time.Second) / speed); length != want {
			t.Errorf("speed %v takes %v, want %v", speed, length, want)
		}
		seen := watch(w, length, length/1000)
		if got := steps(seen); !slices.Equal(got, slackSteps("importer_done")) {
			t.Errorf("speed %v: steps %v", speed, got)
		}
	}
}

func TestPlayWaitsForTheEndAndStopsWaitingWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := sim.New(sim.Config{Generation: sim.Classic})
		start := time.Now()
		if err := server.Play(t.Context(), sim.Slack(), 2); err != nil {
			t.Fatal(err)
		}
		if op, _ := server.Operation(); op.Step != "importer_done" || time.Since(start) != 89*time.Second {
			t.Errorf("%s after %v, want done after 89s", op.Step, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := server.Play(ctx, sim.Slack(), 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline's", err)
		}
	})
}

func TestSettingAnOperationStopsTheScript(t *testing.T) {
	for _, same := range []bool{true, false} {
		w := newWorkspace(t, sim.Config{Generation: sim.Classic})
		w.Start(sim.Slack(), 1)
		id := w.operation().ID
		w.place(sim.StepUserSelection, func(op *sim.Operation) {
			if same {
				op.ID = id
			}
		})
		before := w.get(sim.GetLatestImportOperations).body
		w.clock.Advance(time.Hour)
		if after := w.get(sim.GetLatestImportOperations).body; after != before {
			t.Errorf("same id: %v: it moved from\n%s\nto\n%s", same, before, after)
		}
	}
}

func TestAScriptStartedAgainUnderTheSameIDBeginsAnew(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	script := sim.Slack()
	script.Operation.ID = "again"
	w.clock.Advance(w.Start(script, 1))
	staged := w.Staged()
	w.Start(script, 1)
	if body := w.get(sim.GetCurrentImportOperation).body; w.Staged() != 0 || strings.Contains(body, "messagesstatus") || strings.Contains(body, "count") {
		t.Errorf("%d staged in a new import: %s", w.Staged(), body)
	}
	w.clock.Advance(w.Start(script, 1))
	if staged != 153_400 || w.Staged() != staged {
		t.Errorf("%d records staged, then %d, want 153400", staged, w.Staged())
	}
}

func TestTheRecordNamesTheFolderWhileMessagesArePrepared(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.Start(sim.Slack(), 1)
	status := func() any {
		value, there := decode[struct{ Operation map[string]any }](t, w.get(sim.GetCurrentImportOperation).body).Operation["messagesstatus"]
		if !there {
			return "absent"
		}
		return value
	}
	for _, c := range []struct {
		after time.Duration
		want  any
	}{{20 * time.Second, "absent"}, {10 * time.Second, "general-119/2024-01-01"}, {15 * time.Second, nil}, {time.Hour, nil}} {
		w.clock.Advance(c.after)
		if got := status(); got != c.want {
			t.Errorf("messagesstatus %v in %s, want %v", got, w.operation().Step, c.want)
		}
	}
}

// The recorded import had 300 users, 20 channels with one direct conversation more,
// and 5,000 messages; the call was made once 50 records were completed.
func TestOneCallDisturbsARunningImportAsTheRecordingShows(t *testing.T) {
	recording := strings.Split(recorded(t, "disturbed-import.jsonl"), "\n")
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: 4 * time.Second})
	length := w.Start(sim.Script{
		Operation: recordedOperation(t, recording[0]),
		Selection: sim.Selection{Users: 300, Channels: 21, Messages: 5000},
		Phases: []sim.Phase{
			{Step: sim.StepImportingUsers, Duration: 18 * time.Second, Kind: sim.Users, Imported: 300},
			{Step: sim.StepImportingChannels, Duration: time.Second, Kind: sim.Channels, Imported: 21},
			{Step: sim.StepImportingMessages, Duration: 10 * time.Second, Kind: sim.Messages, Imported: 5000},
			{Step: sim.StepDone},
		},
	}, 1)
	w.clock.Advance(3 * time.Second)
	shapes := map[string]bool{shape(t, w.get(sim.GetCurrentImportOperation).body): true}
	if got := w.operation(); *got.Count.Completed != 50 || *got.Count.Total != 5321 {
		t.Fatalf("%d of %d before the call", *got.Count.Completed, *got.Count.Total)
	}
	w.get(sim.GetImportFileData)
	if w.Staged() != 0 || w.Destructive() != 1 {
		t.Errorf("%d records staged, %d destructive calls; want 0, 1", w.Staged(), w.Destructive())
	}
	seen := []sim.Operation{w.operation()}
	for range int(length / (250 * time.Millisecond)) {
		w.clock.Advance(250 * time.Millisecond)
		seen = append(seen, w.operation())
		shapes[shape(t, w.get(sim.GetCurrentImportOperation).body)] = true
	}
	wantMonotone(t, seen)

	var stepsRecorded []sim.Operation
	for _, line := range recording[1:] {
		stepsRecorded = append(stepsRecorded, recordedOperation(t, line))
		if !shapes[shape(t, line)] {
			t.Errorf("the simulation never showed the fields of %s", line)
		}
	}
	// The recording looked too seldom to catch every step.
	got := append([]string{"importer_importing_users"}, steps(seen)...)
	for _, step := range steps(stepsRecorded) {
		i := slices.Index(got, step)
		if i < 0 {
			t.Fatalf("after %s the simulation has steps %v", step, got)
		}
		got = got[i+1:]
	}
	end := seen[len(seen)-1]
	if total := *stepsRecorded[len(stepsRecorded)-1].Count.Total; *end.Count.Total != total || total != 2*5321 {
		t.Errorf("total %d, recorded %d", *end.Count.Total, total)
	}
	if finished(end) != 5321 || end.Step != sim.StepDone {
		t.Errorf("ends in %s with %d finished", end.Step, finished(end))
	}
}

func TestOneCallDoublesTheTotalOfAPlayingSlackImport(t *testing.T) {
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: generation})
			length := w.Start(sim.Slack(), 1)
			w.clock.Advance(120 * time.Second)
			w.get(sim.GetImportFileData)
			if op := w.operation(); op.Step != sim.StepUserSelection || *op.Count.Total != 306_800 {
				t.Errorf("%s with total %d right after the call", op.Step, *op.Count.Total)
			}
			w.clock.Advance(length)
			if op := w.operation(); op.Step != sim.StepDone || *op.Count.Total != 306_800 || finished(op) != 153_400 {
				t.Errorf("ends in %s with %d of %d", op.Step, finished(op), *op.Count.Total)
			}
		})
	}
}

func TestARestartEndsAPreparingThatAWrongCallStarted(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: time.Minute})
	w.Start(sim.Restart(), 1)
	w.clock.Advance(130 * time.Second)
	w.get(sim.GetImportFileData)
	w.clock.Advance(9 * time.Second)
	before := w.operation()
	w.clock.Advance(time.Hour)
	if after := w.operation(); before.Valid || after.Updated != before.Updated || after.Step != before.Step {
		t.Errorf("%+v, then %+v", before, after)
	}
}
