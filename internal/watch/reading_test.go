package watch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
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
	s := r.scrapeUntil(arrived)
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
	r := newRigIn(t, rocketchatsim.StepUserSelection, func(o *config.Workspace) { o.FileDataTimeout = 500 * time.Millisecond })
	r.Sim.Hold(rocketchatsim.GetImportFileData)
	assert.Equal(t, "up=true users=-1 failures=[] reads=[failed:1]", brief(r.scrape()))
	assert.Error(t, r.Status().Failure)
	assert.Contains(t, r.logged(), "the selection could not be read; the exporter asks for it again in 5m0s")
}

func TestReadWithoutASelectionLeavesTheOperationAndPauses(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string // after a number of reads
	}{
		"refused":           {http.StatusServiceUnavailable, "", "up=true users=-1 failures=[] reads=[failed:%d]"},
		"too many requests": {http.StatusTooManyRequests, "", "up=true users=-1 failures=[] reads=[failed:%d]"},
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
	r.scrape() // the new counts settle, which ends the pause
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

	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	r.Update(func(op *rocketchatsim.Operation) { op.ID, op.Created = "third", r.Clock.Now() })
	forbid()
	assert.True(t, r.scrape().Forbidden)
	r.Sim.RemoveOperations()
	assert.False(t, r.scrape().Forbidden, "there is none")

	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	r.Update(func(op *rocketchatsim.Operation) { op.ID, op.Created = "fourth", r.Clock.Now() })
	r.answerReads(http.StatusUnauthorized, `{"status":"error","message":"You must be logged in to do this."}`)
	assert.True(t, r.scrape().Unauthorized)
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

func TestSlowLookLeadsToNoReadAndIsLoggedOnce(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection)
	r.policy.maxTook = 0
	for n := range 3 {
		assert.Equal(t, fmt.Sprintf("up=true users=-1 failures=[] reads=[not_sent:%d]", n+1), brief(r.scrape()))
	}
	assert.Zero(t, r.Reads())
	assert.Equal(t, 1, strings.Count(r.logged(), "the selection was not read"), r.logged())
	assert.Contains(t, r.logged(), "near it")
	r.policy.maxTook = time.Hour
	assert.Equal(t, "up=true users=12 failures=[] reads=[not_sent:3 success:1]", brief(r.scrape()))
	assert.Contains(t, r.logged(), "the selection was read")
}

// asInstance makes an answer that of another instance.
type asInstance struct {
	http.ResponseWriter
	id string
}

func (w asInstance) WriteHeader(status int) {
	w.Header().Set("X-Instance-ID", w.id)
	w.ResponseWriter.WriteHeader(status)
}

func TestSeveralInstancesLeadToNoRead(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(config.EachScrape))
	answerAs := func(endpoint, instance string) {
		r.Sim.Intercept(endpoint, func(w http.ResponseWriter, req *http.Request) {
			r.Sim.Answer(asInstance{w, instance}, req)
		})
	}
	answerAs(rocketchatsim.GetImportFileData, "one")
	for i, instance := range []string{"one", "two", "one", "one", "one"} {
		answerAs(rocketchatsim.GetCurrentImportOperation, instance)
		want := map[ReadResult]uint64{ReadOK: 1, ReadNotSent: uint64(i)}
		if i == 4 {
			want = map[ReadResult]uint64{ReadOK: 2, ReadNotSent: 3}
		}
		if i == 0 {
			delete(want, ReadNotSent)
		}
		assert.Equal(t, want, r.scrape().Reads, "look %d", i+1)
	}
	assert.Equal(t, 1, strings.Count(r.logged(), "several instances of Rocket.Chat answer"), r.logged())

	answerAs(rocketchatsim.GetImportFileData, "two") // which answers the read of a look at one
	for range 3 {
		assert.EqualValues(t, 3, r.scrape().Reads[ReadOK])
	}
	r.Clock.Advance(10 * time.Minute)
	assert.EqualValues(t, 4, r.scrape().Reads[ReadOK])
	assert.Equal(t, 1, strings.Count(r.logged(), "another one its read"), r.logged())
	r.Clock.Advance(10 * time.Minute)
	assert.Equal(t, 2, r.scrape().Instances, "of the look, and of its read")
}

func TestHarmOfOwnReadSinceTheLookBeforeIsSaidToBePossible(t *testing.T) {
	for _, test := range []struct {
		mode  config.Mode
		looks int // before the harm; on-change reads at the first
		ours  bool
	}{{config.OnChange, 1, true}, {config.OnChange, 2, false}, {config.Never, 1, false}} {
		r := newRigIn(t, rocketchatsim.StepUserSelection, simtest.InMode(test.mode))
		for range test.looks {
			r.scrape()
		}
		r.Update(func(op *rocketchatsim.Operation) {
			op.Step, op.Count.Total = rocketchatsim.StepImportingUsers, new(114)
		})
		assert.EqualValues(t, 1, r.scrape().Incidents[SetBack])
		assert.Equal(t, test.ours, strings.Contains(r.logged(), "this exporter"), r.logged())
	}
}

