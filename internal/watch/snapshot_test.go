package watch

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestServerTimeIsThatOfTheSameAnswerAsTheRecord(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers, everySevenSeconds)
	first := r.scrape()
	r.Clock.Advance(6 * time.Second)
	r.Update(func(op *rocketchatsim.Operation) { op.Count.Completed = new(50) })
	s := r.scrape()
	assert.Equal(t, first.ServerTime, s.ServerTime)
	assert.Equal(t, first.Operation, s.Operation)
	r.Clock.Advance(time.Second)
	s = r.scrape()
	assert.WithinDuration(t, epoch.Add(7*time.Second).Truncate(time.Second), s.ServerTime, 0)
	assert.WithinDuration(t, epoch.Add(6*time.Second), s.Operation.Updated, 0)
}

func TestFinishedMeansThatAllWasImported(t *testing.T) {
	done := func(changes ...func(*client.Operation)) *client.Operation {
		return ready("a", 1, append([]func(*client.Operation){in(client.StepDone), total(100)}, changes...)...)
	}
	for name, test := range map[string]struct {
		op     *client.Operation
		ending Ending
		want   bool
	}{
		"no import":       {nil, "", false},
		"in another step": {ready("a", 1, total(100), handled(100)), EndingFinished, false},
		"done and valid, whatever its counts say":      {done(handled(1)), EndingFinished, true},
		"done, and seen valid before":                  {done(invalid, handled(1)), EndingFinished, true},
		"done and not valid, with its total handled":   {done(invalid, handled(100)), "", true},
		"done and not valid, above its total":          {done(invalid, handled(110)), "", true},
		"done and not valid, with a record left":       {done(invalid, handled(99)), "", false},
		"done and not valid, without a total":          {ready("a", 1, in(client.StepDone), invalid, handled(99)), "", false},
		"done and not valid, and it was seen to abort": {done(invalid, handled(100)), EndingAborted, false},
	} {
		assert.Equal(t, test.want, Snapshot{Operation: test.op, Course: Course{Ending: test.ending}}.Finished(), name)
	}
}

func TestInstancesAreCountedWhileTheyAnswer(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	instance := ""
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
		if instance != "" {
			w.Header().Set("X-Instance-ID", instance)
		}
		fmt.Fprint(w, `{"success":true}`)
	})
	assert.False(t, r.scrape().InstancesKnown)
	for _, step := range []struct {
		instance  string
		after     time.Duration
		want      int
		wantFirst uint64
	}{
		{"one", 0, 1, 0}, {"one", time.Minute, 1, 0}, {"two", time.Minute, 2, 1}, {"", 9 * time.Minute, 2, 1}, {"two", 1, 1, 1}, {"one", 0, 2, 1},
	} {
		r.Clock.Advance(step.after)
		instance = step.instance
		s := r.scrape()
		assert.True(t, s.InstancesKnown)
		assert.Equal(t, step.want, s.Instances, step)
		assert.Equal(t, step.wantFirst, s.NewInstances, step)
	}
}

func TestMissingDateHeaderIsLoggedOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Sim.SetDate(nil)
	for range 3 {
		s := r.scrape()
		assert.True(t, s.Up)
		assert.Zero(t, s.ServerTime)
	}
	assert.Equal(t, 1, strings.Count(r.logged(), "no Date header"), r.logged())
}

func TestClearedSelectionIsNoLongerShown(t *testing.T) {
	for _, generation := range rocketchatsim.Generations() {
		r := newRig(t, generation)
		r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
		if generation != rocketchatsim.Middle { // which has it neither in the record nor read
			assert.EqualValues(t, 12, users(r.scrape()), generation)
		}
		r.Sim.Clear()
		s := r.scrape()
		assert.Nil(t, s.Selection, generation)
		assert.Equal(t, client.StateError, s.State, generation)
	}
}

func TestOddFileDataOfAnEarlyRecordLeavesTheRestKnown(t *testing.T) {
	want := map[string]int64{"the progress of the import": -1, "no message_count": 1, "numbers for booleans": 1, "a null for a boolean": 1}
	for name, fileData := range rocketchatsim.OddFileData() {
		r := newRig(t, rocketchatsim.Early3)
		op := simtest.Operation(rocketchatsim.StepUserSelection)
		op.FileData = fileData
		r.Place(op)
		r.scrape()
		s := r.scrape()
		assert.Equal(t, client.StateReady, s.State, name)
		assert.Equal(t, want[name], users(s), name)
		assert.Zero(t, r.Reads(), name)
	}
}
