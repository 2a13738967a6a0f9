package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	// serverTime is what Rocket.Chat takes to answer while it is scraped by many.
	serverTime = 500 * time.Millisecond
	// crowdScrapes is how many scrapes are measured, at least, for each size of crowd.
	crowdScrapes = 100
	crowdRounds  = 5
)

// crowd is what many who scrape at once got.
type crowd struct {
	scrapers int
	requests float64 // that reached Rocket.Chat for each round of scrapes
	waiting  latencies
	cached   latencies // of scrapes that Rocket.Chat was not asked for
	rss      int64     // bytes, at their peak
}

type latencies []time.Duration

// at is the latency that a part of the scrapes did not exceed.
func (l latencies) at(part float64) time.Duration {
	sorted := slices.Sorted(slices.Values(l))
	return sorted[int(part*float64(len(sorted)-1))]
}

// scrapeTogether has crowds scrape one workspace, and prints the table.
func scrapeTogether(ctx context.Context, h *host, b binaries, out io.Writer) (crowds []crowd, err error) {
	fmt.Fprintf(out, "\n### Many scrapers of one workspace\n\nRocket.Chat takes %s to answer. Exposition is a scrape whose answer is there already.\n\n", serverTime)
	t := newTable(out, "scrapers at once", "requests to Rocket.Chat", "p50", "p99", "exposition p50", "exposition p99", "peak RSS")
	for _, n := range []int{1, 10, 100} {
		c := crowd{scrapers: n}
		if err := c.measure(ctx, h, b); err != nil {
			return nil, err
		}
		t.row(fmt.Sprint(n), fmt.Sprintf("%.1f", c.requests), milliseconds(c.waiting.at(0.5)), milliseconds(c.waiting.at(0.99)),
			milliseconds(c.cached.at(0.5)), milliseconds(c.cached.at(0.99)), mebibytes(c.rss))
		crowds = append(crowds, c)
	}
	return crowds, nil
}

// measure lets the crowd scrape, first an exporter that asks Rocket.Chat for each
// round, then one that has an answer.
func (c *crowd) measure(ctx context.Context, h *host, b binaries) error {
	name := fmt.Sprintf("crowd-%d", c.scrapers)
	sim := newSim(name, rocketchatsim.Latest, rocketchatsim.StepImportingMessages, selectionOf(stateUsers))
	workspace := h.add(name, sim, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(serverTime)
		sim.ServeHTTP(w, r)
	}))
	rounds := max(crowdRounds, crowdScrapes/10/c.scrapers)
	d, err := b.startExporter(ctx, workspace, "--rocketchat.min-interval=0s")
	if err != nil {
		return err
	}
	defer d.Stop()
	c.waiting, err = d.getTogether(ctx, c.scrapers, rounds)
	if err != nil {
		return err
	}
	c.requests = float64(requestsOf(sim)) / float64(rounds)
	if c.rss, err = memory(d.PID(), peakMemory); err != nil {
		return err
	}

	cached, err := b.startExporter(ctx, workspace, "--rocketchat.min-interval=1h")
	if err != nil {
		return err
	}
	defer cached.Stop()
	if _, _, err := cached.get(ctx); err != nil {
		return err
	}
	c.cached, err = cached.getTogether(ctx, c.scrapers, max(crowdRounds, crowdScrapes/c.scrapers))
	return err
}

// getTogether scrapes n times at once, so many rounds of it.
func (d *daemon) getTogether(ctx context.Context, n, rounds int) (took latencies, _ error) {
	var mu sync.Mutex
	var failure error
	for range rounds {
		var scrapes sync.WaitGroup
		for range n {
			scrapes.Go(func() {
				_, t, err := d.get(ctx)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, t)
				if err != nil {
					failure = err
				}
			})
		}
		scrapes.Wait()
	}
	return took, failure
}
