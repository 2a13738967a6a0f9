package collector

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMetrics holds what /metrics shows against golden files: one for each
// state and each generation of the server.
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
			op.Count = &rocketchatsim.Count{Total: ptr(4), Channels: ptr(4)}
			r.sim.SetOperation(op)
		},
		"ready": func(r *rig) { r.place(operation(rocketchatsim.StepUserSelection)) },
		"importing, watched since it was ready": func(r *rig) {
			r.place(operation(rocketchatsim.StepUserSelection))
			r.scrape()
			r.clock.advance(time.Minute)
			r.update(func(op *rocketchatsim.Operation) {
				op.Step = rocketchatsim.StepImportingMessages
				op.Count.Completed, op.Count.Error = ptr(50), ptr(2)
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
				op.Count.Completed, op.Count.Error = ptr(57), ptr(0)
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
	for _, generation := range rocketchatsim.Generations() {
		for name, arrange := range scenarios {
			t.Run(generation.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, generation, nil)
				arrange(r)
				got := r.exposition()
				file := filepath.Join("testdata", generation.String(), name+".prom")
				if *update {
					write(t, file, got)
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("/metrics differs from %s:\n%s", file, got)
				}
				if n := r.sim.Destructive(); n != 0 {
					t.Errorf("%d calls harmed the import", n)
				}
			})
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
