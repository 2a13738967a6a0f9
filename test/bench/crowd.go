package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// serverTime is how long Rocket.Chat takes to answer a crowd.
const serverTime = 500 * time.Millisecond

// crowd is what many who scrape at once got.
type crowd struct {
	scrapers int
	waiting  latencies // of scrapes that waited for Rocket.Chat
	rss      int64     // bytes, at their peak
}

// scrapeTogether has crowds scrape one workspace, and prints the table. The
// exporter asks Rocket.Chat for each round of scrapes; then another one has its
// answer already.
func scrapeTogether(ctx context.Context, h *host, b binaries) (crowds []crowd) {
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
		c := crowd{scrapers: n}
		rounds := max(5, 10/n)
		var requests float64
		c.waiting, requests, c.rss = together(ctx, h, b, workspace, "0s", n, rounds)
		cached, _, _ := together(ctx, h, b, workspace, "1h", n, max(5, 100/n))
		printRow(fmt.Sprint(n), fmt.Sprintf("%.1f", requests), milliseconds(c.waiting.at(0.5)), milliseconds(c.waiting.at(0.99)),
			milliseconds(cached.at(0.5)), milliseconds(cached.at(0.99)), mebibytes(c.rss))
		crowds = append(crowds, c)
	}
	return crowds
}

// together starts an exporter and scrapes it once, and then n times at once in
// each of the rounds. It returns the requests that a round sent to Rocket.Chat.
func together(ctx context.Context, h *host, b binaries, workspace, minInterval string, n, rounds int) (took latencies, requests float64, rss int64) {
	e := watch(ctx, b.exporter, workspace, "--rocketchat.min-interval="+minInterval, "--log.level=error")
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
