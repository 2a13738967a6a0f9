package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// growth prints what grows with users, workspaces and scrapers: the slopes
// between the smallest and the largest number that was measured.
func growth(ctx context.Context, h *host, b binaries, reads []costOfReply, crowds []crowd) {
	printTable("Growth", "Slopes between the fewest and the most.", "with each further", "time", "memory")
	small, large := reads[0], reads[len(reads)-1]
	users := float64(large.users - small.users)
	printRow("user of a selection", fmt.Sprintf("%.2f µs for the read", float64(large.wall-small.wall)/users/1e3),
		fmt.Sprintf("%.1f bytes at the peak", float64(large.rss-small.rss)/users))
	const few, many = 1, 500
	fewRSS, fewTime := watchMany(ctx, h, b, few)
	manyRSS, manyTime := watchMany(ctx, h, b, many)
	printRow("workspace", fmt.Sprintf("%.1f µs for a scrape", float64(manyTime-fewTime)/(many-few)/1e3),
		fmt.Sprintf("%.0f kB", (manyRSS-fewRSS)/(many-few)/1e3))
	one, most := crowds[0], crowds[len(crowds)-1]
	scrapers := float64(most.scrapers - one.scrapers)
	printRow("scraper at once", fmt.Sprintf("%.0f µs for the slowest scrape", float64(most.waiting.at(0.99)-one.waiting.at(0.99))/scrapers/1e3),
		fmt.Sprintf("%.0f kB at the peak", float64(most.rss-one.rss)/scrapers/1e3))
}

// watchMany scrapes n workspaces, one after the other, and returns the exporter's
// memory in bytes and how long a scrape took on average.
func watchMany(ctx context.Context, h *host, b binaries, n int) (rss float64, mean time.Duration) {
	workspaces := names(fmt.Sprintf("watched%d-", n), n)
	for _, name := range workspaces {
		h.add(name, newWorkspace(name, rocketchatsim.Latest, rocketchatsim.StepImportingMessages, manyUsers))
	}
	file := filepath.Join(filepath.Dir(b.exporter), "workspaces.yml")
	h.writeConfig(file, workspaces)
	e := start(ctx, b.exporter, nil, "--config.file="+file, "--rocketchat.min-interval=0s", "--log.level=error")
	defer e.Stop()
	const rounds = 3
	begun := time.Now()
	for range rounds {
		for _, name := range workspaces {
			metrics, _, err := get(ctx, http.DefaultClient, e.url+"/probe?target="+name)
			if err == nil && sample(metrics, "rocketchat_import_up") != 1 {
				err = fmt.Errorf("%s is not up", name)
			}
			check(err)
		}
	}
	mean = time.Since(begun) / time.Duration(rounds*n)
	own, _ := e.scrape(ctx)
	return sample(own, rssMetric), mean
}
