package rocketchatsim_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func handled(op sim.Operation) int {
	if op.Count == nil {
		return 0
	}
	return number(op.Count.Completed) + number(op.Count.Error)
}

// wantMonotone checks that nothing completed is ever lost, that completed and error
// come together, and that the time moves exactly when the record does.
func wantMonotone(t *testing.T, seen []sim.Operation) {
	t.Helper()
	for i := 1; i < len(seen); i++ {
		before, after := seen[i-1], seen[i]
		if handled(after) < handled(before) {
			t.Errorf("%d handled after %d", handled(after), handled(before))
		}
		if after.Count != nil && (after.Count.Completed == nil) != (after.Count.Error == nil) {
			t.Errorf("only one of completed and error in %s", after.Step)
		}
		moved := after.Updated.After(before.Updated)
		before.Updated = after.Updated
		if changed := !reflect.DeepEqual(before, after); changed && !moved {
			t.Errorf("the record changed, but not its time, in %s", after.Step)
		}
	}
}

func TestEveryScriptEndsAsItSays(t *testing.T) {
	const slackTotal = 153_400
	for _, c := range []struct {
		name   string
		script sim.Script
		last   string
		valid  bool
		end    [3]int // completed, error and total; -1 is a missing field
		length time.Duration
	}{
		{"slack", sim.Slack(), "importer_done", true, [3]int{153_000, 0, slackTotal}, 178 * time.Second},
		{"stall", sim.Stall(20 * time.Minute), "importer_done", true, [3]int{153_000, 0, slackTotal}, 178*time.Second + 20*time.Minute},
		{"restart", sim.Restart(), "importer_importing_messages", false, [3]int{78_000, 0, slackTotal}, 139 * time.Second},
		{"second instance", sim.SecondInstance(), "importer_done", false, [3]int{78_500, 0, slackTotal}, 178 * time.Second},
		{"failure", sim.Failure(), "importer_import_failed", true, [3]int{78_000, 0, slackTotal}, 139 * time.Second},
		{"a small slack", sim.SlackImport(sim.Content{Users: 12, Channels: 5, Direct: 3, Messages: 49, Skipped: 1}), "importer_done", true, [3]int{-1, -1, 69}, 178 * time.Second},
		{"1466 records", sim.SlackImport(sim.Content{Users: 400, Channels: 20, Messages: 1046, Skipped: 2}), "importer_done", true, [3]int{1000, 0, 1466}, 178 * time.Second},
		{"csv", sim.CSVImport(sim.Content{Users: 8, Channels: 3, Direct: 5, Messages: 30}), "importer_done", true, [3]int{46, 0, 41}, 178 * time.Second},
		{"hipchat", sim.HipChatImport(sim.Content{Users: 8, Channels: 3, Direct: 2, Messages: 16}), "importer_done", true, [3]int{29, 0, 27}, 178 * time.Second},
		{"slack users", sim.SlackUsersImport(140), "importer_done", true, [3]int{140, 0, 140}, 102 * time.Second},
		{"api", sim.APIImport(900, 90), "importer_done", true, [3]int{810, 90, 900}, 62 * time.Second},
		{"pending files", sim.PendingFiles(640), "importer_done", true, [3]int{640, 0, 640}, 60 * time.Second},
		{"pending avatars", sim.PendingAvatars(30), "importer_done", true, [3]int{30, 0, 30}, 60 * time.Second},
		{"broken zip", sim.BrokenZip(), "importer_file_loaded", true, [3]int{-1, -1, -1}, 8 * time.Second},
		{"malformed users", sim.MalformedUsers(), "importer_preparing_users", true, [3]int{-1, -1, -1}, 36 * time.Second},
		{"wrong file", sim.WrongFile(), "importer_user_selection", true, [3]int{-1, -1, 1}, 42 * time.Second},
	} {
		for i, generation := range sim.Generations() {
			t.Run(c.name+"/"+generation.String(), func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				speed := [...]float64{1, 0.1, 1000, 4}[i%4]
				length := w.Start(c.script, speed)
				if want := time.Duration(float64(c.length) / speed); length != want || c.script.Duration() != c.length {
					t.Errorf("it takes %v, and %v at speed 1; want %v, %v", length, c.script.Duration(), want, c.length)
				}
				seen := w.watch(length, length/2000)
				if generation == sim.Classic { // too fast for an abort that takes a second
					seen = append(seen, w.watch(4*time.Second, time.Second)...)
				}
				wantMonotone(t, seen)
				end := seen[len(seen)-1]
				if end.Step != c.last || end.Valid != c.valid {
					t.Errorf("ends in %s, valid %v; want %s, %v", end.Step, end.Valid, c.last, c.valid)
				}
				got := [3]int{-1, -1, -1}
				if end.Count != nil {
					for i, field := range []*int{end.Count.Completed, end.Count.Error, end.Count.Total} {
						if field != nil {
							got[i] = *field
						}
					}
				}
				if got != c.end {
					t.Errorf("ends with %v completed, failed and in all, want %v", got, c.end)
				}
				w.clock.Advance(time.Hour)
				if later := w.current(); later.Updated != end.Updated || later.Step != end.Step {
					t.Errorf("it still moves: %+v", later)
				}
			})
		}
	}
}

