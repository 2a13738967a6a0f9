// Package situations writes down what dashboard, page, check, metrics and alerts say of the same
// import, each by itself, so that none of them contradicts another.
package situations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// minutes is how long each workspace is watched, at a scrape a minute.
const minutes = 100

// situation is what happens to one workspace, by the minute; all is looked at in the last one.
type situation struct {
	name string
	acts map[int]act
}

type act func(t *testing.T, w *workspace)

// place makes an import the newest, last saved that long ago.
func place(importer func(step string, at time.Time) sim.Operation, step string, ago time.Duration, count sim.Count) act {
	return func(t *testing.T, w *workspace) {
		op := importer(step, w.Clock.Now().Add(-ago))
		op.Count = &count
		w.Sim.SetOperation(op)
		require.NoError(t, w.Sim.SetSelection(sim.Selection{Users: 30, Channels: 4, Messages: 966}))
	}
}

func slack(step string, ago time.Duration) act {
	return place(sim.SlackOperation, step, ago, sim.Count{Total: new(1000), Users: new(30), Channels: new(4), Messages: new(966)})
}

func slackWith(step string, completed int) act {
	return place(sim.SlackOperation, step, 0, sim.Count{Total: new(1000), Completed: &completed, Error: new(0)})
}

func change(change func(*sim.Operation)) act {
	return func(t *testing.T, w *workspace) { require.NoError(t, w.Sim.Update(change)) }
}

func moveTo(step string) act { return change(func(o *sim.Operation) { o.Step = step }) }

func save(completed int) act {
	return change(func(o *sim.Operation) { o.Count.Completed = &completed })
}

func invalid(_ *testing.T, w *workspace) { w.Sim.Restart() }

// giveUp is what the start of another instance does. The import ends as done at its next save.
var giveUp = change(func(o *sim.Operation) { o.Valid = false })

func all(acts ...act) act {
	return func(t *testing.T, w *workspace) {
		for _, a := range acts {
			a(t, w)
		}
	}
}

// importing is an import that runs from the beginning to the end of the test, or until other acts end it.
func importing(others map[int]act) map[int]act {
	acts := map[int]act{0: slackWith(sim.StepImportingMessages, 0)}
	for minute := 1; minute <= minutes; minute++ {
		if others[minute] != nil {
			break
		}
		acts[minute] = save(9 * minute)
	}
	for minute, a := range others {
		acts[minute] = a
	}
	return acts
}

// setBack is what a call of getImportFileData in a wrong step does.
func setBack(t *testing.T, w *workspace) { w.readSelection() }

func pending(key string) func(string, time.Time) sim.Operation {
	return func(step string, at time.Time) sim.Operation {
		op := sim.SlackOperation(step, at)
		op.ImporterKey, op.Type, op.File, op.ContentType = key, key, "", ""
		return op
	}
}

var some = sim.Count{Total: new(1000)}

