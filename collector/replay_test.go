package collector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// recorded are the replies of Rocket.Chat 6.14's own importer code.
const recorded = "../client/testdata/recorded"

// incidentsOf are the incidents in the recorded imports that have some.
var incidentsOf = map[string]string{
	"api-second-instance-starts-operations.jsonl": "aborted",
	"disturbed-import.jsonl":                      "set_back",
}

func TestRecordedImportsAreShownAsTheyWere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded, "importers", "*-operations.jsonl"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	for _, file := range append(files, filepath.Join(recorded, "disturbed-import.jsonl")) {
		for _, mode := range []config.Mode{config.OnChange, config.EachScrape} {
			t.Run(filepath.Base(file)+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				replay(t, file, mode)
			})
		}
	}
}

// record is the part of a recorded record that a replay follows.
type record struct {
	Status    string
	Valid     bool
	UpdatedAt time.Time `json:"_updatedAt"`
	Count     map[string]float64
}

// replay shows one recorded reply a scrape to the exporter.
func replay(t *testing.T, file string, mode config.Mode) {
	r := newRig(t, rocketchatsim.Classic, simtest.InMode(mode))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	selection, err := os.ReadFile(strings.Replace(file, "-operations.jsonl", "-filedata.json", 1))
	if err != nil {
		selection = []byte(`{"users":[],"channels":[],"message_count":0,"success":true}`)
	}
	var line string
	var op record
	ran, readable, asked := false, false, false
	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, line) })
	r.Front.Intercept(rocketchatsim.GetImportFileData, func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		assert.Equal(t, rocketchatsim.StepUserSelection, op.Status)
		assert.False(t, ran)
		w.Write(selection)
	})
	for line = range strings.Lines(string(content)) {
		var reply struct{ Operation record }
		require.NoError(t, json.Unmarshal([]byte(line), &reply))
		op = reply.Operation
		ran = ran || client.Step(op.Status).Running()
		readable = readable || !ran && op.Valid && op.Status == rocketchatsim.StepUserSelection
		assert.Subset(t, r.series(), figures(op), line)
		r.Clock.Advance(15 * time.Second)
	}
	assert.Equal(t, readable, asked)
	series := r.series()
	for _, kind := range []string{"set_back", "aborted"} {
		assert.Equal(t, boolToFloat(kind == incidentsOf[filepath.Base(file)]), series[`incidents_total{kind="`+kind+`"}`], kind)
	}
}

// figures are the samples that follow from a record.
func figures(op record) map[string]float64 {
	if op.Status == "" {
		return map[string]float64{"up": 1, `state{state="none"}`: 1}
	}
	figures := map[string]float64{
		"up":                                  1,
		`step{step="` + op.Status + `"}`:      1,
		"operation_updated_timestamp_seconds": float64(op.UpdatedAt.UnixMilli()) / 1000,
	}
	names := map[string]string{"total": "records_expected", "completed": "records_completed", "error": "records_failed"}
	for field, count := range op.Count {
		name, known := names[field]
		if !known {
			name = `operation_records{type="` + field + `"}`
		}
		figures[name] = count
	}
	return figures
}
