package watch

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestSelectionSlowerThanTheScrape(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	r.place(operation(rocketchatsim.StepUserSelection))
	arrived, release := r.hold(rocketchatsim.GetImportFileData)

	first := r.Scrape(context.Background(), 300*time.Millisecond)
	<-arrived
	if !first.Up || first.Operation == nil || first.Selection != nil || len(first.Failures) != 0 {
		t.Errorf("the scrape that did not wait long enough got %+v", first)
	}
	r.clock.Advance(7 * time.Second)
	if second := r.scrape(); !second.Up || second.Selection != nil {
		t.Errorf("a scrape that came after it got %+v", second) // and did not wait, or this test would hang
	}
	release()
	r.idle()
	if third := r.scrape(); !third.Up || third.Selection == nil || users(third) != 12 {
		t.Errorf("a scrape within the interval did not get the selection that came in since: %+v", third)
	}
	r.Close() // waits for reads that should not be there
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 2 {
		t.Errorf("%d calls for the operation were made", n)
	}
	if n := r.fileDataRequests(); n != 1 {
		t.Errorf("%d calls for the selection were made", n)
	}
}

func TestOlderSelectionStaysShownWhileItIsReadAgain(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, inMode(config.EachScrape))
	r.place(operation(rocketchatsim.StepUserSelection))
	if s := r.scrape(); s.Selection == nil {
		t.Fatalf("the first scrape got %+v", s)
	}
	_, release := r.hold(rocketchatsim.GetImportFileData)
	if s := r.Scrape(context.Background(), 300*time.Millisecond); s.Selection == nil || users(s) != 12 {
		t.Errorf("while it is read again a scrape got %+v", s)
	}
	release()
}

func TestReadOfTheSelectionHasABoundOfItsOwn(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *config.Workspace) { o.FileDataTimeout = 100 * time.Millisecond })
	r.place(operation(rocketchatsim.StepUserSelection))
	r.hold(rocketchatsim.GetImportFileData)
	if s := r.scrape(); !s.Up || s.Selection != nil || s.Failures[client.Timeout] != 1 {
		t.Errorf("the scrape got %+v", s)
	}
}

func TestSelectionThatFailedIsNotReadForFiveMinutes(t *testing.T) {
	for _, mode := range []config.Mode{config.OnChange, config.EachScrape} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRig(t, rocketchatsim.Latest, inMode(mode))
			r.place(operation(rocketchatsim.StepUserSelection))
			calls := 0
			r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			for range 10 {
				if s := r.scrape(); !s.Up || s.Selection != nil || s.Failures[client.HTTPStatus] != 1 {
					t.Fatalf("a scrape got %+v", s)
				}
				r.clock.Advance(29 * time.Second)
			}
			r.clock.Advance(10 * time.Second)
			if s := r.scrape(); calls != 2 || s.Failures[client.HTTPStatus] != 2 {
				t.Errorf("after five minutes, %d calls were made, and a scrape got %+v", calls, s)
			}
		})
	}
}

func TestWaitingForTheSelectionIsNoFailureButPauses(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, inMode(config.EachScrape))
	r.place(operation(rocketchatsim.StepUserSelection))
	calls := 0
	r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprint(w, `{"waiting":true,"success":true}`)
	})
	for range 3 {
		if s := r.scrape(); !s.Up || s.Selection != nil || len(s.Failures) != 0 {
			t.Errorf("a scrape got %+v", s)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls were made", calls)
	}
}

func TestRateLimitOfTheSelectionLeavesTheOperation(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, inMode(config.EachScrape))
	r.place(operation(rocketchatsim.StepUserSelection))
	calls := 0
	r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusTooManyRequests)
	})
	s := r.scrape()
	r.update(func(op *rocketchatsim.Operation) { op.Count.Users = new(13) })
	r.clock.Advance(time.Minute - 1)
	if s := r.scrape(); !s.Up || calls != 1 || s.Failures[client.RateLimited] != 1 {
		t.Errorf("in the pause, after %d calls, a scrape got %+v", calls, s)
	}
	r.clock.Advance(1)
	if r.scrape(); calls != 2 {
		t.Errorf("after the pause, %d calls were made although something else is staged", calls)
	}
	r.clock.Advance(5*time.Minute - 1)
	if r.scrape(); calls != 2 {
		t.Errorf("in the pause, which is the longer of the two, %d calls were made", calls)
	}
	if !s.Up {
		t.Error("the first scrape failed")
	}
}