var situations = []situation{
	{"no import yet", nil},
	{"new", map[int]act{0: slack(sim.StepNew, 0)}},
	{"uploading for an hour", map[int]act{40: slack(sim.StepUploading, 0)}},
	{"uploaded 20 minutes ago", map[int]act{80: slack(sim.StepFileLoaded, 0)}},
	{"nobody has opened the import page for 40 minutes", map[int]act{60: slack(sim.StepFileLoaded, 0)}},
	{"preparing", map[int]act{90: slack(sim.StepPreparingMessages, 0)}},
	{"the preparation has not moved for 40 minutes", map[int]act{60: slack(sim.StepPreparingMessages, 0)}},
	{"interrupted while it was prepared", map[int]act{80: slack(sim.StepPreparingMessages, 0), 90: invalid}},
	{"given up before it was prepared", map[int]act{80: slack(sim.StepFileLoaded, 0), 90: invalid}},
	{"ready", map[int]act{0: slack(sim.StepUserSelection, 0)}},
	{"ready for two days", map[int]act{0: slack(sim.StepUserSelection, 48*time.Hour)}},
	{"ready without anything staged", map[int]act{0: func(t *testing.T, w *workspace) {
		w.Sim.SetOperation(sim.SlackOperation(sim.StepUserSelection, w.Clock.Now()))
		require.NoError(t, w.Sim.SetSelection(sim.Selection{}))
	}}},
	{"ready, then cleared", map[int]act{0: slack(sim.StepUserSelection, 0), 50: func(_ *testing.T, w *workspace) { w.Sim.Clear() }}},
	{"importing", importing(nil)},
	{"importing, no save for 20 minutes", importing(map[int]act{80: save(700)})},
	{"pending files, no save for an hour", map[int]act{40: place(pending("pending-files"), "importer_importing_files", 0, some)}},
	{"importing, 300 records of an api import failed", map[int]act{0: place(sim.APIOperation, sim.StepImportingUsers, 0, some),
		95: change(func(o *sim.Operation) { o.Count.Completed, o.Count.Error = new(500), new(300) })}},
	{"interrupted", importing(map[int]act{60: invalid})},
	{"failed", importing(map[int]act{60: moveTo(sim.StepImportFailed)})},
	{"failed, and Rocket.Chat was restarted", importing(map[int]act{60: moveTo(sim.StepImportFailed), 80: invalid})},
	{"aborted", importing(map[int]act{60: giveUp, 61: moveTo(sim.StepDone)})},
	{"aborted, and the exporter was restarted", importing(map[int]act{60: giveUp, 61: moveTo(sim.StepDone), 80: restartExporter})},
	{"aborted, and a new import runs", importing(map[int]act{60: giveUp, 61: moveTo(sim.StepDone),
		80: slackWith(sim.StepImportingUsers, 0), 90: save(50), 99: save(100)})},
	{"finished 5 minutes ago", importing(map[int]act{95: moveTo(sim.StepDone)})},
	{"finished an hour ago", importing(map[int]act{40: moveTo(sim.StepDone)})},
	{"finished, and Rocket.Chat was restarted", importing(map[int]act{40: moveTo(sim.StepDone), 60: invalid})},
	{"finished, and Rocket.Chat and the exporter were restarted", importing(map[int]act{40: moveTo(sim.StepDone), 60: all(invalid, restartExporter)})},
	{"ended at 40 % before the exporter looked", map[int]act{0: all(slackWith(sim.StepDone, 400), invalid)}},
	{"ended with all records handled before the exporter looked", map[int]act{0: all(slackWith(sim.StepDone, 1000), invalid)}},
	{"done, and set back 10 minutes ago", importing(map[int]act{40: moveTo(sim.StepDone), 90: setBack})},
	{"done, and set back 70 minutes ago", importing(map[int]act{10: moveTo(sim.StepDone), 30: setBack})},
	{"set back while importing, 70 minutes ago", importing(map[int]act{
		30: setBack, 31: moveTo(sim.StepImportingMessages), 60: save(300), 90: save(400), 99: save(430)})},
	{"set back 70 minutes ago, done for 20 minutes", importing(map[int]act{
		30: setBack, 31: moveTo(sim.StepImportingMessages), 60: save(300), 80: moveTo(sim.StepDone)})},
	{"set back 90 minutes ago, done for 65 minutes", importing(map[int]act{
		10: setBack, 11: moveTo(sim.StepImportingMessages), 35: moveTo(sim.StepDone)})},
	{"set back 70 minutes ago, and the exporter was restarted", importing(map[int]act{10: moveTo(sim.StepDone), 30: setBack, 50: restartExporter})},
	{"imported two days ago, set back 10 minutes ago", map[int]act{0: slack(sim.StepDone, 48*time.Hour), 90: setBack}},
	{"pending files, set back", map[int]act{50: place(pending("pending-files"), sim.StepUserSelection, 0, some)}},
	{"set back, and a new import runs", importing(map[int]act{
		40: moveTo(sim.StepDone), 60: setBack, 80: slackWith(sim.StepImportingUsers, 0), 90: save(50), 99: save(100)})},
	{"canceled", map[int]act{0: slack(sim.StepImportCancelled, 0)}},
	{"in a step of a later server", map[int]act{0: slack("importer_polishing", 0)}},
	{"ready, and two instances have answered for 40 minutes", map[int]act{0: slack(sim.StepUserSelection, 0),
		60: func(_ *testing.T, w *workspace) { w.Sim.StartSecondInstance() }}},
	{"importing, and Rocket.Chat has not answered for 20 minutes", importing(map[int]act{80: gateway})},
	{"no save for 30 minutes, no answer for 3", importing(map[int]act{70: save(650), 97: gateway})},
	{"ready, and the token is refused", map[int]act{0: slack(sim.StepUserSelection, 0), 90: func(_ *testing.T, w *workspace) { w.Sim.SetToken(simtest.UserID, "another") }}},
	{"ready, and the permission is missing", map[int]act{0: slack(sim.StepUserSelection, 0), 90: func(_ *testing.T, w *workspace) { w.Sim.Revoke(simtest.UserID, sim.RunImport) }}},
	{"importing, and the exporter is down", importing(map[int]act{80: func(_ *testing.T, w *workspace) { w.down = true }})},
}

func gateway(_ *testing.T, w *workspace) {
	w.Sim.Intercept(sim.GetCurrentImportOperation, sim.Fronts()["502 page"])
}
