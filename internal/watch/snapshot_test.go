package watch

import (
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
