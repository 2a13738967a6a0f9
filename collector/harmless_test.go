package collector

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// guardedModes are the modes in which scrapes harm nothing.
var guardedModes = []config.Mode{config.OnChange, config.EachScrape, config.Never}

// unknownStep is a step that no server has yet.
const unknownStep = "importer_pondering"

// TestScrapesChangeNothing is the harmlessness matrix, the one law: whatever
// state an import is in, scrapes leave it as it is.
func TestScrapesChangeNothing(t *testing.T) {
	for _, generation := range rocketchatsim.Generations() {
		for _, mode := range guardedModes {
			for _, step := range append(rocketchatsim.Steps(), unknownStep) {
				t.Run(fmt.Sprintf("%s/%s/%s", generation, mode, step), func(t *testing.T) {
					t.Parallel()
					for _, valid := range []bool{true, false} {
						for _, counts := range []bool{true, false} {
							op := operation(step)
							op.Valid = valid
							if !counts {
								op.Count = nil
							}
							scrapesChangeNothing(t, generation, mode, op)
						}
					}
				})
			}
		}
	}
}

func scrapesChangeNothing(t *testing.T, generation rocketchatsim.Generation, mode config.Mode, op rocketchatsim.Operation) {
	t.Helper()
	r := newRig(t, generation, inMode(mode))
	r.place(op)
	before, _ := r.sim.Operation()
	r.scrapeOften(t)
	after, _ := r.sim.Operation()

	if n := r.sim.Destructive(); n != 0 {
		t.Errorf("valid %v, counts %v: %d calls harmed the import: %v", op.Valid, op.Count != nil, n, r.sim.Writes())
	}
	if op.Step == rocketchatsim.StepUserSelection {
		after.Updated = before.Updated // the server may write this same step again
		if mode == config.Never && r.fileDataRequests() != 0 {
			t.Errorf("mode never called getImportFileData %d times", r.fileDataRequests())
		}
	} else {
		if n := r.fileDataRequests(); n != 0 {
			t.Errorf("valid %v, counts %v: getImportFileData was called %d times", op.Valid, op.Count != nil, n)
		}
		if writes := r.sim.Writes(); len(writes) != 0 {
			t.Errorf("the server wrote: %v", writes)
		}
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("the operation was\n%+v and is\n%+v", before, after)
	}
	if staged := r.sim.Staged(); staged != 12+5+40 && staged != 12+5+40+6 {
		t.Errorf("%d records are staged", staged)
	}
}

// scrapeOften scrapes 20 times in a row and then 8 times at once.
func (r *rig) scrapeOften(t *testing.T) {
	t.Helper()
	for range 20 {
		r.scrape()
	}
	var scrapes sync.WaitGroup
	for range 8 {
		scrapes.Go(func() { r.watcher.Scrape(context.Background(), 0) })
	}
	scrapes.Wait()
}

// TestNoAnswerLeadsToTheSelection holds the other half of the law: what cannot
// be told of the step is never made up for by asking for the selection.
func TestNoAnswerLeadsToTheSelection(t *testing.T) {
	fronts := map[string]http.HandlerFunc{
		"404": func(w http.ResponseWriter, req *http.Request) { http.NotFound(w, req) },
		"502": func(w http.ResponseWriter, req *http.Request) {
			http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
		},
		"garbage": func(w http.ResponseWriter, req *http.Request) { fmt.Fprint(w, "garbage") },
		"selection without a step": func(w http.ResponseWriter, req *http.Request) {
			fmt.Fprint(w, `{"operation":{"_id":"a","valid":true},"success":true}`)
		},
		"cut connection": func(w http.ResponseWriter, req *http.Request) { panic(http.ErrAbortHandler) },
	}
	for _, generation := range rocketchatsim.Generations() {
		for _, mode := range guardedModes {
			for name, front := range fronts {
				t.Run(fmt.Sprintf("%s/%s/%s", generation, mode, name), func(t *testing.T) {
					t.Parallel()
					r := newRig(t, generation, inMode(mode))
					r.place(operation(rocketchatsim.StepImportingUsers))
					r.scrape()
					r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, front)
					r.scrapeOften(t)
					if n := r.fileDataRequests(); n != 0 {
						t.Errorf("getImportFileData was called %d times", n)
					}
					if r.scrape().Up {
						t.Error("the scrape did not fail")
					}
				})
			}
		}
	}
}