func TestHarmOfAReadThatIsUnderWayIsSaidToBePossible(t *testing.T) {
	for looks := range 3 { // that see nothing yet
		r := newRigIn(t, rocketchatsim.StepUserSelection)
		arrived, _ := r.Sim.Hold(rocketchatsim.GetImportFileData)
		r.scrapeUntil(arrived)
		for range looks {
			r.scrape()
		}
		r.Update(func(op *rocketchatsim.Operation) {
			op.Step, op.Count.Total = rocketchatsim.StepImportingUsers, new(114)
		})
		r.scrape()
		assert.Contains(t, r.logged(), "this exporter")
	}
}

func TestOutdatedAnswerIsNotAMissedLook(t *testing.T) {
	for missed, aborted := range []uint64{1, 0} { // the last records may not be counted where a look was missed
		r := newRigIn(t, rocketchatsim.StepImportingUsers)
		older, _ := r.Sim.Operation()
		r.Clock.Advance(time.Second)
		r.Update(func(*rocketchatsim.Operation) {})
		r.scrape()
		for range missed {
			r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, http.NotFound)
			assert.False(t, r.scrape().Up)
			r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
		}
		r.Sim.SetOperation(older)
		assert.False(t, r.scrape().Up)
		r.Clock.Advance(time.Second)
		r.Update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
		assert.Equal(t, aborted, r.scrape().Incidents[Aborted])
	}
}

func TestInstancesAreForgottenOnceManyAnsweredLongAgo(t *testing.T) {
	m := NewMemory(log.NewNopLogger(), MaxTook)
	for n := range maxInstances {
		m.met(fmt.Sprint(n), epoch)
	}
	m.met("another", epoch.Add(instanceFor))
	assert.Len(t, m.instances, maxInstances+1)
	m.met("the last", epoch.Add(instanceFor+1))
	assert.Len(t, m.instances, 2)
	assert.EqualValues(t, maxInstances+1, m.newInstances)
}

func TestLookThatLeadsToNoReadClosesItsConnection(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	var open atomic.Int64
	server := httptest.NewUnstartedServer(r.Sim)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	r.Config.URL.Host = server.Listener.Addr().String()
	r.scrape()
	assert.Eventually(t, func() bool { return open.Load() == 0 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, 1, r.calls())
}

func TestOutdatedAnswerIsAFailureForTwoMinutes(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	older, _ := r.Sim.Operation()
	r.Update(func(op *rocketchatsim.Operation) {
		op.Step, op.Updated = rocketchatsim.StepImportingMessages, epoch.Add(time.Second)
	})
	r.Clock.Advance(time.Second)
	r.Update(func(*rocketchatsim.Operation) {})
	r.scrape()
	r.Sim.SetOperation(older)
	s := r.scrape()
	assert.Equal(t, "up=false users=-1 failures=[outdated:1] reads=[]", brief(s))
	assert.Nil(t, s.Operation)
	assert.True(t, r.Status().Failing)
	assert.Regexp(t, `level=error .*reason=outdated .*hint=.*lags behind`, r.logged())
	r.Clock.Advance(2 * time.Minute)
	assert.True(t, r.scrape().Up)
}

func TestAPIImportHasItsSelectionInTheRecord(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	op := rocketchatsim.APIOperation(rocketchatsim.StepUserSelection, epoch)
	op.Count = &rocketchatsim.Count{Total: new(90), Users: new(90)}
	r.Place(op)
	s := r.scrape()
	assert.EqualValues(t, 90, users(s))
	assert.True(t, s.WithoutFlags)
	assert.False(t, s.Selection.Channels.Known)
	assert.Zero(t, r.Reads())
	r.Sim.Clear()
	assert.Nil(t, r.scrape().Selection)
}

func TestLookThatNobodyWaitsForAnyMoreLeadsToNoRead(t *testing.T) {
	for name, limit := range map[string]time.Duration{"hung up": 0, "out of time": 50 * time.Millisecond} {
		r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
		arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
		ctx, hangUp := context.WithCancel(t.Context())
		gone := make(chan Snapshot)
		go func() { gone <- r.Scrape(ctx, limit) }()
		<-arrived
		if limit == 0 {
			hangUp()
		}
		<-gone
		hangUp()
		release()
		r.running.Wait()
		assert.True(t, r.scrape().Up, name)
		assert.Zero(t, r.Reads(), name)
		r.Clock.Advance(7 * time.Second)
		assert.EqualValues(t, 12, users(r.scrape()), name)
	}
}

func TestCallThatTheExporterEndsIsNoFailure(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	arrived, _ := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := make(chan Snapshot, 1)
	go func() { snapshots <- r.scrape() }()
	<-arrived
	r.Close()
	assert.Equal(t, "up=false users=-1 failures=[] reads=[]", brief(<-snapshots))
	assert.False(t, r.Status().Failing)
	assert.Empty(t, r.logged())
}

func TestReadThatTheExporterEndsIsCountedNowhere(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everySevenSeconds)
	arrived, _ := r.Sim.Hold(rocketchatsim.GetImportFileData)
	r.scrapeUntil(arrived)
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
