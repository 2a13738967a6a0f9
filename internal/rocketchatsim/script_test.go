package rocketchatsim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func TestEveryScriptEndsAsItSays(t *testing.T) {
	for _, c := range []struct {
		name      string
		script    sim.Script
		last      string
		valid     bool
		completed int // of 153,400
		length    time.Duration
	}{
		{"slack", sim.Slack(), "importer_done", true, 153_000, 178 * time.Second},
		{"stall", sim.Stall(20 * time.Minute), "importer_done", true, 153_000, 178*time.Second + 20*time.Minute},
		{"restart", sim.Restart(), "importer_importing_messages", false, 78_000, 139 * time.Second},
		{"second instance", sim.SecondInstance(), "importer_done", false, 78_500, 178 * time.Second},
		{"failure", sim.Failure(), "importer_import_failed", true, 78_000, 139 * time.Second},
	} {
		for i, generation := range sim.Generations() {
			t.Run(c.name+"/"+generation.String(), func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				speed := [...]float64{1, 0.1, 10, 4}[i%4]
				length := w.Start(c.script, speed)
				require.Equal(t, time.Duration(float64(c.length)/speed), length)
				require.Equal(t, c.length, c.script.Duration())
				before := w.current()
				for range 1000 {
					w.clock.Advance(length / 1000)
					after := w.current()
					require.GreaterOrEqual(t, completed(after), completed(before))
					if !after.Updated.After(before.Updated) {
						require.Equal(t, before, after, "a change is a save")
					}
					before = after
				}
				w.clock.Advance(time.Second)
				end := w.current()
				assert.Equal(t, c.last, end.Step)
				assert.Equal(t, c.valid, end.Valid)
				assert.Equal(t, c.completed, completed(end))
				assert.Equal(t, 153_400, *end.Count.Total)
				w.clock.Advance(time.Hour)
				assert.Equal(t, end, w.current(), "an hour later")
			})
		}
	}
}

func TestProgressIsSavedAsOftenAsTheGenerationDoes(t *testing.T) {
	users := sim.SlackImport(sim.Content{Users: 1130, Messages: 1, Skipped: 1})
	messages := sim.SlackImport(sim.Content{Messages: 1731, Skipped: 1})
	for generation, want := range map[sim.Generation][]int{
		sim.Early3: {1000, 1500}, sim.Middle: {1000, 1500}, sim.Classic: {1100, 1500}, sim.Latest: {1100, 1500},
	} {
		saved := func(script sim.Script) int {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.Start(script, 1)
			w.clock.Advance(time.Hour)
			return completed(w.current())
		}
		got := []int{saved(users), saved(messages)}
		assert.Equal(t, want, got, "%s of 1130 users and 1730 messages", generation)
	}
}

func TestWhatARestartASecondInstanceAndAClearDoInEachStep(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(*sim.Server)
		spares  string // the step that stays valid
		staged  int
	}{
		{"restart", (*sim.Server).Restart, sim.StepUserSelection, 10},
		{"second instance", (*sim.Server).StartSecondInstance, sim.StepUserSelection, 10},
		{"clear", (*sim.Server).Clear, "", 0},
	} {
		c.happens(newWorkspace(t, sim.Config{}).Server) // without an import nothing happens
		for _, step := range sim.Steps() {
			w := newWorkspace(t, sim.Config{})
			w.place(step, nil)
			want := w.current()
			if step != c.spares {
				want.Valid, want.Updated = false, epoch.Add(time.Minute) // once
			}
			for range 2 {
				w.clock.Advance(time.Minute)
				c.happens(w.Server)
				assert.Equal(t, want, w.current(), "%s in %s", c.name, step)
				assert.Equal(t, c.staged, w.Staged(), "%s in %s", c.name, step)
			}
		}
	}
}

func TestWhatAnOwnerDoesToAnOperation(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	require.Error(t, w.Update(func(*sim.Operation) {}), "there is none")
	w.Start(sim.Slack(), 1)
	w.place(sim.StepUserSelection, nil)
	before := w.current()
	w.clock.Advance(time.Hour)
	require.Equal(t, before, w.current(), "placing one stops the script")
	require.NoError(t, w.Update(func(op *sim.Operation) { op.Count.Users = new(99) }))
	require.Equal(t, 3, *before.Count.Users, "what was returned does not change")
	require.Equal(t, 99, *w.current().Count.Users)
	require.Equal(t, w.clock.Now(), w.current().Updated)
	w.RemoveOperations()
	_, found := w.Operation()
	require.False(t, found)
}
