package watch

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// calls is how many calls have arrived.
func (r *rig) calls() int { return r.Sim.Requests(rocketchatsim.GetCurrentImportOperation) + r.Reads() }

// waitingModes are a mode in which scrapes wait for the operation, and the one in
// which they wait for the selection.
var waitingModes = []config.Mode{config.OnChange, config.Unguarded}

// together starts n scrapes of a call that is held, and returns once all wait
// for it. The channel receives their snapshots.
func (r *rig) together(t *testing.T, n int, arrived <-chan struct{}, scrape func() Snapshot) <-chan Snapshot {
	snapshots := make(chan Snapshot, n)
	for range n {
		go func() { snapshots <- scrape() }()
	}
	<-arrived
	r.waiting(t, n)
	return snapshots
}

func TestScrapesThatOverlapShareOneCall(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers)
	arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := r.together(t, 5, arrived, r.scrape)
	release()
	for range 5 {
		assert.Equal(t, client.StateImporting, (<-snapshots).State)
	}
	assert.Equal(t, 1, r.calls())
}

func TestScrapeThatEndsEarlyLeavesTheOthersWaiting(t *testing.T) {
	for _, hangsUp := range []bool{true, false} {
		r := newRig(t, rocketchatsim.Latest)
		arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
		others := r.together(t, 1, arrived, r.scrape)
		ctx, hangUp := context.WithCancel(context.Background())
		limit, failures := 50*time.Millisecond, "[timeout:1]"
		if hangsUp {
			limit, failures = 0, "[]"
			go func() {
				r.waiting(t, 2)
				hangUp()
			}()
		}
		assert.Equal(t, "up=false users=-1 failures="+failures+" reads=[]", brief(r.Scrape(ctx, limit)))
		hangUp()
		release()
		assert.Equal(t, "up=true users=0 failures="+failures+" reads=[]", brief(<-others))
	}
}

func TestScrapeWithoutTimeToWaitMakesNoCall(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers, everySevenSeconds)
	assert.Equal(t, "up=false users=-1 failures=[timeout:1] reads=[]", brief(r.Scrape(context.Background(), -1)))
	assert.Zero(t, r.calls())
	r.scrape()
	assert.Equal(t, "up=true users=-1 failures=[timeout:1] reads=[]", brief(r.Scrape(context.Background(), -1)))
	r.Clock.Advance(7 * time.Second) // the last answer is too old
	assert.Equal(t, "up=false users=-1 failures=[timeout:2] reads=[]", brief(r.Scrape(context.Background(), -1)))
	assert.Equal(t, 1, r.calls())
}

func TestAScrapeWithLittleTimeSpoilsNoAnswer(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	for i := range 2 {
		_, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
		for range 2 {
			assert.False(t, r.Scrape(context.Background(), 50*time.Millisecond).Up)
		}
		assert.Equal(t, i+1, strings.Count(r.logged(), "a scrape ended before Rocket.Chat answered"), "said once, until a scrape is answered")
		assert.False(t, r.Status().Failing)
		release()
		assert.Equal(t, fmt.Sprintf("up=true users=0 failures=[timeout:%d] reads=[]", 2*i+2), brief(r.scrape()))
		assert.Equal(t, i+1, r.calls(), "all scrapes of the interval share one call")
		r.Clock.Advance(7 * time.Second)
	}
}

func TestCallThatAllHungUpOnIsNotShownAsFailingAndGoesOnForOthers(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	ctx, hangUp := context.WithCancel(context.Background())
	gone := r.together(t, 1, arrived, func() Snapshot { return r.Scrape(ctx, 0) })
	hangUp()
	<-gone
	assert.Equal(t, Status{Scraped: epoch}, r.Status())
	assert.Empty(t, r.logged())
	release()
	assert.True(t, r.scrape().Up, "whoever hangs up spoils no answer")
	assert.Equal(t, 1, r.calls())
}

