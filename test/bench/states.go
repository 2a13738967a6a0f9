package main

import (
	"context"
	"fmt"
	"io"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// stateUsers is how many users the import has whose states are scraped.
const stateUsers = 100_000

// state is a state of an import, and which of its scrapes is looked at.
type state struct {
	name       string
	generation rocketchatsim.Generation
	step       string // empty where there is no import
	read       bool   // the selection was read before
}

func states() []state {
	latest := rocketchatsim.Latest
	return []state{
		{"no import", latest, "", false},
		{"preparing", latest, rocketchatsim.StepPreparingUsers, false},
		{"selection, first scrape", latest, rocketchatsim.StepUserSelection, false},
		{"selection, any later scrape", latest, rocketchatsim.StepUserSelection, true},
		{"importing", latest, rocketchatsim.StepImportingMessages, true},
		{"done", latest, rocketchatsim.StepDone, true},
		{"importing, early 3.x", rocketchatsim.Early3, rocketchatsim.StepImportingMessages, true},
	}
}

// traffic is what one scrape asked of Rocket.Chat.
type traffic struct {
	requests       int
	received, sent int64 // bytes by Rocket.Chat, headers included
	harmed         int   // imports, or one of them so often
}

// scrapeEachState has this exporter and the naive one scrape an import in each
// state, and prints the table.
func scrapeEachState(ctx context.Context, h *host, b binaries, out io.Writer) error {
	fmt.Fprintf(out, "\n### What one scrape asks of Rocket.Chat\n\nAn import of %s users.\n\n", thousands(stateUsers))
	t := newTable(out, "state", "exporter", "requests", "bytes to Rocket.Chat", "bytes from it", "harm done")
	for i, s := range states() {
		for _, c := range []struct {
			name  string
			start func(workspace string) (*daemon, error)
		}{
			{"this one", func(workspace string) (*daemon, error) {
				return b.startExporter(ctx, workspace, "--rocketchat.min-interval=0s")
			}},
			{"naive", func(workspace string) (*daemon, error) { return startSimple(ctx, b.naive, workspace) }},
		} {
			found, err := h.scrapeState(ctx, s, fmt.Sprintf("state-%d-%s", i, c.name[:4]), c.start)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			harm := "none"
			if found.harmed > 0 {
				harm = "**import wiped or set back**"
			}
			t.row(s.name, c.name, fmt.Sprint(found.requests), thousands(int(found.received)), thousands(int(found.sent)), harm)
		}
	}
	return nil
}

// scrapeState measures one scrape of an import in a state.
func (h *host) scrapeState(ctx context.Context, s state, name string, start func(workspace string) (*daemon, error)) (found traffic, err error) {
	sim := newSim(name, s.generation, s.step, selectionOf(stateUsers))
	if s.step == "" {
		sim.RemoveOperations()
	}
	d, err := start(h.add(name, sim, nil))
	if err != nil {
		return found, err
	}
	defer d.Stop()
	if s.read {
		if _, _, err := d.get(ctx); err != nil {
			return found, err
		}
		// The naive exporter has changed the step by now.
		if err := sim.Update(func(op *rocketchatsim.Operation) { op.Step = s.step }); err != nil {
			return found, err
		}
	}
	requests, harmed := requestsOf(sim), sim.Destructive()
	received, sent := h.meter.received.Load(), h.meter.sent.Load()
	if _, _, err := d.get(ctx); err != nil {
		return found, err
	}
	return traffic{
		requests: requestsOf(sim) - requests, harmed: sim.Destructive() - harmed,
		received: h.meter.received.Load() - received, sent: h.meter.sent.Load() - sent,
	}, nil
}

// requestsOf is how many requests have arrived.
func requestsOf(sim *rocketchatsim.Server) (n int) {
	for _, endpoint := range []string{rocketchatsim.GetCurrentImportOperation, rocketchatsim.GetImportFileData} {
		n += sim.Requests(endpoint)
	}
	return n
}
