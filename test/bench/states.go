package main

import (
	"context"
	"fmt"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// manyUsers is how many users the imports have that are scraped.
const manyUsers = 100_000

// scrapeEachState has this exporter and the naive one scrape an import in each
// state, and prints what one scrape asks of Rocket.Chat.
func scrapeEachState(ctx context.Context, h *host, b binaries) {
	printTable("What one scrape asks of Rocket.Chat", fmt.Sprintf("An import of %s users.", thousands(manyUsers)),
		"state", "exporter", "requests", "bytes to Rocket.Chat", "bytes from it", "harm done")
	latest, early := rocketchatsim.Latest, rocketchatsim.Early3
	for i, s := range []state{
		{"no import", latest, "", false},
		{"preparing", latest, rocketchatsim.StepPreparingUsers, false},
		{"selection, first scrape", latest, rocketchatsim.StepUserSelection, false},
		{"selection, any later scrape", latest, rocketchatsim.StepUserSelection, true},
		{"importing", latest, rocketchatsim.StepImportingMessages, true},
		{"done", latest, rocketchatsim.StepDone, true},
		{"importing, early 3.x", early, rocketchatsim.StepImportingMessages, true},
	} {
		s.scrape(ctx, h, fmt.Sprintf("state%d", i), "this one", b.exporter, "--rocketchat.min-interval=0s", "--log.level=error")
		s.scrape(ctx, h, fmt.Sprintf("state%d-naive", i), "naive", b.naive)
	}
}

// state is a state of an import, and which of its scrapes is measured.
type state struct {
	name       string
	generation rocketchatsim.Generation
	step       string // empty without an import
	later      bool   // it was scraped before
}

func (s state) scrape(ctx context.Context, h *host, workspace, exporter, binary string, args ...string) {
	sim := newWorkspace(workspace, s.generation, s.step, manyUsers)
	if s.step == "" {
		sim.RemoveOperations()
	}
	e := watch(ctx, binary, h.add(workspace, sim), args...)
	defer e.Stop()
	if s.later {
		e.scrape(ctx)
		// The naive exporter has changed the step by now.
		check(sim.Update(func(op *rocketchatsim.Operation) { op.Step = s.step }))
	}
	requests, received, sent, harmed := h.requests.Load(), h.received.Load(), h.sent.Load(), sim.Destructive()
	e.scrape(ctx)
	harm := "none"
	if sim.Destructive() > harmed {
		harm = "**import wiped or set back**"
	}
	printRow(s.name, exporter, thousands(h.requests.Load()-requests), thousands(h.received.Load()-received), thousands(h.sent.Load()-sent), harm)
}
