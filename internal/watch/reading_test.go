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
	r.Front.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

func TestSelectionSlowerThanTheScrape(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
	arrived, release := r.Hold(rocketchatsim.GetImportFileData)

	s := r.Scrape(context.Background(), 300*time.Millisecond)
	<-arrived
	assert.True(t, s.Up)
	assert.Nil(t, s.Selection)
	assert.Empty(t, s.Failures)
	r.Clock.Advance(7 * time.Second)
	s = r.scrape() // does not wait, or this test would hang
	assert.True(t, s.Up)
	assert.Nil(t, s.Selection)
	release()
	r.running.Wait()
	assert.EqualValues(t, 12, users(r.scrape()), "a scrape within the interval gets the selection that came in since")
	assert.Equal(t, 3, r.calls())
	assert.Equal(t, 1, r.Reads())
}

func TestOlderSelectionStaysShownWhileItIsReadAgain(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
	r.scrape()
	r.Hold(rocketchatsim.GetImportFileData)
	assert.EqualValues(t, 12, users(r.Scrape(context.Background(), 300*time.Millisecond)))
}

func TestReadOfTheSelectionHasABoundOfItsOwn(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, func(o *config.Workspace) { o.FileDataTimeout = 100 * time.Millisecond })
	r.Hold(rocketchatsim.GetImportFileData)
	s := r.scrape()
	assert.True(t, s.Up)
	assert.Equal(t, failures(client.Timeout, 1), s.Failures)
}

func TestReadWithoutASelectionLeavesTheOperationAndPauses(t *testing.T) {
	for name, test := range map[string]struct {
		status   int
		body     string
		want     ReadResult
		failures map[client.Reason]uint64
	}{
		"refused":           {http.StatusServiceUnavailable, "", ReadFailed, failures(client.HTTPStatus, 1)},
		"too many requests": {http.StatusTooManyRequests, "", ReadFailed, failures(client.RateLimited, 1)},
		"waiting":           {http.StatusOK, `{"waiting":true,"success":true}`, ReadWaiting, map[client.Reason]uint64{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
			r.answerReads(test.status, test.body)
			for _, pause := range []time.Duration{0, 5*time.Minute - 1} {
				r.Clock.Advance(pause)
				s := r.scrape()
				assert.True(t, s.Up)
				assert.Nil(t, s.Selection)
				assert.Equal(t, test.failures, s.Failures)
				assert.Equal(t, map[ReadResult]uint64{test.want: 1}, s.Reads)
			}
			r.Clock.Advance(1)
			assert.Equal(t, map[ReadResult]uint64{test.want: 2}, r.scrape().Reads)
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
		r.answerReads(http.StatusForbidden, `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`)
	}
	forbid()
	s := r.scrape()
	assert.True(t, s.Up)
	assert.True(t, s.Forbidden)
	assert.False(t, s.Unauthorized)

	r.Front.Intercept(rocketchatsim.GetImportFileData, nil)
	r.Clock.Advance(5 * time.Minute)
	assert.False(t, r.scrape().Forbidden, "it was read")

	forbid()
	r.scrape()
	r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportingUsers })
	assert.True(t, r.scrape().Forbidden, "nothing is read")
	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, http.NotFound)
	assert.True(t, r.scrape().Forbidden, "no answer comes")
	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.Sim.SetOperation(rocketchatsim.SlackOperation(rocketchatsim.StepNew, epoch))
	assert.False(t, r.scrape().Forbidden, "another operation came")
}

func TestSelectionIsShownWhileItIsTheOperations(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection)
	r.scrape()
	for _, test := range []struct {
		name   string
		change func(*rocketchatsim.Operation)
		users  int64
	}{
		{"it runs", func(op *rocketchatsim.Operation) {
			op.Step, op.Count.Completed = rocketchatsim.StepImportingMessages, new(50)
		}, 12},
		{"it is done", func(op *rocketchatsim.Operation) { op.Step, op.Count.Completed = rocketchatsim.StepDone, new(57) }, 12},
		{"something else is staged", func(op *rocketchatsim.Operation) { op.Count.Total = new(114) }, -1},
		{"the same is staged again", func(op *rocketchatsim.Operation) { op.Count.Total = new(57) }, 12},
	} {
		r.Update(test.change)
		assert.Equal(t, test.users, users(r.scrape()), test.name)
	}
	another := simtest.Operation(rocketchatsim.StepDone)
	another.ID = "another"
	r.Sim.SetOperation(another)
	assert.Nil(t, r.scrape().Selection, "another operation comes")
}

// The step may have changed since the answer began, however long its body takes.
func TestAnswerThatTakesASecondToArriveLeadsToNoRead(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection)
	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
		w.Write([]byte(" ")) // the first byte of the answer
		w.(http.Flusher).Flush()
		<-time.After(connectWithin)
		r.Sim.ServeHTTP(w, req)
	})
	s := r.scrape()
	assert.True(t, s.Up)
	assert.Equal(t, map[ReadResult]uint64{ReadNotSent: 1}, s.Reads)
	assert.Empty(t, s.Failures)
	assert.Zero(t, r.Reads())
	assert.Contains(t, r.logged(), "no connection stood within 1s")
}

func TestReadThatTheExporterEndsIsCountedNowhere(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
	arrived, _ := r.Hold(rocketchatsim.GetImportFileData)
	r.Scrape(t.Context(), 50*time.Millisecond)
	<-arrived
	r.Close()
	s := r.scrape()
	assert.Empty(t, s.Reads)
	assert.Empty(t, s.Failures)
}

func TestUnguarded(t *testing.T) {
	t.Run("asks nothing but the selection, at every scrape", func(t *testing.T) {
		r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.Unguarded))
		for n := range uint64(3) {
			s := r.scrape()
			assert.EqualValues(t, 12, users(s))
			s.Selection, s.Duration = nil, 0
			assert.Equal(t, Snapshot{
				Up: true, Failures: map[client.Reason]uint64{}, Incidents: map[Incident]uint64{}, Reads: map[ReadResult]uint64{ReadOK: n + 1},
			}, s)
			r.Clock.Advance(7 * time.Second)
		}
		assert.Equal(t, 3, r.calls())
		assert.Equal(t, 3, r.Reads())
	})
	t.Run("shows that the server is preparing the file", func(t *testing.T) {
		s := newRigIn(t, rocketchatsim.StepPreparingUsers, simtest.InMode(config.Unguarded)).scrape()
		assert.True(t, s.Up)
		assert.True(t, s.Waiting)
		assert.Nil(t, s.Selection)
		assert.Equal(t, map[ReadResult]uint64{ReadWaiting: 1}, s.Reads)
	})
	t.Run("shows that there never was an import", func(t *testing.T) {
		s := newRig(t, rocketchatsim.Latest, simtest.InMode(config.Unguarded)).scrape()
		assert.True(t, s.Up)
		assert.True(t, s.PositionKnown)
		assert.Equal(t, client.StateNone, s.State)
		assert.Zero(t, users(s))
	})
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
	operationArrived, releaseOperation := r.Hold(rocketchatsim.GetCurrentImportOperation)
	selectionArrived, releaseSelection := r.Hold(rocketchatsim.GetImportFileData)
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