func TestRefusedSelectionShowsUntilItIsReadOrAnotherOperationComes(t *testing.T) {
	forbid := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`)
	}
	begin := func(t *testing.T) *rig {
		r := newRig(t, rocketchatsim.Latest, nil)
		r.place(operation(rocketchatsim.StepUserSelection))
		r.sim.Intercept(rocketchatsim.GetImportFileData, forbid)
		if s := r.scrape(); !s.Up || !s.Forbidden || s.Unauthorized {
			t.Fatalf("the scrape got %+v", s)
		}
		return r
	}
	t.Run("it stays while nothing is read", func(t *testing.T) {
		r := begin(t)
		r.update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportingUsers })
		if s := r.scrape(); !s.Forbidden {
			t.Errorf("the scrape got %+v", s)
		}
		r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, http.NotFound)
		if s := r.scrape(); !s.Forbidden {
			t.Errorf("a scrape that failed got %+v", s)
		}
	})
	t.Run("it ends when the selection is read", func(t *testing.T) {
		r := begin(t)
		r.sim.Intercept(rocketchatsim.GetImportFileData, nil)
		r.clock.Advance(5 * time.Minute)
		if s := r.scrape(); s.Forbidden || s.Selection == nil {
			t.Errorf("the scrape got %+v", s)
		}
	})
	t.Run("it ends when another operation comes", func(t *testing.T) {
		r := begin(t)
		op := operation(rocketchatsim.StepNew)
		op.ID = "another"
		r.sim.SetOperation(op)
		if s := r.scrape(); s.Forbidden {
			t.Errorf("the scrape got %+v", s)
		}
	})
}

func TestSelectionIsShownWhileItIsTheOperations(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	r.scrape()
	for _, step := range []string{rocketchatsim.StepImportingStarted, rocketchatsim.StepImportingMessages, rocketchatsim.StepDone} {
		r.update(func(op *rocketchatsim.Operation) { op.Step, op.Count.Completed = step, new(50) })
		if s := r.scrape(); s.Selection == nil || s.Selection.Messages.Value != 40 {
			t.Errorf("in step %s a scrape got %+v", step, s)
		}
	}
	r.update(func(op *rocketchatsim.Operation) { op.Count.Total = new(114) })
	if s := r.scrape(); s.Selection != nil {
		t.Errorf("with something else staged a scrape got %+v", s)
	}
	r.update(func(op *rocketchatsim.Operation) { op.Count.Total = new(57) })
	if s := r.scrape(); s.Selection == nil {
		t.Errorf("with the same staged again a scrape got %+v", s)
	}
	r.place(operation(rocketchatsim.StepDone))
	another := operation(rocketchatsim.StepDone)
	another.ID = "another"
	r.place(another)
	if s := r.scrape(); s.Selection != nil {
		t.Errorf("for another operation a scrape got %+v", s)
	}
}

func TestImportFilledInManyBatchesIsReadOnceItHasSettled(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	r.sim.SetOperation(rocketchatsim.APIOperation(rocketchatsim.StepUserSelection, epoch))
	for range 1000 {
		if err := r.sim.AddUsers(10); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(7 * time.Second)
		r.scrape()
	}
	r.clock.Advance(7 * time.Second)
	s := r.scrape()
	if s.Selection == nil || users(s) != 10_000 {
		t.Errorf("in the end a scrape got %+v", s)
	}
	if n := r.fileDataRequests(); n != 2 {
		t.Errorf("the selection was read %d times", n)
	}
}

func TestNothingIsSentIfNoConnectionStandsInTime(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	for n := range uint64(2) {
		r.mu.Lock()
		// The answer came two seconds ago, and is acted on only now.
		read := r.reader.begin(&client.Operation{ID: "a", Step: client.StepUserSelection, Valid: true, CreatedISO: true}, false, epoch)
		r.read(read, time.Now().Add(-time.Second))
		r.mu.Unlock()
		<-read.done
		if got := r.scrapeReads(ReadNotSent); got != n+1 {
			t.Errorf("not_sent is %d after %d reads", got, n+1)
		}
	}
	if n := r.fileDataRequests(); n != 1 { // that of the scrapes, whose connection stood
		t.Errorf("%d requests arrived", n)
	}
	if n := strings.Count(r.log.String(), "no connection stood"); n != 2 {
		t.Errorf("%d log lines say so:\n%s", n, r.log)
	}
}

// The step may have changed since the answer began, however long its body takes.
func TestAnswerThatTakesASecondToArriveLeadsToNoRead(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, req *http.Request) {
		w.Write([]byte(" ")) // the first byte of the answer
		w.(http.Flusher).Flush()
		<-time.After(connectWithin)
		r.sim.Answer(w, req)
	})
	if s := r.scrape(); !s.Up || s.Reads[ReadNotSent] != 1 || r.fileDataRequests() != 0 {
		t.Errorf("the scrape got %+v; %d requests arrived", s, r.fileDataRequests())
	}
}

// scrapeReads is how many reads had a result.
func (r *rig) scrapeReads(result ReadResult) uint64 { return r.scrape().Reads[result] }

func TestUnguarded(t *testing.T) {
	begin := func(t *testing.T) *rig {
		return newRig(t, rocketchatsim.Latest, func(w *config.Workspace) {
			w.FileData = config.Unguarded
			everySevenSeconds(w)
		})
	}
	t.Run("asks nothing but the selection, at every scrape", func(t *testing.T) {
		r := begin(t)
		r.place(operation(rocketchatsim.StepUserSelection))
		for n := range uint64(3) {
			s := r.scrape()
			if !s.Up || users(s) != 12 || s.Waiting || s.PositionKnown || s.Operation != nil || !s.ServerTime.IsZero() || s.Reads[ReadOK] != n+1 {
				t.Errorf("scrape %d got %+v", n+1, s)
			}
			r.clock.Advance(7 * time.Second)
		}
		if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 0 {
			t.Errorf("the operation was asked for %d times", n)
		}
		if n := r.fileDataRequests(); n != 3 {
			t.Errorf("the selection was asked for %d times", n)
		}
	})
	t.Run("shows that the server is preparing the file", func(t *testing.T) {
		r := begin(t)
		r.place(operation(rocketchatsim.StepPreparingUsers))
		if s := r.scrape(); !s.Up || !s.Waiting || s.Selection != nil || s.Reads[ReadWaiting] != 1 {
			t.Errorf("the scrape got %+v", s)
		}
	})
	t.Run("shows that there never was an import", func(t *testing.T) {
		if s := begin(t).scrape(); !s.Up || users(s) != 0 || !s.PositionKnown || s.State != client.StateNone {
			t.Errorf("the scrape got %+v", s)
		}
	})
	t.Run("fails with the scrape, and does not pause", func(t *testing.T) {
		r := begin(t)
		r.place(operation(rocketchatsim.StepUserSelection))
		r.hold(rocketchatsim.GetImportFileData)
		if s := r.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("the scrape got %+v", s)
		}
		r.sim.Intercept(rocketchatsim.GetImportFileData, nil)
		if s := r.scrape(); s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("a scrape within the interval got %+v", s)
		}
		r.clock.Advance(7 * time.Second)
		if s := r.scrape(); !s.Up || s.Selection == nil {
			t.Errorf("a later scrape got %+v", s)
		}
	})
	t.Run("is left alone after too many requests", func(t *testing.T) {
		r := begin(t)
		r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
		})
		r.scrape()
		r.sim.Intercept(rocketchatsim.GetImportFileData, nil)
		r.clock.Advance(time.Minute - 1)
		if s := r.scrape(); s.Up || s.Failures[client.RateLimited] != 2 {
			t.Errorf("in the pause a scrape got %+v", s)
		}
		r.clock.Advance(1)
		if s := r.scrape(); !s.Up {
			t.Errorf("after the pause a scrape got %+v", s)
		}
	})
}

func TestEachChangeIsLoggedOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	scrapes := func() {
		for range 3 {
			r.scrape()
		}
	}
	scrapes()
	r.sim.SetToken(userID, "another")
	scrapes()
	r.sim.SetToken(userID, token)
	scrapes()
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "reason=unauthorized") || !strings.Contains(lines[1], "hint=") {
		t.Errorf("the log is\n%s", r.log)
	}
	if strings.Contains(r.log.String(), token) {
		t.Errorf("the log holds the token:\n%s", r.log)
	}
}

func TestDurationCountsTheWaitForTheSelection(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *config.Workspace) { o.MinInterval = time.Minute })
	r.place(operation(rocketchatsim.StepUserSelection))
	operationArrived, releaseOperation := r.hold(rocketchatsim.GetCurrentImportOperation)
	selectionArrived, releaseSelection := r.hold(rocketchatsim.GetImportFileData)
	snapshots := r.together(1, operationArrived, r.scrape)
	r.clock.Advance(2 * time.Second)
	releaseOperation()
	<-selectionArrived
	r.clock.Advance(3 * time.Second)
	releaseSelection()
	if s := <-snapshots; s.Duration != 5*time.Second {
		t.Errorf("the duration is %v", s.Duration)
	}
	r.clock.Advance(10 * time.Second)
	if s := r.scrape(); s.Duration != 5*time.Second {
		t.Errorf("the duration of the same snapshot is %v to a later scrape", s.Duration)
	}
}
