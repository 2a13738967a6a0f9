package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestStatusFollowsOneOperation(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	assert.Zero(t, r.Status(), "before the first scrape")
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	enter := func(step string) func() {
		return func() { r.Update(func(op *rocketchatsim.Operation) { op.Step = step }) }
	}
	complete := func(n int) func() {
		return func() { r.Update(func(op *rocketchatsim.Operation) { op.Count.Completed = &n }) }
	}
	started := at(30).Truncate(time.Second) // a Date header has whole seconds
	restoreToken := func() { r.Sim.SetToken(simtest.UserID, simtest.Token) }
	for i, step := range []struct {
		name   string
		change func()
		want   Course
	}{
		{"it is ready", func() { r.Place(simtest.Operation(rocketchatsim.StepUserSelection)) }, Course{}},
		{"the read of its selection saves it", func() {}, Course{Moved: at(20)}},
		{"it starts", enter(rocketchatsim.StepImportingUsers), Course{First: Sample{at(30), 0}, Last: Sample{at(30), 0}, Moved: at(30), Started: started}},
		{"it moves", complete(12), Course{First: Sample{at(30), 0}, Last: Sample{at(40), 12}, Moved: at(40), Started: started}},
		{"it does not move", func() {}, Course{First: Sample{at(30), 0}, Last: Sample{at(50), 12}, Moved: at(40), Started: started}},
		{"no answer comes", func() { r.Sim.SetToken(simtest.UserID, "another") },
			Course{First: Sample{at(30), 0}, Last: Sample{at(50), 12}, Moved: at(40), Started: started}},
		{"it moves again", func() { restoreToken(); complete(20)() }, Course{First: Sample{at(30), 0}, Last: Sample{at(70), 20}, Moved: at(70), Started: started}},
		{"it is set back", enter(rocketchatsim.StepUserSelection), Course{Moved: at(80), Started: started, SetBackAt: at(80)}},
		{"it goes on", enter(rocketchatsim.StepImportingUsers),
			Course{First: Sample{at(90), 20}, Last: Sample{at(90), 20}, Moved: at(90), Started: started, SetBackAt: at(80)}},
		{"another begins", func() { r.Sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, epoch)) },
			Course{First: Sample{at(100), 0}, Last: Sample{at(100), 0}}},
		{"all are forgotten", r.Sim.RemoveOperations, Course{}},
	} {
		r.Clock.Advance(10 * time.Second)
		step.change()
		r.scrape()
		got, now, failing := r.Status(), at(10*(i+1)), step.name == "no answer comes"
		assert.Equal(t, now, got.Scraped, step.name)
		assert.Equal(t, failing, got.Failing, step.name)
		assert.Equal(t, !failing, got.At.Equal(now), step.name)
		assert.Equal(t, failing, got.FailedAt.Equal(now), step.name)
		assert.Equal(t, step.want, got.Snapshot.Course, step.name)
	}
}

func TestASaveAheadOfTheClockIsNotOld(t *testing.T) {
	op := ready("a", 1, saved(time.Second))
	idle, ok := Status{At: epoch, Snapshot: Snapshot{Operation: op, ServerTime: epoch}}.Idle()
	assert.True(t, ok)
	assert.Zero(t, idle)
}

func TestStatusStallsUnlessItWasSeenToMove(t *testing.T) {
	const most = 15 * time.Minute
	op := ready("a", 1, in("importer_importing_users"))
	op.Updated = epoch.AddDate(0, 0, -1) // Rocket.Chat's clock is a day behind
	for _, test := range []struct {
		idle  time.Duration
		moved time.Time
		want  bool
	}{
		{most, time.Time{}, false}, {most + 1, time.Time{}, true},
		{most + 1, epoch.Add(-most), false}, {most + 1, epoch.Add(-most - 1), true},
	} {
		s := Status{At: epoch, Snapshot: Snapshot{Operation: op, Course: Course{Moved: test.moved}, ServerTime: op.Updated.Add(test.idle)}}
		idle, ok := s.Idle()
		assert.True(t, ok)
		assert.Equal(t, test.idle, idle)
		assert.Equal(t, test.want, s.Stalled(), test)
	}
	op.Step = client.StepUserSelection
	assert.False(t, Status{At: epoch, Snapshot: Snapshot{Operation: op}}.Stalled())
	assert.False(t, Status{At: epoch}.Stalled())
}