// TestOperationThatRanIsNeverAskedForAgain guards an import that was set back
// while it goes on underneath: it may run again at any moment.
func TestOperationThatRanIsNeverAskedForAgain(t *testing.T) {
	for _, generation := range rocketchatsim.Generations() {
		for _, mode := range guardedModes {
			for _, ran := range []string{rocketchatsim.StepImportingUsers, rocketchatsim.StepFinishing, "importer_importing_reactions"} {
				r := newRig(t, generation, inMode(mode))
				op := operation(ran)
				op.OmitFileData = true
				r.place(op)
				r.scrape()
				for _, step := range []string{rocketchatsim.StepUserSelection, rocketchatsim.StepPreparingUsers, rocketchatsim.StepUserSelection} {
					r.update(func(op *rocketchatsim.Operation) { op.Step, op.Count.Total = step, new(114) })
					r.scrape()
					r.scrape()
				}
				if n := r.fileDataRequests(); n != 0 {
					t.Errorf("%s, %s, %s: getImportFileData was called %d times", generation, mode, ran, n)
				}
			}
		}
	}
}

// TestSelectionThatIsMissingInItsRecordIsNotAskedFor guards the moment in which
// 3.0 to 3.13 has saved the step and not the selection yet.
func TestSelectionThatIsMissingInItsRecordIsNotAskedFor(t *testing.T) {
	for _, mode := range guardedModes {
		for _, seenBefore := range []bool{true, false} {
			r := newRig(t, rocketchatsim.Early3, inMode(mode))
			if seenBefore {
				r.place(operation(rocketchatsim.StepDone))
				r.scrape()
			}
			next := operation(rocketchatsim.StepPreparingMessages)
			next.ID, next.OmitFileData = "another", true
			r.place(next)
			r.scrape()
			r.update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepUserSelection })
			r.scrape()
			r.update(func(op *rocketchatsim.Operation) { op.OmitFileData = false })
			r.scrapeOften(t)
			if n := r.fileDataRequests(); n != 0 || r.sim.Destructive() != 0 {
				t.Errorf("%s, seen before: %v: getImportFileData was called %d times, which harmed %v", mode, seenBefore, n, r.sim.Writes())
			}
		}
	}
}

// TestSelectionThatNeverComesIsAskedForOnce guards 3.0 to 3.13 whose selection is
// over 16 MB: each call prepares the whole file anew.
func TestSelectionThatNeverComesIsAskedForOnce(t *testing.T) {
	for _, mode := range []config.Mode{config.OnChange, config.EachScrape} {
		r := newRig(t, rocketchatsim.Early3, inMode(mode))
		op := operation(rocketchatsim.StepUserSelection)
		op.OmitFileData = true
		r.place(op)
		calls := 0
		r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.WriteHeader(http.StatusGatewayTimeout)
		})
		for range 3 {
			r.scrapeOften(t)
			r.clock.Advance(24 * time.Hour)
		}
		if calls != 1 {
			t.Errorf("%s: it was asked for %d times", mode, calls)
		}
	}
}

// TestOddRecordsAreNotAskedFor covers records whose fileData is no selection.
func TestOddRecordsAreNotAskedFor(t *testing.T) {
	for name, fileData := range rocketchatsim.OddFileData() {
		for _, mode := range guardedModes {
			for _, step := range rocketchatsim.Steps() {
				r := newRig(t, rocketchatsim.Early3, inMode(mode))
				op := operation(step)
				op.FileData = fileData
				r.place(op)
				r.scrape()
				r.scrape()
				if n := r.fileDataRequests(); n != 0 || !r.scrape().Up {
					t.Errorf("%s, %s, %s: getImportFileData was called %d times", name, mode, step, n)
				}
			}
		}
	}
}

// TestStepThatACacheRemembersIsNotBelieved has a cache in front that heeds no
// no-cache: by its answer the import still waits, and in truth it runs.
func TestStepThatACacheRemembersIsNotBelieved(t *testing.T) {
	for _, mode := range guardedModes {
		r := newRig(t, rocketchatsim.Latest, inMode(mode))
		r.place(operation(rocketchatsim.StepUserSelection))
		remembered := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/api/v1/"+rocketchatsim.GetCurrentImportOperation, nil)
		request.Header.Set("X-User-Id", userID)
		request.Header.Set("X-Auth-Token", token)
		r.sim.Answer(remembered, request)
		r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Age", "5")
			w.Write(remembered.Body.Bytes())
		})
		r.update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepImportingUsers })
		r.scrapeOften(t)
		if n := r.fileDataRequests(); n != 0 {
			t.Errorf("%s: getImportFileData was called %d times, which did %v", mode, n, r.sim.Writes())
		}
	}
}

// TestReadThatIsCutIsNotRepeated guards against what Go's transport does with
// a GET on a connection that was used before.
func TestReadThatIsCutIsNotRepeated(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	arrived := 0
	r.sim.Intercept(rocketchatsim.GetImportFileData, func(http.ResponseWriter, *http.Request) {
		arrived++ // the workspace reads one at a time
		panic(http.ErrAbortHandler)
	})
	r.sim.SetOperation(operation(rocketchatsim.StepNew))
	r.scrape() // so that there is a connection to use again
	r.place(operation(rocketchatsim.StepUserSelection))
	r.scrapeOften(t)
	if arrived != 1 {
		t.Errorf("the request arrived %d times", arrived)
	}
}
