package collector

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMetrics holds what /metrics shows against golden files: one for each state
// on the latest server, and one for each older server that differs.
func TestMetrics(t *testing.T) {
	placed := func(step string) func(*rig) {
		return func(r *rig) { r.Place(simtest.Operation(step)) }
	}
	// What each scenario does up to the scrape that is looked at.
	scenarios := map[string]func(*rig){
		"none": func(*rig) {},
		"new": func(r *rig) {
			op := rocketchatsim.APIOperation(rocketchatsim.StepNew, simtest.Epoch)
			op.ID = "6b052f5ff6f884453d01b989"
			r.Sim.SetOperation(op)
		},
		"loading": func(r *rig) {
			op := simtest.Operation(rocketchatsim.StepPreparingChannels)
			op.Count = &rocketchatsim.Count{Total: new(4), Channels: new(4), Contacts: new(0)}
			r.Sim.SetOperation(op)
		},
		"ready": placed(rocketchatsim.StepUserSelection),
		"importing, watched since it was ready": func(r *rig) {
			placed(rocketchatsim.StepUserSelection)(r)
			r.scrape()
			r.Clock.Advance(time.Minute)
			r.Update(func(op *rocketchatsim.Operation) {
				op.Step = rocketchatsim.StepImportingMessages
				op.Count.Completed, op.Count.Error = new(50), new(2)
			})
		},
		"importing, watched from the middle on": placed(rocketchatsim.StepImportingUsers),
		"importing in a step of a later server": placed("importer_importing_reactions"),
		"done": func(r *rig) {
			placed(rocketchatsim.StepUserSelection)(r)
			r.scrape()
			r.Update(func(op *rocketchatsim.Operation) {
				op.Step = rocketchatsim.StepDone
				op.Count.Completed, op.Count.Error = new(57), new(0)
			})
		},
		"parts of the selection are unknown": func(r *rig) {
			op := simtest.Operation(rocketchatsim.StepDone)
			op.FileData = `{"users":[{"user_id":"a"}],"channels":"none"}`
			r.Place(op)
		},
		"set back, seen from one look": func(r *rig) {
			op := simtest.Operation(rocketchatsim.StepUserSelection)
			op.Count.Completed, op.Count.Error = new(50), new(0)
			r.Place(op)
		},
		"aborted": func(r *rig) {
			placed(rocketchatsim.StepImportingUsers)(r)
			r.scrape()
			r.Update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = rocketchatsim.StepDone, false })
		},
		"an api import": func(r *rig) {
			op := rocketchatsim.APIOperation(rocketchatsim.StepUserSelection, simtest.Epoch)
			op.ID, op.Count = "6b052f5ff6f884453d01b989", &rocketchatsim.Count{Total: new(90), Users: new(90)}
			r.Sim.SetOperation(op)
		},
		"error":    placed(rocketchatsim.StepImportFailed),
		"canceled": placed(rocketchatsim.StepImportCancelled),
		"interrupted": func(r *rig) {
			op := simtest.Operation(rocketchatsim.StepImportingUsers)
			op.Valid = false
			r.Place(op)
		},
		"unknown step":  placed("importer_pondering"),
		"token refused": func(r *rig) { r.Sim.SetToken(simtest.UserID, "") },
		"no permission": func(r *rig) { r.Sim.Revoke(simtest.UserID, rocketchatsim.RunImport) },
	}
	// What docs/metrics.md has, and what depends on the wall clock and on the simulation.
	rest := regexp.MustCompile(`(?m)^(#|.*_request_duration_|.*_response_bytes_).*\n`)
	for name, arrange := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			latest := filepath.Join("testdata", name+".prom")
			for _, generation := range slices.Backward(rocketchatsim.Generations()) {
				r := newRig(t, generation)
				arrange(r)
				got := rest.ReplaceAllString(r.get(http.Header{}), "")
				file := filepath.Join("testdata", name+"."+generation.String()+".prom")
				if generation == rocketchatsim.Latest {
					file = latest
				}
				if *update {
					os.Remove(file)
					if same, _ := os.ReadFile(latest); string(same) != got {
						require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
					}
				}
				// A generation that shows the same as the latest has no file.
				want, err := os.ReadFile(file)
				if errors.Is(err, fs.ErrNotExist) {
					want, err = os.ReadFile(latest)
				}
				require.NoError(t, err)
				assert.Equal(t, string(want), got, generation)
			}
		})
	}
}

func TestMetricsFollowPrometheusNaming(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	snapshot, calls := prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()
	snapshot.MustRegister(collector{context.Background(), 0, r.watcher})
	calls.MustRegister(r.api.requests, r.api.duration, r.api.bytes, r.api.remaining)
	registry := prometheus.Gatherers{snapshot, calls}
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
	n, err := testutil.GatherAndCount(registry, "rocketchat_import_users", "rocketchat_import_api_requests_total")
	require.NoError(t, err)
	assert.Equal(t, 4, n, "the series that were there to be looked at")
}

func TestTextsFromTheServerAreUTF8AndShortAndHaveNoControlCharacters(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	step, long := strings.Repeat("importer_", 50), strings.Repeat("é", 100) // two bytes each
	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"operation":{"_id":"a","importerKey":"\ud83d","type":"%s\n\u001b%s","status":"%s"},"success":true}`, "\xff", long, step)
	})
	series := r.series()
	assert.Contains(t, series, `step{step="`+step[:128]+`"}`)
	assert.Contains(t, series, `operation_info{importer="�",importer_name="���`+long[:2*59]+`",operation_id="a"}`)
}

func TestATokenFileThatIsGoneIsNoFaultOfTheToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(simtest.Token), 0o600))
	r := newRig(t, rocketchatsim.Latest, func(w *config.Workspace) { w.Token, w.TokenFile = "", file })
	assert.EqualValues(t, 1, r.series()["up"])
	require.NoError(t, os.Remove(file))
	series := r.series()
	assert.EqualValues(t, 1, series[`scrape_failures_total{reason="settings"}`])
	for _, reason := range []string{"unauthorized", "forbidden"} {
		failure, shown := series[`auth_failure{reason="`+reason+`"}`]
		assert.True(t, shown, reason)
		assert.Zero(t, failure, reason)
	}
}

func TestCallsAreCounted(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit)
	const remaining = `api_rate_limit_remaining{endpoint="getCurrentImportOperation"}`
	series := r.series()
	assert.EqualValues(t, 1, series[`api_requests_total{code="200",endpoint="getCurrentImportOperation"}`])
	assert.EqualValues(t, 1, series[`api_requests_total{code="200",endpoint="getImportFileData"}`])
	assert.Positive(t, series[`api_response_bytes_total{endpoint="getCurrentImportOperation"}`])
	assert.EqualValues(t, 9, series[remaining])

	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	series = r.series()
	assert.EqualValues(t, 1, series[`api_requests_total{code="none",endpoint="getCurrentImportOperation"}`])
	assert.Contains(t, series, remaining, "a call without an answer does not hide what the last answer said")

	r.Sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.Sim.SetUser(simtest.UserID, simtest.Token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	assert.NotContains(t, r.series(), remaining, "the server no longer says")
}
