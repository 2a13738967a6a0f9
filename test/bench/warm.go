package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// manyUsers is how many users the imports have that are scraped.
const manyUsers = 100_000

// scrapeEachState has both exporters scrape an import in each state, and prints what that asks for.
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
		s.measure(ctx, h, fmt.Sprintf("state%d", i), "this one", b.exporter, "--rocketchat.min-interval=0s")
		s.measure(ctx, h, fmt.Sprintf("state%d-naive", i), "naive", b.naive)
	}
}

// state is a state of an import, and which of its scrapes is measured.
type state struct {
	name       string
	generation rocketchatsim.Generation
	step       string // empty without an import
	later      bool   // it was scraped before
}

func (s state) measure(ctx context.Context, h *host, workspace, exporter, binary string, args ...string) {
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

// serverTime is how long Rocket.Chat takes to answer a crowd.
const serverTime = 500 * time.Millisecond

// scrapeTogether has crowds scrape one workspace: an exporter that asks Rocket.Chat for each round of
// scrapes, and one that has its answer already. It returns what each crowd cost, with the slowest scrape.
func scrapeTogether(ctx context.Context, h *host, b binaries) (crowds []cost) {
	printTable("Many scrapers of one workspace",
		fmt.Sprintf("Rocket.Chat takes %s to answer. Exposition is a scrape whose answer is there already.", serverTime),
		"scrapers at once", "requests to Rocket.Chat", "p50", "p99", "exposition p50", "exposition p99", "peak RSS")
	for _, n := range []int{1, 10, 100} {
		name := fmt.Sprint("crowd", n)
		sim := newWorkspace(name, rocketchatsim.Latest, rocketchatsim.StepImportingMessages, manyUsers)
		workspace := h.add(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(serverTime)
			sim.ServeHTTP(w, r)
		}))
		waiting, requests, rss := together(ctx, h, b, workspace, "0s", n, max(5, 10/n))
		cached, _, _ := together(ctx, h, b, workspace, "1h", n, max(5, 100/n))
		printRow(fmt.Sprint(n), fmt.Sprintf("%.1f", requests), milliseconds(waiting.at(0.5)), milliseconds(waiting.at(0.99)),
			milliseconds(cached.at(0.5)), milliseconds(cached.at(0.99)), mebibytes(rss))
		crowds = append(crowds, cost{wall: waiting.at(0.99), rss: rss, counted: n})
	}
	return crowds
}

// together starts an exporter, and scrapes it n times at once in each of the rounds. It returns the
// requests that a round sent to Rocket.Chat.
func together(ctx context.Context, h *host, b binaries, workspace, minInterval string, n, rounds int) (took latencies, requests float64, rss int) {
	e := watch(ctx, b.exporter, workspace, "--rocketchat.min-interval="+minInterval)
	defer e.Stop()
	e.scrape(ctx)
	before := h.requests.Load()
	took = make(latencies, n*rounds)
	errs := make([]error, n*rounds)
	for round := range rounds {
		var scrapes sync.WaitGroup
		for i := range n {
			scrapes.Go(func() {
				i += round * n
				_, took[i], errs[i] = get(ctx, http.DefaultClient, e.url+"/metrics")
			})
		}
		scrapes.Wait()
	}
	check(errors.Join(errs...))
	return took, float64(h.requests.Load()-before) / float64(rounds), e.peakMemory()
}

const (
	starts       = 15
	dayOfScrapes = 5_760 // one every 15 s
	warmUp       = 100   // scrapes, which also allocate what is set up once
	someScrapes  = 1_000 // whose allocation is shown
)

