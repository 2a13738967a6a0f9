package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

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
		e := watch(ctx, b.exporter, workspace, "--log.level=error")
		e.scrape(ctx)
		answered = append(answered, time.Since(e.started))
		e.Stop()
	}
	e := watch(ctx, b.exporter, workspace, "--rocketchat.min-interval=0s", "--log.level=error")
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

// allocated scrapes n times and returns how many bytes the exporter allocated
// for each scrape.
func (e *exporter) allocated(ctx context.Context, n int) float64 {
	const total = "go_memstats_alloc_bytes_total"
	first, _ := e.scrape(ctx)
	last := first
	for range n {
		last, _ = e.scrape(ctx)
	}
	return (sample(last, total) - sample(first, total)) / float64(n)
}