func TestProgressIsSavedAsOftenAsTheGenerationDoes(t *testing.T) {
	users := sim.SlackImport(sim.Content{Users: 1130, Messages: 1, Skipped: 1})
	messages := sim.SlackImport(sim.Content{Messages: 1731, Skipped: 1})
	for generation, want := range map[sim.Generation][3]int{
		sim.Early3: {1000, 1500, 500}, sim.Middle: {1000, 1500, 500}, sim.Classic: {1100, 1500, 500}, sim.Latest: {1100, 1500, 650},
	} {
		saved := func(script sim.Script, after time.Duration) int {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.Start(script, 1)
			w.clock.Advance(after)
			return handled(w.current())
		}
		got := [3]int{saved(users, time.Hour), saved(messages, time.Hour), saved(sim.PendingAvatars(1100), 36*time.Second)}
		if got != want {
			t.Errorf("%s saves %v of 1130 users, 1730 messages and 654 avatars, want %v", generation, got, want)
		}
	}
}

func TestFailedRecordsCountAsErrorsWhereTheGenerationAndTheImporterSaySo(t *testing.T) {
	failing := func(script sim.Script) sim.Script {
		for i := range script.Phases {
			script.Phases[i].Failed = script.Phases[i].Imported / 10
		}
		return script
	}
	for _, generation := range sim.Generations() {
		for _, c := range []struct {
			script sim.Script
			errors bool
		}{
			{failing(sim.SlackImport(sim.Content{Users: 1000})), false},
			{failing(sim.PendingFiles(1000)), generation == sim.Latest},
			{failing(sim.PendingAvatars(1000)), false},
			{sim.APIImport(1000, 100), true},
		} {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.clock.Advance(w.Start(c.script, 1))
			want := map[bool]int{true: 100}[c.errors]
			if op := w.current(); *op.Count.Error != want || *op.Count.Completed != 1000-want {
				t.Errorf("%s, %s: %d completed and %d failed, want %d failed", generation, op.ImporterKey, *op.Count.Completed, *op.Count.Error, want)
			}
		}
	}
}

func TestSettingAnOperationStopsTheScript(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.Start(sim.Slack(), 1)
	w.place(sim.StepUserSelection, nil)
	before := w.current()
	w.clock.Advance(time.Hour)
	if after := w.current(); !reflect.DeepEqual(before, after) {
		t.Errorf("it moved from\n%+v\nto\n%+v", before, after)
	}
}

func TestAScriptStartedAgainUnderTheSameIDBeginsAnew(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	script := sim.Slack()
	script.Operation.ID = "again"
	w.clock.Advance(w.Start(script, 1))
	w.Start(script, 1)
	record := w.record()
	if _, counts := record["count"]; w.Staged() != 0 || counts || record["messagesstatus"] != nil {
		t.Errorf("%d staged in a new import: %v", w.Staged(), record)
	}
}

func TestAnEarlyServerStoresTheSelectionAfterTheStepAndKeepsIt(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.Start(sim.Slack(), 1)
		for _, c := range []struct {
			after  time.Duration
			step   string
			stored bool
		}{
			{41 * time.Second, sim.StepPreparingMessages, false},
			{time.Second + 50*time.Millisecond, sim.StepUserSelection, false},
			{50 * time.Millisecond, sim.StepUserSelection, true},
			{62 * time.Second, sim.StepImportingMessages, true},
			{time.Hour, sim.StepDone, true},
		} {
			w.clock.Advance(c.after)
			_, stored := w.record()["fileData"]
			if want := c.stored && generation == sim.Early3; stored != want || w.current().Step != c.step {
				t.Errorf("%s: fileData in %s: %v, want %v in %s", generation, w.current().Step, stored, want, c.step)
			}
		}
	}
}

