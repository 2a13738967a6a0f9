package watch

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// together starts n scrapes of a call that is held, and returns once all wait
// for it. The channel receives their snapshots.
func (r *rig) together(n int, arrived <-chan struct{}, scrape func() Snapshot) <-chan Snapshot {
	snapshots := make(chan Snapshot, n)
	for range n {
		go func() { snapshots <- scrape() }()
	}
	<-arrived
	r.waiting(n)
	return snapshots
}

func TestScrapesThatOverlapShareOneCall(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	arrived, release := r.hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := r.together(5, arrived, r.scrape)
	release()
	for range 5 {
		if s := <-snapshots; !s.Up || s.State != client.StateImporting {
			t.Errorf("a scrape got %+v", s)
		}
	}
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 1 {
		t.Errorf("%d calls were made", n)
	}
}

func TestScraperThatHangsUpCountsNothingAndDisturbsNobody(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	arrived, release := r.hold(rocketchatsim.GetCurrentImportOperation)
	patient := r.together(1, arrived, r.scrape)

	ctx, hangUp := context.WithCancel(context.Background())
	left := make(chan Snapshot)
	go func() { left <- r.Scrape(ctx, 0) }()
	r.waiting(2)
	hangUp()
	if s := <-left; s.Up || s.Failures[client.Timeout] != 0 {
		t.Errorf("the one that hung up got %+v", s)
	}
	release()
	if s := <-patient; !s.Up || len(s.Failures) != 0 {
		t.Errorf("the other got %+v", s)
	}
}

func TestCallThatNobodyWaitsForIsGivenUp(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	r.place(operation(rocketchatsim.StepImportingUsers))
	ended := make(chan struct{})
	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(_ http.ResponseWriter, req *http.Request) {
		<-req.Context().Done()
		close(ended)
	})
	if s := r.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("the scrape got %+v", s)
	}
	<-ended
	r.Watcher.running.Wait() // how the call ended after that must not count

	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	if s := r.scrape(); s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("a scrape within the interval did not share its result: %+v", s)
	}
	r.clock.Advance(7 * time.Second)
	if s := r.scrape(); !s.Up {
		t.Errorf("a later scrape got %+v", s)
	}
}

func TestCallThatAllHungUpOnIsNotShownAsFailing(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	arrived, _ := r.hold(rocketchatsim.GetCurrentImportOperation)
	ctx, hangUp := context.WithCancel(context.Background())
	gone := r.together(1, arrived, func() Snapshot { return r.Scrape(ctx, 0) })
	hangUp()
	<-gone
	if seen := r.Status(); seen.Failing || seen.Failure.Err != nil {
		t.Errorf("seen is %+v", seen)
	}
	if text := r.log.String(); text != "" {
		t.Errorf("the log is\n%s", text)
	}
}

func TestScrapeWithAShortDeadlineLeavesTheOthersWaiting(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	arrived, release := r.hold(rocketchatsim.GetCurrentImportOperation)
	patient := r.together(1, arrived, r.scrape)
	if s := r.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Operation != nil || s.Failures[client.Timeout] != 1 {
		t.Errorf("the short one got %+v", s)
	}
	release()
	if s := <-patient; !s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("the patient one got %+v", s)
	}
}

// Otherwise scrapers that take turns would keep a dead connection alive for ever.
func TestCallEndsAtItsTimeoutHoweverManyStillWait(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *config.Workspace) { o.Timeout = 300 * time.Millisecond })
	arrived, _ := r.hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := r.together(3, arrived, r.scrape)
	for range 3 {
		if s := <-snapshots; s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("a scrape got %+v", s)
		}
	}
}

func TestScrapesWithinTheIntervalShareTheLastResult(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a good answer": nil,
		"a failure":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
			calls := 0
			r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
				calls++
				if answer != nil {
					answer(w, req)
					return
				}
				r.sim.Answer(w, req)
			})
			first := r.scrape()
			r.clock.Advance(7*time.Second - 1)
			second := r.scrape()
			if calls != 1 || second.Up != first.Up || second.Failures[client.HTTPStatus] != first.Failures[client.HTTPStatus] {
				t.Errorf("after %d calls the second scrape got %+v, the first %+v", calls, second, first)
			}
			r.clock.Advance(1)
			if r.scrape(); calls != 2 {
				t.Errorf("after the interval, %d calls were made", calls)
			}
		})
	}
}

func TestNoCallIsMadeForAWhileAfterTooManyRequests(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	r.sim.Revoke(userID, rocketchatsim.BypassRateLimit)
	for range 10 {
		r.scrape()
	}
	for limited := uint64(1); limited <= 4; limited++ {
		if s := r.scrape(); s.Up || s.Operation != nil || s.Failures[client.RateLimited] != limited {
			t.Errorf("scrape %d in the pause got %+v", limited, s)
		}
	}
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 11 {
		t.Errorf("%d calls were made", n)
	}
	r.clock.Advance(time.Minute)
	if s := r.scrape(); !s.Up || s.Failures[client.RateLimited] != 4 {
		t.Errorf("after the pause a scrape got %+v", s)
	}
}

func TestManyScrapersAtOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *config.Workspace) { o.MinInterval = time.Second })
	r.place(operation(rocketchatsim.StepUserSelection))
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
				r.clock.Advance(100 * time.Millisecond)
			}
		})
	}
	scrapers.Wait()
	r.clock.Advance(time.Minute)
	if s := r.scrape(); !s.Up || s.Selection == nil {
		t.Errorf("in the end a scrape got %+v", s)
	}
	if n := r.fileDataRequests(); n != 1 {
		t.Errorf("the selection was read %d times", n)
	}
}

func TestTooManyRequestsCountsThoughItsBodyDoesNotEnd(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	calls := 0
	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
		calls++
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	})
	for limited := uint64(1); limited <= 2; limited++ {
		if s := r.scrape(); s.Failures[client.RateLimited] != limited || s.Failures[client.Timeout] != 0 {
			t.Errorf("a scrape got %+v", s)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls were made", calls)
	}
}
