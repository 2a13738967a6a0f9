package watch

import (
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestStatusFollowsOneOperation(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	type seen struct {
		first, last Look
		moved       time.Time
		incident    Incident
		at          time.Time // of the incident
	}
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	complete := func(n int) func() {
		return func() { r.update(func(op *rocketchatsim.Operation) { op.Count.Completed = &n }) }
	}
	enter := func(step string) func() {
		return func() { r.update(func(op *rocketchatsim.Operation) { op.Step = step }) }
	}
	for i, step := range []struct {
		name   string
		change func()
		want   seen
	}{
		{"it is ready", func() { r.place(operation(rocketchatsim.StepUserSelection)) }, seen{}},
		{"the read of its selection saves it", func() {}, seen{moved: at(20)}},
		{"it starts", enter(rocketchatsim.StepImportingUsers), seen{Look{at(30), 0}, Look{at(30), 0}, at(30), "", time.Time{}}},
		{"it moves", complete(12), seen{Look{at(30), 0}, Look{at(40), 12}, at(40), "", time.Time{}}},
		{"it does not move", func() {}, seen{Look{at(30), 0}, Look{at(50), 12}, at(40), "", time.Time{}}},
		{"no answer comes", func() { r.sim.SetToken(userID, "another") }, seen{Look{at(30), 0}, Look{at(50), 12}, at(40), "", time.Time{}}},
		{"it moves again", func() { r.sim.SetToken(userID, token); complete(20)() }, seen{Look{at(30), 0}, Look{at(70), 20}, at(70), "", time.Time{}}},
		{"it is set back", enter(rocketchatsim.StepUserSelection), seen{Look{}, Look{}, at(80), SetBack, at(80)}},
		{"it goes on", enter(rocketchatsim.StepImportingUsers), seen{Look{at(90), 20}, Look{at(90), 20}, at(90), SetBack, at(80)}},
		{"another begins", func() { r.sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepNew, epoch)) }, seen{}},
		{"all are forgotten", r.sim.RemoveOperations, seen{}},
	} {
		r.clock.Advance(10 * time.Second)
		step.change()
		r.scrape()
		s := r.Status()
		if got := (seen{s.First, s.Last, s.Moved, s.Incident, s.IncidentAt}); got != step.want {
			t.Errorf("%d: %s: got %+v, want %+v", i+1, step.name, got, step.want)
		}
		if want := at(10 * (i + 1)); !s.Scraped.Equal(want) || s.Failing != (step.name == "no answer comes") || s.At.Equal(want) == s.Failing {
			t.Errorf("%d: %s: scraped at %s, seen at %s, failing %t", i+1, step.name, s.Scraped, s.At, s.Failing)
		}
	}
}

func TestStatusStallsAsTheAlertsDo(t *testing.T) {
	const minute = time.Minute
	for _, test := range []struct {
		step     client.Step
		importer string
		valid    bool
		after    time.Duration // 0 for never
	}{
		{"importer_importing_users", "slack", true, 15 * minute},
		{"importer_finishing", "slack", true, 15 * minute},
		{"importer_importing_users", "slack", false, 0},
		{"importer_importing_files", "pending-files", true, 0},
		{"importer_importing_files", "pending-avatars", true, 0},
		{"importer_file_loaded", "slack", true, 30 * minute},
		{"importer_preparing_messages", "slack", true, 30 * minute},
		{"importer_preparing_messages", "slack", false, 0},
		{"importer_uploading", "slack", true, 240 * minute},
		{"importer_downloading_file", "slack", true, 240 * minute},
		{"importer_new", "slack", true, 0},
		{client.StepUserSelection, "slack", true, 0},
		{client.StepDone, "slack", true, 0},
		{"importer_import_failed", "slack", true, 0},
		{"importer_dreaming", "slack", true, 0},
	} {
		op := &client.Operation{Step: test.step, Importer: test.importer, Valid: test.valid}
		if got := StalledAfter(op); got != test.after {
			t.Errorf("%s of %s, valid %t, stalls after %s", test.step, test.importer, test.valid, got)
		}
		// Rocket.Chat's clock is a day behind.
		op.Updated = epoch.AddDate(0, 0, -1)
		for age, want := range map[time.Duration]bool{test.after: false, test.after + time.Second: test.after > 0} {
			s := Status{At: epoch, Snapshot: Snapshot{Operation: op, ServerTime: op.Updated.Add(age)}}
			if idle, ok := s.Idle(); !ok || idle != age || s.Stalled() != want {
				t.Errorf("%s of %s at %s: stalled %t, idle %s", test.step, test.importer, age, s.Stalled(), idle)
			}
			if s.Moved = epoch.Add(-test.after); s.Stalled() {
				t.Errorf("%s of %s stalls although it was seen to move", test.step, test.importer)
			}
		}
	}
	if none := (Status{At: epoch}); none.Stalled() || StalledAfter(nil) != 0 {
		t.Error("no operation stalls")
	}
}
