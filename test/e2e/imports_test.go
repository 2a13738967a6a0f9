package e2e

import (
	"slices"
	"testing"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// acts are a Slack import cut where a test wants to say when it goes on.
type acts struct {
	script rocketchatsim.Script
	// preparing ends in importer_user_selection, running half-way through the
	// messages, ending in importer_done.
	preparing, running, ending []rocketchatsim.Phase
}

func slackInActs(t *testing.T, contacts int) acts {
	t.Helper()
	script := rocketchatsim.Stall(0)
	script.Selection.Contacts = contacts
	phases := script.Phases
	selection := slices.IndexFunc(phases, func(p rocketchatsim.Phase) bool { return p.Step == rocketchatsim.StepUserSelection })
	standstill := selection + slices.IndexFunc(phases[selection:], func(p rocketchatsim.Phase) bool { return p.Step == "" && p.Kind == "" })
	if selection < 0 || standstill <= selection {
		t.Fatal("a stalling Slack import has other phases than this test knows")
	}
	return acts{script, phases[:selection+1], phases[selection+1 : standstill], phases[standstill+1:]}
}

// begin makes a new import and prepares it, at so many times the usual speed.
func (a acts) begin(w *workspace, speed float64) {
	script := a.script
	script.Phases = a.preparing
	w.sim.Start(script, speed)
}

// goOn lets the newest import, which stands still, go through the phases.
func (a acts) goOn(t *testing.T, w *workspace, phases []rocketchatsim.Phase, speed float64) {
	t.Helper()
	operation, ok := w.sim.Operation()
	if !ok {
		t.Fatal("there is no import to go on with")
	}
	w.sim.Start(rocketchatsim.Script{Operation: operation, Selection: a.script.Selection, Phases: phases}, speed)
	if err := w.sim.Update(func(o *rocketchatsim.Operation) { o.Created = operation.Created }); err != nil {
		t.Fatal(err)
	}
}
