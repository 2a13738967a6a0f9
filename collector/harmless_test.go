package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

// inEachGuardedMode runs a test for each generation, in each mode in which scrapes harm nothing.
func inEachGuardedMode(t *testing.T, test func(*testing.T, rocketchatsim.Generation, config.Mode)) {
	for _, generation := range rocketchatsim.Generations() {
		for _, mode := range []config.Mode{config.OnChange, config.EachScrape, config.Never} {
			t.Run(generation.String()+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				test(t, generation, mode)
			})
		}
	}
}

// TestScrapesChangeNothing is the harmlessness matrix, the one law: whatever
// state an import is in, scrapes leave it as it is.
func TestScrapesChangeNothing(t *testing.T) {
	inEachGuardedMode(t, func(t *testing.T, generation rocketchatsim.Generation, mode config.Mode) {
		records := []record{{valid: true, counts: true}, {valid: true}, {counts: true}, {}}
		if generation == rocketchatsim.Early3 { // the others keep no selection in the record
			for _, r := range records {
				records = append(records, record{r.valid, r.counts, true})
			}
		}
		for _, step := range append(rocketchatsim.Steps(), "importer_pondering") { // no server has that yet
			for _, record := range records {
				op := simtest.Operation(step)
				op.Valid, op.OmitFileData = record.valid, record.omitFileData
				if !record.counts {
					op.Count = nil
				}
				r := newRig(t, generation, simtest.InMode(mode), polling)
				r.Place(op)
				before, _ := r.Sim.Operation()
				r.poll(1)
				r.scrapeOften()
				r.Clock.Advance(watch.UnscrapedAfter)
				r.poll(1)
				after, _ := r.Sim.Operation()

				what := fmt.Sprintf("%s, %+v", step, record)
				assert.Zero(t, r.Sim.Destructive(), what)
				if step == rocketchatsim.StepUserSelection && mode != config.Never {
					after.Updated = before.Updated // the server may write this same step again
				} else {
					assert.Zero(t, r.Reads(), what)
					assert.Empty(t, r.Sim.Writes(), what)
				}
				assert.Equal(t, before, after, what)
				assert.Contains(t, []int{12 + 5 + 40, 12 + 5 + 40 + 6}, r.Sim.Staged(), what)
			}
		}
	})
}

// record is what varies in the records that are scraped.
type record struct{ valid, counts, omitFileData bool }

func polling(w *config.Workspace) { w.PollInterval = time.Second }

// poll lets the exporter look by itself that often, if nobody scrapes.
func (r *rig) poll(looks int) {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.watcher.Poll(ctx, 0, func(time.Duration) <-chan time.Time {
		due := make(chan time.Time, 1)
		if looks--; looks < 0 {
			cancel()
			return nil
		}
		due <- time.Time{}
		return due
	})
}

// scrapeOften scrapes three times in a row and then four times at once.
func (r *rig) scrapeOften() {
	for range 3 {
		r.scrape()
	}
	var scrapes sync.WaitGroup
	for range 4 {
		scrapes.Go(func() { r.scrape() })
	}
	scrapes.Wait()
}

// TestNoAnswerLeadsToTheSelection is the other half of the law: an exporter that does
// not know the step never asks for the selection instead.
func TestNoAnswerLeadsToTheSelection(t *testing.T) {
	fronts := map[string]http.HandlerFunc{
		"502":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"garbage": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "garbage") },
		"selection without a step": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"operation":{"_id":"a","valid":true},"success":true}`)
		},
		"cut connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	inEachGuardedMode(t, func(t *testing.T, generation rocketchatsim.Generation, mode config.Mode) {
		for name, front := range fronts {
			r := newRig(t, generation, simtest.InMode(mode))
			r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
			r.scrape()
			r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, front)
			r.scrapeOften()
			assert.False(t, r.scrape().Up, name)
			assert.Zero(t, r.Reads(), name)
		}
	})
}

// TestOperationThatRanIsNeverAskedForAgain guards an import that was set back
// while it goes on underneath: it may run again at any moment.
func TestOperationThatRanIsNeverAskedForAgain(t *testing.T) {
	inEachGuardedMode(t, func(t *testing.T, generation rocketchatsim.Generation, mode config.Mode) {
		for _, ran := range []string{rocketchatsim.StepImportingUsers, rocketchatsim.StepFinishing, "importer_importing_reactions"} {
			r := newRig(t, generation, simtest.InMode(mode))
			op := simtest.Operation(ran)
			op.OmitFileData = true
			r.Place(op)
			r.scrape()
			for _, step := range []string{rocketchatsim.StepUserSelection, rocketchatsim.StepPreparingUsers, rocketchatsim.StepUserSelection} {
				r.Update(func(op *rocketchatsim.Operation) { op.Step, op.Count.Total = step, new(114) })
				r.scrape()
				r.scrape()
			}
			assert.Zero(t, r.Reads(), ran)
		}
	})
}

// incidentsOf are the incidents in the recorded imports that have some.
var incidentsOf = map[string]string{
	"api-second-instance-starts-operations.jsonl": "aborted",
	"disturbed-import.jsonl":                      "set_back",
}

// TestRecordedImportsAreShownAsTheyWere replays what Rocket.Chat 6.14's own
// importer code answered, one reply a scrape.
func TestRecordedImportsAreShownAsTheyWere(t *testing.T) {
	const recorded = "../client/testdata/recorded/"
	files, err := filepath.Glob(recorded + "importers/*-operations.jsonl")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	for _, file := range append(files, recorded+"disturbed-import.jsonl") {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, mode := range []config.Mode{config.OnChange, config.EachScrape} {
			t.Run(filepath.Base(file)+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				series := replay(t, string(content), mode)
				want := map[string]float64{incidentsOf[filepath.Base(file)]: 1}
				for _, kind := range []string{"set_back", "aborted"} {
					assert.Equal(t, want[kind], series[`incidents_total{kind="`+kind+`"}`], kind)
				}
			})
		}
	}
}

// recorded is the part of a recorded record that a replay follows.
type recorded struct {
	Status    string
	Importer  string `json:"importerKey"`
	Valid     bool
	UpdatedAt time.Time `json:"_updatedAt"`
}

// replay shows recorded replies to the exporter, and returns what /metrics shows in the end.
func replay(t *testing.T, replies string, mode config.Mode) (series map[string]float64) {
	r := newRig(t, rocketchatsim.Classic, simtest.InMode(mode))
	var line string
	var op recorded
	ran, readable, asked := false, false, false
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line) })
	r.Sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		assert.Equal(t, rocketchatsim.StepUserSelection, op.Status)
		assert.False(t, ran)
		fmt.Fprint(w, `{"users":[],"channels":[],"message_count":0,"success":true}`)
	})
	for line = range strings.Lines(replies) {
		var reply struct{ Operation recorded }
		require.NoError(t, json.Unmarshal([]byte(line), &reply))
		op = reply.Operation
		ran = ran || client.Step(op.Status).Running()
		readable = readable || !ran && op.Importer != "api" && op.Valid && op.Status == rocketchatsim.StepUserSelection
		series = r.series()
		assert.EqualValues(t, 1, series["up"], line)
		if op.Status != "" {
			assert.EqualValues(t, 1, series[`step{step="`+op.Status+`"}`], line)
			assert.EqualValues(t, float64(op.UpdatedAt.UnixMilli())/1000, series["operation_updated_timestamp_seconds"], line)
		}
		r.Clock.Advance(15 * time.Second)
	}
	assert.Equal(t, readable, asked)
	return series
}
