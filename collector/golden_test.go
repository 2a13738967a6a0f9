package collector

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMetrics holds what /metrics shows against golden files: one for each state
// on the latest server, and one for each older server that differs.
func TestMetrics(t *testing.T) {
	// What each scenario does up to the scrape that is looked at.
	scenarios := map[string]func(*rig){
		"none": func(*rig) {},
		"new": func(r *rig) {
			op := rocketchatsim.APIOperation(rocketchatsim.StepNew, epoch)
			op.ID = "6b052f5ff6f884453d01b989"
			r.sim.SetOperation(op)
		},
		"loading": func(r *rig) {
			op := operation(rocketchatsim.StepPreparingChannels)
			op.Count = &rocketchatsim.Count{Total: new(4), Channels: new(4)}
			r.sim.SetOperation(op)
		},
		"ready": func(r *rig) { r.place(operation(rocketchatsim.StepUserSelection)) },
		"importing, watched since it was ready": func(r *rig) {
			r.place(operation(rocketchatsim.StepUserSelection))
			r.scrape()
			r.clock.Advance(time.Minute)
			r.update(func(op *rocketchatsim.Operation) {
				op.Step = rocketchatsim.StepImportingMessages
				op.Count.Completed, op.Count.Error = new(50), new(2)
			})
		},
		"importing, watched from the middle on": func(r *rig) {
			r.place(operation(rocketchatsim.StepImportingUsers))
		},
		"importing in a step of a later server": func(r *rig) {
			r.place(operation("importer_importing_reactions"))
		},
		"done": func(r *rig) {
			r.place(operation(rocketchatsim.StepUserSelection))
			r.scrape()
			r.update(func(op *rocketchatsim.Operation) {
				op.Step = rocketchatsim.StepDone
				op.Count.Completed, op.Count.Error = new(57), new(0)
			})
		},
		"error":    func(r *rig) { r.place(operation(rocketchatsim.StepImportFailed)) },
		"canceled": func(r *rig) { r.place(operation(rocketchatsim.StepImportCancelled)) },
		"interrupted": func(r *rig) {
			op := operation(rocketchatsim.StepImportingUsers)
			op.Valid = false
			r.place(op)
		},
		"unknown step":  func(r *rig) { r.place(operation("importer_pondering")) },
		"token refused": func(r *rig) { r.sim.SetToken(userID, "") },
		"no permission": func(r *rig) { r.sim.Revoke(userID, rocketchatsim.RunImport) },
	}
	for name, arrange := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			latest := filepath.Join("testdata", name+".prom")
			for _, generation := range slices.Backward(rocketchatsim.Generations()) {
				r := newRig(t, generation, nil)
				arrange(r)
				got := withoutZeroCounters(r.exposition())
				file := filepath.Join("testdata", name+"."+generation.String()+".prom")
				if generation == rocketchatsim.Latest {
					file = latest
				}
				if *update {
					write(t, file, got, latest)
				}
				// A generation that shows the same as the latest has no file.
				want, err := os.ReadFile(file)
				if errors.Is(err, fs.ErrNotExist) {
					want, err = os.ReadFile(latest)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("/metrics of %s differs from %s:\n%s", generation, file, got)
				}
				if n := r.sim.Destructive(); n != 0 {
					t.Errorf("%d calls harmed the import of %s", n, generation)
				}
			}
		})
	}
}

// withoutZeroCounters leaves out the HELP texts, which docs/metrics.md has, the
// counters that are 0, which TestCountersAreThereFromTheFirstScrapeOn has, and
// the sizes of bodies.
func withoutZeroCounters(exposition string) string {
	var kept strings.Builder
	for line := range strings.Lines(exposition) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_response_bytes_") && !(strings.Contains(line, "_total{") && strings.HasSuffix(line, " 0\n")) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestCountersAreThereFromTheFirstScrapeOn(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.sim.SetToken(userID, "") // even while nothing is known
	samples := r.series()
	var want []string
	for _, reason := range []string{"forbidden", "rate_limited", "timeout", "connection", "tls", "redirect", "http_status", "decode"} {
		want = append(want, `scrape_failures_total{reason="`+reason+`"}`)
	}
	want = append(want, `incidents_total{kind="set_back"}`, `incidents_total{kind="aborted"}`)
	for _, result := range []string{"read", "waiting", "failed", "not_sent"} {
		want = append(want, `selection_reads_total{result="`+result+`"}`)
	}
	for _, series := range want {
		if value, shown := samples[series]; !shown || value != 0 {
			t.Errorf("%s is %v (shown: %v)", series, value, shown)
		}
	}
}

func TestUnknownPartsOfASelectionAreAbsent(t *testing.T) {
	r := newRig(t, rocketchatsim.Early3, nil)
	op := operation(rocketchatsim.StepDone)
	op.FileData = `{"users":[{"user_id":"a"}],"channels":"none"}`
	r.place(op)
	samples := r.series()
	for series, known := range map[string]bool{
		"users": true, `users_by_flag{flag="bot"}`: true, "channels": false, `channels_by_flag{flag="direct"}`: false, "messages": false, "contacts": false,
	} {
		if _, shown := samples[series]; shown != known {
			t.Errorf("%s is shown: %v", series, shown)
		}
	}
}

// write writes a golden file, or removes it if it would be the same as latest.
func write(t *testing.T, file, content, latest string) {
	t.Helper()
	if other, err := os.ReadFile(latest); file != latest && err == nil && string(other) == content {
		os.Remove(file)
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