func TestPendingImportsStoreFileDataInEveryGeneration(t *testing.T) {
	for _, generation := range sim.Generations() {
		for _, script := range []sim.Script{sim.PendingFiles(14), sim.PendingAvatars(14)} {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.clock.Advance(w.Start(script, 1))
			want := map[string]any{"name": script.Operation.Type, "users": []any{}, "channels": []any{}, "message_count": 14.0}
			if got := w.record()["fileData"]; !reflect.DeepEqual(got, any(want)) {
				t.Errorf("%s, %s: fileData %v, want %v", generation, script.Operation.ImporterKey, got, want)
			}
		}
	}
}

func TestWhatARestartASecondInstanceAndAClearDoInEachStep(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(*sim.Server)
		spares  string // the step that stays valid
	}{
		{"restart", (*sim.Server).Restart, sim.StepUserSelection},
		{"second instance", (*sim.Server).StartSecondInstance, sim.StepUserSelection},
		{"clear", (*sim.Server).Clear, ""},
	} {
		c.happens(newWorkspace(t, sim.Config{}).Server) // without an import nothing happens
		for _, step := range sim.Steps() {
			w := newWorkspace(t, sim.Config{})
			w.place(step, nil)
			for again := range 2 {
				w.clock.Advance(time.Minute)
				c.happens(w.Server)
				op, spared := w.current(), step == c.spares
				updated := epoch.Add(time.Minute) // once
				if spared {
					updated = epoch
				}
				if op.Step != step || op.Valid != spared || !op.Updated.Equal(updated) {
					t.Errorf("%s in %s, time %d: %s, valid %v, updated %v", c.name, step, again+1, op.Step, op.Valid, op.Updated)
				}
			}
			if cleared := c.spares == ""; (w.Staged() == 0) != cleared {
				t.Errorf("%s in %s: %d staged", c.name, step, w.Staged())
			}
		}
	}
}

func TestAnImportThatASecondInstanceOrAClearAbortsRunsThroughWithinSeconds(t *testing.T) {
	for name, aborts := range map[string]func(*sim.Server){"second instance": (*sim.Server).StartSecondInstance, "clear": (*sim.Server).Clear} {
		w := newWorkspace(t, sim.Config{Generation: sim.Classic})
		w.Start(sim.SlackImport(sim.Content{Users: 900}), 1)
		w.clock.Advance(64*time.Second + 30*time.Second*210/900)
		aborts(w.Server)
		if op := w.current(); op.Valid || *op.Count.Completed != 200 || op.Step != sim.StepImportingUsers {
			t.Errorf("%s: valid %v, %d in %s; want 200 completed and still running", name, op.Valid, *op.Count.Completed, op.Step)
		}
		w.clock.Advance(4 * time.Second)
		if op := w.current(); op.Valid || *op.Count.Completed != 250 || *op.Count.Total != 900 || op.Step != sim.StepDone {
			t.Errorf("%s: valid %v, %d of %d in %s; want 250 of 900 done, not valid", name, op.Valid, *op.Count.Completed, *op.Count.Total, op.Step)
		}
	}
}

func TestAStallStandsStillAndLooksAsOldAsATestWantsAndThenGoesOn(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.Start(sim.Stall(20*time.Minute), 1)
	w.clock.Advance(139 * time.Second)
	want := w.current()
	w.must(w.Backdate(72 * time.Hour))
	want.Created, want.Updated = want.Created.Add(-72*time.Hour), want.Updated.Add(-72*time.Hour)
	w.clock.Advance(20*time.Minute - time.Millisecond)
	if after := w.current(); !reflect.DeepEqual(after, want) {
		t.Errorf("it is %+v, want %+v", after, want)
	}
	w.clock.Advance(time.Second)
	if after := w.current(); handled(after) <= handled(want) || w.clock.Now().Sub(after.Updated) > time.Second {
		t.Errorf("it did not go on: %+v", after)
	}
}

func TestAnOperationThatWasReturnedDoesNotChange(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.place(sim.StepUserSelection, nil)
	before := w.current()
	w.clock.Advance(time.Second)
	w.must(w.Update(func(op *sim.Operation) { op.Count.Users = new(99) }))
	after := w.current()
	if *before.Count.Users != 3 || *after.Count.Users != 99 || after.Updated.Sub(before.Updated) != time.Second {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestTheTimesOfARecord(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.place(sim.StepUserSelection, nil)
		record := w.record()
		want := "2026-11-24T06:31:55.842Z string"
		if generation == sim.Early3 || generation == sim.Middle {
			want = "1.795501915842e+12 float64"
		}
		if got := fmt.Sprintf("%v %T", record["ts"], record["ts"]); got != want || record["_updatedAt"] != "2026-11-24T06:31:55.842Z" {
			t.Errorf("%s: ts %s, want %s; _updatedAt %v", generation, got, want, record["_updatedAt"])
		}
	}
}
