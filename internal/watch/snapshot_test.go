package watch

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestServerTimeIsThatOfTheSameAnswerAsTheRecord(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	r.place(operation(rocketchatsim.StepImportingUsers))
	first := r.scrape()
	r.clock.Advance(6 * time.Second)
	r.update(func(op *rocketchatsim.Operation) { op.Count.Completed = new(50) })
	if s := r.scrape(); !s.ServerTime.Equal(first.ServerTime) || !s.Operation.Updated.Equal(first.Operation.Updated) {
		t.Errorf("within the interval a scrape got %+v, before it %+v", s, first)
	}
	r.clock.Advance(time.Second)
	s := r.scrape()
	if !s.ServerTime.Equal(epoch.Add(7*time.Second).Truncate(time.Second)) || !s.Operation.Updated.Equal(epoch.Add(6*time.Second)) {
		t.Errorf("after the interval a scrape got %+v", s)
	}
}

func TestMissingDateHeaderIsLoggedOnce(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.sim.SetDate(nil)
	for range 3 {
		if s := r.scrape(); !s.Up || !s.ServerTime.IsZero() {
			t.Errorf("the scrape got %+v", s)
		}
	}
	if n := strings.Count(r.log.String(), "no Date header"); n != 1 {
		t.Errorf("%d log lines say so:\n%s", n, r.log)
	}
}

func TestClearedSelectionIsNoLongerShown(t *testing.T) {
	for _, generation := range rocketchatsim.Generations() {
		r := newRig(t, generation, nil)
		r.place(operation(rocketchatsim.StepUserSelection))
		r.scrape()
		if s := r.scrape(); users(s) != 12 { // the second answer, which agrees with the first
			t.Errorf("%s: while ready a scrape got %+v", generation, s)
		}
		r.sim.Clear()
		if s := r.scrape(); !s.Up || s.Selection != nil || s.State != client.StateError {
			t.Errorf("%s: after import.clear a scrape got %+v", generation, s)
		}
	}
}

func TestOddFileDataOfAnEarlyRecordLeavesTheRestKnown(t *testing.T) {
	want := map[string]int64{"the progress of the import": -1, "no message_count": 1, "numbers for booleans": 1, "a null for a boolean": 1}
	for name, fileData := range rocketchatsim.OddFileData() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rocketchatsim.Early3, nil)
			op := operation(rocketchatsim.StepUserSelection)
			op.FileData = fileData
			r.place(op)
			r.scrape()
			s := r.scrape()
			if !s.Up || s.State != client.StateReady || !s.Early {
				t.Errorf("the scrape got %+v", s)
			}
			if got := users(s); got != want[name] {
				t.Errorf("%d users are known, want %d", got, want[name])
			}
			if n := strings.Count(r.log.String(), "keeps selections in its records"); n != 1 || r.fileDataRequests() != 0 {
				t.Errorf("%d log lines say that selections are not asked for; they were %d times:\n%s", n, r.fileDataRequests(), r.log)
			}
		})
	}
}

func TestFileDataOfALaterServerIsNoSelection(t *testing.T) {
	r := newRig(t, rocketchatsim.Classic, nil)
	op := operation(rocketchatsim.StepImportingUsers)
	op.FileData = rocketchatsim.OddFileData()["numbers for booleans"]
	r.place(op)
	if s := r.scrape(); !s.Operation.HasFileData || s.Selection != nil || s.Early {
		t.Errorf("the scrape got %+v", s)
	}
}

func TestSelectionIsReadAfterPendingFiles(t *testing.T) {
	for _, generation := range []rocketchatsim.Generation{rocketchatsim.Middle, rocketchatsim.Classic, rocketchatsim.Latest} {
		r := newRig(t, generation, nil)
		pending := operation(rocketchatsim.StepDone)
		pending.ID, pending.ImporterKey = "pending", "pending-files"
		r.place(pending)
		if s := r.scrape(); s.Operation == nil || !s.Operation.HasFileData || s.Selection != nil || s.Early {
			t.Errorf("%s: of the pending files a scrape got %+v", generation, s)
		}
		r.place(operation(rocketchatsim.StepUserSelection))
		r.scrape()
		if s := r.scrape(); users(s) != 12 {
			t.Errorf("%s: of the later import a scrape got %+v", generation, s)
		}
	}
}

func TestRefusalOfSomethingInFrontSaysNothingOfTheCredentials(t *testing.T) {
	for name, front := range rocketchatsim.Fronts() {
		r := newRig(t, rocketchatsim.Latest, nil)
		r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, front)
		if s := r.scrape(); s.Up || s.Unauthorized || s.Forbidden || len(s.Failures) != 1 {
			t.Errorf("%s: the scrape got %+v", name, s)
		}
	}
}

func TestReadsAreCountedByResult(t *testing.T) {
	answers := map[ReadResult]http.HandlerFunc{
		ReadOK:      nil,
		ReadWaiting: func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"waiting":true,"success":true}`)) },
		ReadFailed:  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	}
	for _, mode := range []config.Mode{config.OnChange, config.Unguarded} {
		for want, answer := range answers {
			r := newRig(t, rocketchatsim.Latest, inMode(mode))
			r.place(operation(rocketchatsim.StepUserSelection))
			r.sim.Intercept(rocketchatsim.GetImportFileData, answer)
			s := r.scrape()
			for _, result := range ReadResults() {
				if got := s.Reads[result]; (got == 1) != (result == want) || got > 1 {
					t.Errorf("mode %s, %s: %s is %d", mode, want, result, got)
				}
			}
		}
	}
}

func TestReadThatTheExporterEndsIsCountedNowhere(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, everySevenSeconds)
	r.place(operation(rocketchatsim.StepUserSelection))
	arrived, _ := r.hold(rocketchatsim.GetImportFileData)
	r.Scrape(t.Context(), 50*time.Millisecond)
	<-arrived
	r.Close()
	if s := r.scrape(); len(s.Reads) != 0 || len(s.Failures) != 0 {
		t.Errorf("the scrape got %+v", s)
	}
}

// Status is what the page shows.
func TestStatusFollowsARunningImport(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	if s := r.Status(); !s.Scraped.IsZero() || !s.At.IsZero() {
		t.Errorf("before the first scrape the status is %+v", s)
	}
	op := operation(rocketchatsim.StepImportingUsers)
	op.Count.Completed = new(10)
	r.place(op)
	r.scrape()
	r.clock.Advance(time.Minute)
	r.update(func(op *rocketchatsim.Operation) { op.Count.Completed = new(40) })
	r.scrape()
	s := r.Status()
	if s.First != (Look{epoch, 10}) || s.Last != (Look{epoch.Add(time.Minute), 40}) || !s.Scraped.Equal(epoch.Add(time.Minute)) {
		t.Errorf("the status is %+v", s)
	}
	op.ID = "another"
	r.place(op)
	r.scrape()
	if s := r.Status(); s.First != (Look{epoch.Add(time.Minute), 10}) {
		t.Errorf("of another import the status is %+v", s)
	}
	r.update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepDone })
	r.scrape()
	if s := r.Status(); s.First != (Look{}) || s.Snapshot.Ending != EndingFinished {
		t.Errorf("at the end the status is %+v", s)
	}
}
