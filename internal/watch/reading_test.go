package watch

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// answerReads makes getImportFileData answer with a status and body.
func (r *rig) answerReads(status int, body string) {
	r.Sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

func TestSelectionSlowerThanTheScrape(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
	arrived, release := r.Sim.Hold(rocketchatsim.GetImportFileData)
	s := r.Scrape(context.Background(), 300*time.Millisecond)
	<-arrived
	assert.Equal(t, "up=true users=-1 failures=[] reads=[]", brief(s))
	r.Clock.Advance(7 * time.Second)
	s = r.scrape() // does not wait, or this test would hang
	assert.Equal(t, "up=true users=-1 failures=[] reads=[]", brief(s))
	release()
	r.running.Wait()
	s = r.scrape() // within the interval, and the selection came in since
	assert.Equal(t, "up=true users=12 failures=[] reads=[success:1]", brief(s))
	assert.Equal(t, 3, r.calls())
}

func TestReadOfTheSelectionHasABoundOfItsOwn(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, func(o *config.Workspace) { o.FileDataTimeout = 100 * time.Millisecond })
	r.Sim.Hold(rocketchatsim.GetImportFileData)
	assert.Equal(t, "up=true users=-1 failures=[timeout:1] reads=[failed:1]", brief(r.scrape()))
	assert.Error(t, r.Status().Failure.Err)
	assert.Contains(t, r.logged(), "the selection could not be read; the exporter asks for it again in 5m0s")
}

func TestReadWithoutASelectionLeavesTheOperationAndPauses(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string // after a number of reads
	}{
		"refused":           {http.StatusServiceUnavailable, "", "up=true users=-1 failures=[http_status:%[1]d] reads=[failed:%[1]d]"},
		"too many requests": {http.StatusTooManyRequests, "", "up=true users=-1 failures=[rate_limited:%[1]d] reads=[failed:%[1]d]"},
		"waiting":           {http.StatusOK, `{"waiting":true,"success":true}`, "up=true users=-1 failures=[] reads=[waiting:%d]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
			r.answerReads(test.status, test.body)
			assert.Equal(t, fmt.Sprintf(test.want, 1), brief(r.scrape()))
			r.Clock.Advance(5*time.Minute - 1)
			assert.Equal(t, fmt.Sprintf(test.want, 1), brief(r.scrape()))
			r.Clock.Advance(1)
			assert.Equal(t, fmt.Sprintf(test.want, 2), brief(r.scrape()))
		})
	}
}

func TestRateLimitOfTheSelectionHoldsAlthoughSomethingElseIsStaged(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
	r.answerReads(http.StatusTooManyRequests, "")
	r.scrape()
	r.Update(func(op *rocketchatsim.Operation) { op.Count.Users = new(13) })
	r.Clock.Advance(time.Minute - 1)
	assert.EqualValues(t, 1, r.scrape().Reads[ReadFailed])
	r.Clock.Advance(1)
	assert.EqualValues(t, 2, r.scrape().Reads[ReadFailed])
}

func TestRefusedSelectionShowsUntilItIsReadOrAnotherOperationComes(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
	forbid := func() {
		r.answerReads(http.StatusForbidden,
			`{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`)
	}
	forbid()
	s := r.scrape()
	assert.True(t, s.Up)
	assert.True(t, s.Forbidden)
	assert.False(t, s.Unauthorized)

	r.Sim.Intercept(rocketchatsim.GetImportFileData, nil)
	r.Clock.Advance(5 * time.Minute)
	assert.False(t, r.scrape().Forbidden, "it was read")

	forbid()
	r.scrape()
	r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportingUsers })
	assert.True(t, r.scrape().Forbidden, "nothing is read")
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, http.NotFound)
	assert.True(t, r.scrape().Forbidden, "no answer comes")
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.Sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepNew, epoch))
	assert.False(t, r.scrape().Forbidden, "another operation came")
}

