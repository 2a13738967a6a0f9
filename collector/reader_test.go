package collector

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// idle returns once no selection is being read.
func (r *rig) idle() { r.until(func() bool { return !r.workspace.reader.reading }) }

func TestSelectionSlowerThanTheScrape(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = 7 * time.Second })
	r.place(operation(rocketchatsim.StepUserSelection))
	arrived, release := r.hold(rocketchatsim.GetImportFileData)

	first := r.workspace.Scrape(context.Background(), 300*time.Millisecond)
	<-arrived
	if !first.Up || first.Operation == nil || first.Selection != nil || len(first.Failures) != 0 {
		t.Errorf("the scrape that waited in vain got %+v", first)
	}
	r.clock.advance(7 * time.Second)
	if second := r.scrape(); !second.Up || second.Selection != nil {
		t.Errorf("a scrape that came after it got %+v", second) // and did not wait, or this test would hang
	}
	release()
	r.idle()
	if third := r.scrape(); !third.Up || third.Selection == nil || third.Selection.Users != 12 {
		t.Errorf("a scrape within the interval did not get the selection that came in since: %+v", third)
	}
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 2 {
		t.Errorf("%d calls for the operation were made", n)
	}
	if n := r.fileDataRequests(); n != 1 {
		t.Errorf("%d calls for the selection were made", n)
	}
}

func TestOlderSelectionStaysShownWhileItIsReadAgain(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.Mode = EachScrape })
	r.place(operation(rocketchatsim.StepUserSelection))
	if s := r.scrape(); s.Selection == nil {
		t.Fatalf("the first scrape got %+v", s)
	}
	_, release := r.hold(rocketchatsim.GetImportFileData)
	if s := r.workspace.Scrape(context.Background(), 300*time.Millisecond); s.Selection == nil || s.Selection.Users != 12 {
		t.Errorf("while it is read again a scrape got %+v", s)
	}
	release()
}

func TestReadOfTheSelectionHasABoundOfItsOwn(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.FileDataTimeout = 100 * time.Millisecond })
	r.place(operation(rocketchatsim.StepUserSelection))
	r.hold(rocketchatsim.GetImportFileData)
	if s := r.scrape(); !s.Up || s.Selection != nil || s.Failures[client.Timeout] != 1 {
		t.Errorf("the scrape got %+v", s)
	}
}

func TestSelectionThatFailedIsLeftAlone(t *testing.T) {
	for _, mode := range []Mode{OnChange, EachScrape} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.Mode = mode })
			r.place(operation(rocketchatsim.StepUserSelection))
			calls := 0
			r.intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			for range 10 {
				if s := r.scrape(); !s.Up || s.Selection != nil || s.Failures[client.HTTPStatus] != 1 {
					t.Fatalf("a scrape got %+v", s)
				}
				r.clock.advance(29 * time.Second)
			}
			r.clock.advance(10 * time.Second)
			if s := r.scrape(); calls != 2 || s.Failures[client.HTTPStatus] != 2 {
				t.Errorf("after five minutes, %d calls were made, and a scrape got %+v", calls, s)
			}
		})
	}
}

func TestWaitingForTheSelectionIsNoFailureButPauses(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.Mode = EachScrape })
	r.place(operation(rocketchatsim.StepUserSelection))
	calls := 0
	r.intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
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
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.Mode = EachScrape })
	r.place(operation(rocketchatsim.StepUserSelection))
	calls := 0
	r.intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusTooManyRequests)
	})
	s := r.scrape()
	r.update(func(op *rocketchatsim.Operation) { op.Count.Users = ptr(13) })
	r.clock.advance(time.Minute - 1)
	if s := r.scrape(); !s.Up || calls != 1 || s.Failures[client.RateLimited] != 1 {
		t.Errorf("in the silence, after %d calls, a scrape got %+v", calls, s)
	}
	r.clock.advance(1)
	if r.scrape(); calls != 2 {
		t.Errorf("after the silence, %d calls were made although something else is staged", calls)
	}
	r.clock.advance(5*time.Minute - 1)
	if r.scrape(); calls != 2 {
		t.Errorf("in the pause, which is the longer of the two, %d calls were made", calls)
	}
	if !s.Up {
		t.Error("the first scrape failed")
	}
}

func TestRefusedSelectionShowsUntilItIsReadOrAnotherOperationComes(t *testing.T) {
	forbid := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	begin := func(t *testing.T) *rig {
		r := newRig(t, rocketchatsim.Latest, nil)
		r.place(operation(rocketchatsim.StepUserSelection))
		r.intercept(rocketchatsim.GetImportFileData, forbid)
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
		r.intercept(rocketchatsim.GetCurrentImportOperation, http.NotFound)
		if s := r.scrape(); !s.Forbidden {
			t.Errorf("a scrape that failed got %+v", s)
		}
	})
	t.Run("it ends when the selection is read", func(t *testing.T) {
		r := begin(t)
		r.intercept(rocketchatsim.GetImportFileData, nil)
		r.clock.advance(5 * time.Minute)
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
		r.update(func(op *rocketchatsim.Operation) { op.Step, op.Count.Completed = step, ptr(50) })
		if s := r.scrape(); s.Selection == nil || s.Selection.Messages != 40 {
			t.Errorf("in step %s a scrape got %+v", step, s)
		}
	}
	r.update(func(op *rocketchatsim.Operation) { op.Count.Total = ptr(114) })
	if s := r.scrape(); s.Selection != nil {
		t.Errorf("with something else staged a scrape got %+v", s)
	}
	r.update(func(op *rocketchatsim.Operation) { op.Count.Total = ptr(57) })
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
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = 7 * time.Second })
	r.sim.SetOperation(rocketchatsim.APIOperation(rocketchatsim.StepUserSelection, epoch))
	for range 1000 {
		if err := r.sim.AddUsers(10); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(7 * time.Second)
		r.scrape()
	}
	r.clock.advance(7 * time.Second)
	s := r.scrape()
	if s.Selection == nil || s.Selection.Users != 10_000 {
		t.Errorf("in the end a scrape got %+v", s)
	}
	if n := r.fileDataRequests(); n != 2 {
		t.Errorf("the selection was read %d times", n)
	}
}