// Otherwise scrapers that take turns would keep a dead connection alive for ever.
func TestCallEndsAtItsTimeoutHoweverManyStillWait(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *config.Workspace) { o.Timeout = 300 * time.Millisecond })
	arrived, _ := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := r.together(t, 3, arrived, r.scrape)
	var counted []uint64
	for range 3 {
		s := <-snapshots
		assert.False(t, s.Up)
		counted = append(counted, s.Failures[client.Timeout])
	}
	assert.ElementsMatch(t, []uint64{1, 2, 3}, counted, "each scrape counts once")
}

func TestScrapesWithinTheIntervalShareTheLastResultGoodOrNot(t *testing.T) {
	for _, mode := range waitingModes {
		for _, token := range []string{simtest.Token, "another"} {
			r := newRig(t, rocketchatsim.Latest, simtest.InMode(mode), everySevenSeconds)
			r.Sim.SetToken(simtest.UserID, token)
			first := r.scrape()
			assert.Equal(t, token == simtest.Token, first.Up, mode)
			r.Clock.Advance(7*time.Second - 1)
			second := r.scrape()
			for _, failures := range second.Failures {
				assert.EqualValues(t, 2, failures, "each scrape counts once")
			}
			second.Failures = first.Failures
			assert.Equal(t, first, second, mode)
			assert.Equal(t, 1, r.calls(), mode)
			r.Clock.Advance(1)
			r.scrape()
			assert.Equal(t, 2, r.calls(), mode)
		}
	}
}

func TestNoCallIsMadeForAWhileAfterTooManyRequests(t *testing.T) {
	for _, mode := range waitingModes {
		r := newRig(t, rocketchatsim.Latest, simtest.InMode(mode))
		r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit)
		for range 10 {
			assert.True(t, r.scrape().Up, mode)
		}
		for limited := range uint64(4) {
			s := r.scrape()
			assert.False(t, s.Up, mode)
			assert.Equal(t, map[client.Reason]uint64{client.RateLimited: limited + 1}, s.Failures, mode)
		}
		assert.Equal(t, 11, r.calls(), mode)
		r.Clock.Advance(time.Minute)
		assert.True(t, r.scrape().Up, mode)
	}
}

func TestManyScrapersAtOnce(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, func(o *config.Workspace) { o.MinInterval = time.Second })
	var scrapers sync.WaitGroup
	for i := range 20 {
		scrapers.Go(func() {
			for range 20 {
				ctx, cancel := context.WithCancel(context.Background())
				if i%4 == 0 {
					cancel() // some hang up
				}
				r.Scrape(ctx, 0)
				cancel()
				r.Clock.Advance(100 * time.Millisecond)
			}
		})
	}
	scrapers.Wait()
	r.Clock.Advance(time.Minute)
	assert.EqualValues(t, 12, users(r.scrape()))
	assert.Equal(t, 1, r.Reads())
}

func TestTheLogSaysEachKindOfResultOnce(t *testing.T) {
	refused := func(status int, endpoint client.Endpoint) error {
		return &client.Error{Reason: client.Unauthorized, Status: status, Endpoint: endpoint}
	}
	var text strings.Builder
	m := NewMemory(log.NewLogfmtLogger(&text), time.Hour)
	m.watcher = newRig(t, rocketchatsim.Latest).Watcher
	for i, test := range []struct {
		err    error // nil for a call that succeeds
		logged bool
	}{
		{nil, true}, {nil, false},
		{refused(401, "a"), true}, {refused(401, "b"), false},
		{refused(403, "b"), true}, // another status
		{nil, true}, {refused(403, "b"), true},
	} {
		before := text.Len()
		if test.err == nil {
			m.logSucceeded("calls", "good")
		} else {
			m.logFailed("calls", "bad", test.err)
		}
		assert.Equal(t, test.logged, text.Len() > before, "result %d", i+1)
	}
}