func TestSelectionIsShownWhileItIsTheOperations(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection)
	r.scrape()
	for _, test := range []struct {
		step  string
		total int // of what is staged
		users int64
	}{
		{rocketchatsim.StepImportingMessages, 57, 12}, {rocketchatsim.StepDone, 57, 12},
		{rocketchatsim.StepDone, 114, -1}, {rocketchatsim.StepDone, 57, 12},
	} {
		r.Update(func(op *rocketchatsim.Operation) {
			op.Step, op.Count.Total, op.Count.Completed = test.step, &test.total, new(50)
		})
		assert.Equal(t, test.users, users(r.scrape()), test)
	}
	another := simtest.Operation(rocketchatsim.StepDone)
	another.ID = "another"
	r.Sim.SetOperation(another)
	assert.Nil(t, r.scrape().Selection, "another operation comes")
}

// The step may have changed since the answer began, however long its body takes.
func TestAnswerThatTakesASecondToArriveLeadsToNoRead(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection)
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
		w.Write([]byte(" ")) // the first byte of the answer
		w.(http.Flusher).Flush()
		<-time.After(time.Second)
		r.Sim.Answer(w, req)
	})
	assert.Equal(t, "up=true users=-1 failures=[] reads=[not_sent:1]", brief(r.scrape()))
	assert.Zero(t, r.Reads())
	assert.Contains(t, r.logged(), "the selection was not read")
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.scrape()
	assert.Contains(t, r.logged(), "the selection was read")
}

func TestReadThatTheExporterEndsIsCountedNowhere(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
	arrived, _ := r.Sim.Hold(rocketchatsim.GetImportFileData)
	r.Scrape(t.Context(), 50*time.Millisecond)
	<-arrived
	r.Close()
	assert.Equal(t, "up=true users=-1 failures=[] reads=[]", brief(r.scrape()))
}

func TestUnguardedAsksNothingButTheSelection(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.Unguarded))
	for _, want := range []string{"up=true users=12 failures=[] reads=[success:1]", "up=true users=12 failures=[] reads=[success:2]"} {
		s := r.scrape()
		assert.Equal(t, want, brief(s))
		assert.False(t, s.PositionKnown)
		assert.False(t, s.Waiting)
		assert.Zero(t, s.ServerTime)
	}
	assert.Equal(t, r.Reads(), r.calls())
}

func TestUnguardedShowsWhatTheAnswerSaysOfTheImport(t *testing.T) {
	s := newRigIn(t, rocketchatsim.StepPreparingUsers, simtest.InMode(config.Unguarded)).scrape()
	assert.Equal(t, "up=true users=-1 failures=[] reads=[waiting:1]", brief(s))
	assert.True(t, s.Waiting)
	s = newRig(t, rocketchatsim.Latest, simtest.InMode(config.Unguarded)).scrape()
	assert.Equal(t, "up=true users=0 failures=[] reads=[failed:1]", brief(s))
	assert.True(t, s.PositionKnown)
	assert.Equal(t, client.StateNone, s.State)
}

func TestEachChangeIsLoggedOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	for _, token := range []string{simtest.Token, "another", simtest.Token} {
		r.Sim.SetToken(simtest.UserID, token)
		for range 3 {
			assert.Equal(t, token != simtest.Token, r.scrape().Unauthorized)
		}
	}
	lines := strings.Split(strings.TrimSpace(r.logged()), "\n")
	if assert.Len(t, lines, 3) {
		assert.Regexp(t, `level=error .* reason=unauthorized .* hint=`, lines[1])
	}
	assert.NotContains(t, r.logged(), simtest.Token)
}

func TestDurationCountsTheWaitForTheSelection(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, func(o *config.Workspace) { o.MinInterval = time.Minute })
	operationArrived, releaseOperation := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	selectionArrived, releaseSelection := r.Sim.Hold(rocketchatsim.GetImportFileData)
	snapshots := r.together(t, 1, operationArrived, r.scrape)
	r.Clock.Advance(2 * time.Second)
	releaseOperation()
	<-selectionArrived
	r.Clock.Advance(3 * time.Second)
	releaseSelection()
	assert.Equal(t, 5*time.Second, (<-snapshots).Duration)
	r.Clock.Advance(10 * time.Second)
	assert.Equal(t, 5*time.Second, r.scrape().Duration, "the same snapshot to a later scrape")
}