// A server whose handshake hangs stands for any way to it that is slow.
func TestNothingIsSentWhereNoConnectionStandsInTime(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	// The answer was given two seconds ago: it only now gets to be acted on.
	op := &client.Operation{ID: "a", Step: client.StepUserSelection, Valid: true, AnsweredAt: time.Now().Add(-2 * time.Second)}
	for range 2 {
		r.workspace.mu.Lock()
		read := r.workspace.startRead(op, epoch)
		r.workspace.mu.Unlock()
		if read == nil {
			t.Fatal("the next scrape did not decide again")
		}
		<-read.done
	}
	if n := r.fileDataRequests(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	if s := r.scrape(); s.Selection == nil || len(s.Failures) != 0 {
		t.Errorf("a scrape got %+v", s)
	}
	if n := strings.Count(r.log.String(), "no connection stood"); n != 1 {
		t.Errorf("%d log lines say so:\n%s", n, r.log)
	}
}

func TestUnguarded(t *testing.T) {
	begin := func(t *testing.T) *rig {
		return newRig(t, rocketchatsim.Latest, func(o *Options) { o.Mode = Unguarded; o.MinInterval = 7 * time.Second })
	}
	t.Run("asks nothing but the selection, at every scrape", func(t *testing.T) {
		r := begin(t)
		r.place(operation(rocketchatsim.StepUserSelection))
		for range 3 {
			samples := r.series()
			if samples["up"] != 1 || samples["users"] != 12 || samples["waiting"] != 0 {
				t.Errorf("shown is %v", samples)
			}
			for series := range samples {
				if strings.HasPrefix(series, "state") || strings.HasPrefix(series, "step") || strings.HasPrefix(series, "operation") || strings.HasPrefix(series, "records") {
					t.Errorf("%s is shown", series)
				}
			}
			r.clock.advance(7 * time.Second)
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
		samples := r.series()
		if _, shown := samples["users"]; shown || samples["up"] != 1 || samples["waiting"] != 1 {
			t.Errorf("shown is %v", samples)
		}
	})
	t.Run("shows that there never was an import", func(t *testing.T) {
		samples := begin(t).series()
		if users, shown := samples["users"]; !shown || users != 0 || samples["up"] != 1 || samples[`state{state="none"}`] != 1 {
			t.Errorf("shown is %v", samples)
		}
	})
	t.Run("fails with the scrape, and does not pause", func(t *testing.T) {
		r := begin(t)
		r.place(operation(rocketchatsim.StepUserSelection))
		r.hold(rocketchatsim.GetImportFileData)
		if s := r.workspace.Scrape(context.Background(), 50*time.Millisecond); s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("the scrape got %+v", s)
		}
		r.intercept(rocketchatsim.GetImportFileData, nil)
		if s := r.scrape(); s.Up || s.Failures[client.Timeout] != 1 {
			t.Errorf("a scrape within the interval got %+v", s)
		}
		r.clock.advance(7 * time.Second)
		if s := r.scrape(); !s.Up || s.Selection == nil {
			t.Errorf("a later scrape got %+v", s)
		}
	})
	t.Run("is left alone after too many requests", func(t *testing.T) {
		r := begin(t)
		r.intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
		})
		r.scrape()
		r.intercept(rocketchatsim.GetImportFileData, nil)
		r.clock.advance(time.Minute - 1)
		if s := r.scrape(); s.Up || s.Failures[client.RateLimited] != 2 {
			t.Errorf("in the silence a scrape got %+v", s)
		}
		r.clock.advance(1)
		if s := r.scrape(); !s.Up {
			t.Errorf("after the silence a scrape got %+v", s)
		}
	})
}

func TestEachOutcomeIsLoggedOnce(t *testing.T) {
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
	r := newRig(t, rocketchatsim.Latest, func(o *Options) { o.MinInterval = time.Minute })
	r.place(operation(rocketchatsim.StepUserSelection))
	operationArrived, releaseOperation := r.hold(rocketchatsim.GetCurrentImportOperation)
	selectionArrived, releaseSelection := r.hold(rocketchatsim.GetImportFileData)
	snapshots := r.together(1, operationArrived, r.scrape)
	r.clock.advance(2 * time.Second)
	releaseOperation()
	<-selectionArrived
	r.clock.advance(3 * time.Second)
	releaseSelection()
	if s := <-snapshots; s.Duration != 5*time.Second {
		t.Errorf("the duration is %v", s.Duration)
	}
	r.clock.advance(10 * time.Second)
	if s := r.scrape(); s.Duration != 5*time.Second {
		t.Errorf("the duration of the same snapshot is %v to a later scrape", s.Duration)
	}
}