// rest measures an exporter that has little to do, and prints the table.
func rest(ctx context.Context, h *host, b binaries) {
	workspace := h.add("rest", newWorkspace("rest", rocketchatsim.Latest, rocketchatsim.StepImportingMessages, manyUsers))
	var answered latencies
	for range starts {
		e := watch(ctx, b.exporter, workspace)
		e.scrape(ctx)
		answered = append(answered, time.Since(e.started))
		e.Stop()
	}
	e := watch(ctx, b.exporter, workspace, "--rocketchat.min-interval=0s")
	defer e.Stop()
	first, _ := e.scrape(ctx)
	e.allocated(ctx, warmUp)
	early := e.allocated(ctx, someScrapes)
	e.allocated(ctx, dayOfScrapes-warmUp-2*someScrapes)
	late := e.allocated(ctx, someScrapes)
	last, _ := e.scrape(ctx)

	printTable("At rest", "One workspace.", "", "")
	printRow("binary", mebibytes(must(os.Stat(b.exporter)).Size()))
	printRow("from start to the first answer, median", milliseconds(answered.at(0.5)))
	printRow("RSS after the first scrape", mebibytes(sample(first, rssMetric)))
	printRow(fmt.Sprintf("RSS after %s scrapes, a day of them", thousands(dayOfScrapes)), mebibytes(sample(last, rssMetric)))
	printRow(fmt.Sprintf("allocated for a scrape, first %s and last %s", thousands(someScrapes), thousands(someScrapes)),
		fmt.Sprintf("%.1f kB and %.1f kB", early/1e3, late/1e3))
}

// allocated scrapes n times and returns how many bytes the exporter allocated for each scrape.
func (e *exporter) allocated(ctx context.Context, n int) float64 {
	const total = "go_memstats_alloc_bytes_total"
	first, _ := e.scrape(ctx)
	last := first
	for range n {
		last, _ = e.scrape(ctx)
	}
	return (sample(last, total) - sample(first, total)) / float64(n)
}

// growth prints what grows with users, workspaces and scrapers.
func growth(ctx context.Context, h *host, b binaries, reads, crowds []cost) {
	printTable("Growth", "Slopes between the fewest and the most.", "with each further", "time", "memory")
	watched := []cost{watchMany(ctx, h, b, 1), watchMany(ctx, h, b, 500)}
	for _, row := range []struct {
		what, time, memory string
		costs              []cost
		unit               float64 // of the memory, in bytes
	}{
		{"user of a selection", "%.2f µs for the read", "%.1f bytes at the peak", reads, 1},
		{"workspace", "%.1f µs for a scrape", "%.0f kB", watched, 1e3},
		{"scraper at once", "%.0f µs for the slowest scrape", "%.0f kB at the peak", crowds, 1e3},
	} {
		fewest, most := row.costs[0], row.costs[len(row.costs)-1]
		n := float64(most.counted - fewest.counted)
		printRow(row.what, fmt.Sprintf(row.time, float64(most.wall-fewest.wall)/n/1e3), fmt.Sprintf(row.memory, float64(most.rss-fewest.rss)/n/row.unit))
	}
}

// watchMany scrapes n workspaces in turn, and returns the exporter's memory and a scrape's mean time.
func watchMany(ctx context.Context, h *host, b binaries, n int) cost {
	workspaces := names(fmt.Sprintf("watched%d-", n), n)
	for _, name := range workspaces {
		h.add(name, newWorkspace(name, rocketchatsim.Latest, rocketchatsim.StepImportingMessages, manyUsers))
	}
	file := filepath.Join(filepath.Dir(b.exporter), "workspaces.yml")
	h.writeConfig(file, workspaces)
	e := start(ctx, b.exporter, nil, "--config.file="+file, "--rocketchat.min-interval=0s")
	defer e.Stop()
	const rounds = 3
	begun := time.Now()
	for range rounds {
		for _, name := range workspaces {
			metrics, _, err := get(ctx, http.DefaultClient, e.url+"/probe?target="+name)
			if check(err); sample(metrics, "rocketchat_import_up") != 1 {
				check(fmt.Errorf("%s is not up", name))
			}
		}
	}
	mean := time.Since(begun) / time.Duration(rounds*n)
	own, _ := e.scrape(ctx)
	return cost{wall: mean, rss: int(sample(own, rssMetric)), counted: n}
}
