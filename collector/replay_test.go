package collector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// recorded are the replies of Rocket.Chat 6.14's own importer code.
const recorded = "../client/testdata/recorded"

// incidentsOf are the incidents in the recorded imports that have some.
var incidentsOf = map[string]map[string]float64{
	"api-second-instance-starts-operations.jsonl": {"aborted": 1},
	"disturbed-import.jsonl":                      {"set_back": 1},
}

func TestRecordedImportsAreShownAsTheyWere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded, "importers", "*-operations.jsonl"))
	if err != nil || len(files) < 10 {
		t.Fatalf("only %d recorded imports were found (%v)", len(files), err)
	}
	for _, file := range append(files, filepath.Join(recorded, "disturbed-import.jsonl")) {
		for _, mode := range []config.Mode{config.OnChange, config.EachScrape} {
			t.Run(filepath.Base(file)+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				replay(t, file, mode)
			})
		}
	}
}

// record is the part of a recorded record that the metrics follow.
type record struct {
	Status    string
	Valid     bool
	TS        time.Time
	UpdatedAt time.Time `json:"_updatedAt"`
	Count     map[string]float64
}

// replay shows one recorded reply a scrape to the exporter.
func replay(t *testing.T, file string, mode config.Mode) {
	r := newRig(t, rocketchatsim.Classic, inMode(mode))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := os.ReadFile(strings.Replace(file, "-operations.jsonl", "-filedata.json", 1))
	if err != nil {
		selection = []byte(`{"users":[],"channels":[],"message_count":0,"success":true}`)
	}
	var line string
	var op record
	ran, asked := false, 0
	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line) })
	r.sim.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; ran || op.Status != rocketchatsim.StepUserSelection {
			t.Errorf("getImportFileData was called in %s, after it ran: %v", op.Status, ran)
		}
		w.Write(selection)
	})
	readable := false
	for line = range strings.Lines(string(content)) {
		var reply struct{ Operation record }
		if err := json.Unmarshal([]byte(line), &reply); err != nil {
			t.Fatal(err)
		}
		op = reply.Operation
		want := map[string]float64{"up": 1, `state{state="none"}`: 1}
		if op.Status != "" {
			want = figures(op)
		}
		ran = ran || client.Step(op.Status).Running()
		readable = readable || !ran && op.Valid && op.Status == rocketchatsim.StepUserSelection
		samples := r.series()
		for series, want := range want {
			if got, shown := samples[series]; !shown || got != want {
				t.Errorf("in %s, %s is %v (shown: %v), want %v", line, series, got, shown, want)
			}
		}
		r.clock.Advance(15 * time.Second)
	}
	if readable != (asked > 0) {
		t.Errorf("the selection was readable: %v; it was asked for %d times", readable, asked)
	}
	samples := r.series()
	for _, kind := range []string{"set_back", "aborted"} {
		if got, want := samples[`incidents_total{kind="`+kind+`"}`], incidentsOf[filepath.Base(file)][kind]; got != want {
			t.Errorf("%s is %v, want %v", kind, got, want)
		}
	}
}

// figures are the samples that follow from a record.
func figures(op record) map[string]float64 {
	state := client.Step(op.Status).State()
	if !op.Valid && op.Status != rocketchatsim.StepDone {
		state = client.StateError
	}
	samples := map[string]float64{
		"up":                                   1,
		`step{step="` + op.Status + `"}`:       1,
		`state{state="` + string(state) + `"}`: 1,
		"operation_valid":                      boolToFloat(op.Valid),
		"operation_created_timestamp_seconds":  float64(op.TS.UnixMilli()) / 1000,
		"operation_updated_timestamp_seconds":  float64(op.UpdatedAt.UnixMilli()) / 1000,
	}
	names := map[string]string{"total": "records_expected", "completed": "records_completed", "error": "records_failed"}
	for field, count := range op.Count {
		name := names[field]
		if slices.Contains([]string{"users", "channels", "messages", "contacts"}, field) {
			name = `operation_records{type="` + field + `"}`
		}
		samples[name] = count
	}
	return samples
}
