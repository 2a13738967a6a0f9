package collector

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// together starts n scrapes of a call that is held, and returns once all wait
// for it. Their snapshots come from the channel.
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
	go func() { left <- r.workspace.Scrape(ctx, 0) }()
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
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = 7 * time.Second })
	r.place(operation(rocketchatsim.StepImportingUsers))
	ended := make(chan struct{})
	r.intercept(rocketchatsim.GetCurrentImportOperation, func(_ http.ResponseWriter, req *http.Request) {
		<-req.Context().Done()
		close(ended)
	})
	if s := r.workspace.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("the scrape got %+v", s)
	}
	<-ended
	r.workspace.running.Wait() // what the call came to after that must not count

	r.intercept(rocketchatsim.GetCurrentImportOperation, nil)
	if s := r.scrape(); s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("a scrape within the interval did not share what came of it: %+v", s)
	}
	r.clock.advance(7 * time.Second)
	if s := r.scrape(); !s.Up {
		t.Errorf("a later scrape got %+v", s)
	}
}

func TestCallThatAllHungUpOnIsNotShownAsFailing(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	arrived, _ := r.hold(rocketchatsim.GetCurrentImportOperation)
	ctx, hangUp := context.WithCancel(context.Background())
	gone := r.together(1, arrived, func() Snapshot { return r.workspace.Scrape(ctx, 0) })
	hangUp()
	<-gone
	if seen := r.workspace.Seen(); seen.Failing || seen.Failure.Err != nil {
		t.Errorf("seen is %+v", seen)
	}
}

func TestScrapeWithAShortDeadlineLeavesTheOthersWaiting(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	arrived, release := r.hold(rocketchatsim.GetCurrentImportOperation)
	patient := r.together(1, arrived, r.scrape)
	if s := r.workspace.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Operation != nil || s.Failures[client.Timeout] != 1 {
		t.Errorf("the short one got %+v", s)
	}
	release()
	if s := <-patient; !s.Up || s.Failures[client.Timeout] != 1 {
		t.Errorf("the patient one got %+v", s)
	}
}

// Otherwise scrapers that take turns would keep a dead connection alive for ever.
func TestCallEndsAtItsTimeoutHoweverManyStillWait(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	arrived, _ := r.hold(rocketchatsim.GetCurrentImportOperation)
	snapshots := r.together(3, arrived, r.scrape)
	for range 3 {
		if s := <-snapshots; s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("a scrape got %+v", s)
		}
	}
}

func TestScrapesWithinTheIntervalShareWhatCameOfTheLastCall(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a good answer": nil,
		"a failure":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = 7 * time.Second })
			calls := 0
			r.intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
				calls++
				if answer != nil {
					answer(w, req)
					return
				}
				r.sim.ServeHTTP(w, req)
			})
			first := r.scrape()
			r.clock.advance(7*time.Second - 1)
			second := r.scrape()
			if calls != 1 || second.Up != first.Up || second.Failures[client.HTTPStatus] != first.Failures[client.HTTPStatus] {
				t.Errorf("after %d calls the second scrape got %+v, the first %+v", calls, second, first)
			}
			r.clock.advance(1)
			if r.scrape(); calls != 2 {
				t.Errorf("after the interval, %d calls were made", calls)
			}
		})
	}
}

func TestEndpointIsLeftAloneAfterTooManyRequests(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	r.sim.Revoke(userID, rocketchatsim.BypassRateLimit)
	for range 10 {
		r.scrape()
	}
	for limited := uint64(1); limited <= 4; limited++ {
		if s := r.scrape(); s.Up || s.Operation != nil || s.Failures[client.RateLimited] != limited {
			t.Errorf("scrape %d in the silence got %+v", limited, s)
		}
	}
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 11 {
		t.Errorf("%d calls were made", n)
	}
	r.clock.advance(time.Minute)
	if s := r.scrape(); !s.Up || s.Failures[client.RateLimited] != 4 {
		t.Errorf("after the silence a scrape got %+v", s)
	}
}

func TestManyScrapersAtOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = time.Second })
	r.place(operation(rocketchatsim.StepUserSelection))
	var scrapers sync.WaitGroup
	for i := range 20 {
		scrapers.Go(func() {
			for range 20 {
				ctx, cancel := context.WithCancel(context.Background())
				if i%4 == 0 {
					cancel() // some hang up
				}
				r.workspace.Scrape(ctx, 0)
				cancel()
				r.clock.advance(100 * time.Millisecond)
			}
		})
	}
	scrapers.Wait()
	r.clock.advance(time.Minute)
	if s := r.scrape(); !s.Up || s.Selection == nil {
		t.Errorf("in the end a scrape got %+v", s)
	}
	if n := r.fileDataRequests(); n != 1 {
		t.Errorf("the selection was read %d times", n)
	}
}

// A scraper that gives up earlier than it says would else be logged, and
// counted as an error of the exporter, at every scrape.
func TestScraperThatHangsUpBeforeTheMetricsAreWrittenIsNotLogged(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
	Handler(r.workspace, r.calls, nil, log.NewLogfmtLogger(r.log)).ServeHTTP(brokenPipe{httptest.NewRecorder()}, req)
	if text := r.log.String(); strings.Contains(text, "not all metrics") {
		t.Errorf("the log is\n%s", text)
	}
}

// brokenPipe is a connection that the other side has closed.
type brokenPipe struct{ http.ResponseWriter }

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestTooManyRequestsIsHeededThoughItsBodyDoesNotEnd(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	calls := 0
	r.intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
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
