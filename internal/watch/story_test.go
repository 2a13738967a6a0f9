package watch

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// told returns what the log says of the import, without the names of the workspace and the import.
func (r *rig) told() (lines []string) {
	for line := range strings.Lines(r.logged()) {
		if strings.Contains(line, "operation_id") {
			line = regexp.MustCompile(` operation_id=\S+ importer=\S+| records=\d+`).ReplaceAllString(line, "")
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "level=")))
		}
	}
	return lines
}

func TestTheLogTellsTheStoryOfAnImport(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.scrape()
	op := simtest.Operation(rocketchatsim.StepNew)
	op.Count.Completed = nil
	r.Place(op)
	next := func(after time.Duration, step string, completed int) {
		r.scrape()
		r.Clock.Advance(after)
		r.Update(func(op *rocketchatsim.Operation) {
			op.Step, op.Updated = step, r.Clock.Now()
			if completed > 0 {
				op.Count.Completed = &completed
			}
		})
		r.scrape()
	}
	next(time.Minute, rocketchatsim.StepUserSelection, 0)
	next(time.Minute, rocketchatsim.StepImportingUsers, 0)
	next(time.Minute, rocketchatsim.StepImportingUsers, 10)
	r.Clock.Advance(16 * time.Minute)
	r.scrape()
	next(0, rocketchatsim.StepImportingMessages, 50)
	next(time.Minute, rocketchatsim.StepDone, 57)
	r.scrape()
	assert.Equal(t, []string{
		`info msg="an import has appeared" step=importer_new completed=0 failed=0`,
		`info msg="the import waits for somebody to press start" step=importer_user_selection completed=0 failed=0`,
		`info msg="the import runs" step=importer_importing_users completed=0 failed=0`,
		`error msg="the import has stalled" step=importer_importing_users completed=10 failed=0 unsaved_for=15m59s`,
		`info msg="the import moves again" step=importer_importing_messages completed=50 failed=0`,
		`info msg="the import has finished" step=importer_done completed=57 failed=0 took=18m1s`,
	}, r.told())
}

func TestTheLogSaysHowAnImportEndedBadly(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*rocketchatsim.Operation)
		told string
	}{
		"failed":                  {func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportFailed }, `error msg="the import has failed" step=importer_import_failed`},
		"interrupted":             {func(op *rocketchatsim.Operation) { op.Valid = false }, `error msg="the import was interrupted, and never finishes" step=importer_importing_users`},
		"aborted, said once":      {func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false }, `error msg="the import was aborted`},
		"set back, and not ready": {func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepUserSelection }, `error msg="the import was set back`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigIn(t, rocketchatsim.StepImportingUsers)
			r.scrape()
			r.Update(c.end)
			r.scrape()
			r.scrape()
			lines := r.told()
			assert.Len(t, lines, 2)
			assert.Contains(t, lines[len(lines)-1], c.told)
		})
	}
}

func TestTheLogTellsTheStoryOfEachImport(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	r.scrape()
	r.Clock.Advance(16 * time.Minute)
	r.scrape()
	next := func(change func(*rocketchatsim.Operation)) {
		r.Update(func(op *rocketchatsim.Operation) { op.Updated = r.Clock.Now(); change(op) })
		r.scrape()
	}
	next(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepDone })
	another := func(id string) {
		op := simtest.Operation(rocketchatsim.StepImportingUsers)
		op.ID, op.Created, op.Updated = id, r.Clock.Now(), r.Clock.Now()
		r.Place(op)
		r.scrape()
	}
	another("b")
	next(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepUserSelection })
	next(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportingUsers })
	next(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportCancelled })
	another("c")
	another("d")
	r.Clock.Advance(6 * time.Minute)
	next(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
	var told []string
	for _, line := range r.told() {
		told = append(told, regexp.MustCompile(`" (step|kind)=.*`).ReplaceAllString(line, ""))
	}
	assert.Equal(t, []string{
		`info msg="the import runs`, `error msg="the import has stalled`, `info msg="the import has finished`,
		`info msg="the import runs`, `error msg="the import was set back while it ran or after it was done`, `info msg="the import runs`, `info msg="the import was canceled`,
		`info msg="the import runs`,
		`info msg="the import runs`, `info msg="the import has ended; it may have been aborted`,
	}, told)
	assert.Contains(t, r.logged(), "what was staged may be gone while the import goes on")
}

func TestAnImportThatIsOverWhenItIsSeenFirstIsNoError(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportFailed)
	r.scrape()
	assert.Equal(t, []string{`info msg="the import has failed" step=importer_import_failed completed=0 failed=0`}, r.told())
}

func TestItSaysWhatWasSeenWhenAnImportDied(t *testing.T) {
	restart := func(r *rig) {
		r.Sim.StartSecondInstance()
		r.Sim.StopInstance(r.Sim.Instances()[0])
	}
	for name, c := range map[string]struct {
		happens func(*rig)
		died    string
	}{
		"an instance started": {restart, "an instance of Rocket.Chat was started between 06:31:55 and 06:32:10 UTC"},
		"none did":            {func(*rig) {}, "no instance of Rocket.Chat was seen to start between 06:31:55 and 06:32:10 UTC; one may answer later, or somebody called import.clear"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigIn(t, rocketchatsim.StepImportingUsers)
			r.scrape()
			r.Clock.Advance(15 * time.Second)
			c.happens(r)
			r.Update(func(op *rocketchatsim.Operation) { op.Valid = false })
			assert.Equal(t, c.died, r.scrape().Died)
			assert.Contains(t, r.logged(), c.died)
			r.Clock.Advance(15 * time.Second)
			assert.Equal(t, c.died, r.scrape().Died, "also at the next look")
		})
	}
}

func TestItSaysNothingOfADeathThatWasNotSeen(t *testing.T) {
	for _, c := range []struct {
		step  string
		valid bool // at the first look
	}{{rocketchatsim.StepDone, true}, {rocketchatsim.StepImportingUsers, false}} {
		r := newRigIn(t, c.step)
		r.Update(func(op *rocketchatsim.Operation) { op.Valid = c.valid })
		r.scrape()
		r.Update(func(op *rocketchatsim.Operation) { op.Valid = false })
		assert.Empty(t, r.scrape().Died, c.step)
	}
}
