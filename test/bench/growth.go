package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// watched is what watching so many workspaces costs.
type watched struct {
	workspaces int
	rss        int64         // bytes, once each has been scraped a few times
	scrape     time.Duration // the mean of a scrape, one after the other
}

// watchMany measures exporters with few and with many workspaces.
func watchMany(ctx context.Context, h *host, b binaries) (all []watched, _ error) {
	for _, n := range []int{1, 100, 500} {
		w, err := watch(ctx, h, b, n)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

func watch(ctx context.Context, h *host, b binaries, n int) (w watched, _ error) {
	var config strings.Builder
	config.WriteString("workspaces:\n")
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("watched-%d-%d", n, i)
		sim := newSim(names[i], rocketchatsim.Latest, rocketchatsim.StepImportingMessages, selectionOf(stateUsers))
		fmt.Fprintf(&config, "  %s: {url: %s, user_id: %s, auth_token: %s, min_interval: 0s}\n",
			names[i], h.add(names[i], sim, nil), userID, token)
	}
	file := filepath.Join(filepath.Dir(b.exporter), "workspaces.yml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return w, err
	}
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		return w, err
	}
	p, err := process.Start("the exporter", nil, b.exporter, "--config.file="+file, "--web.listen-address="+address, "--log.level=error")
	if err != nil {
		return w, err
	}
	defer p.Stop()
	if err := p.AwaitOK(ctx, "http://"+address+"/-/ready"); err != nil {
		return w, err
	}
	const rounds = 3
	start := time.Now()
	for range rounds {
		for _, name := range names {
			d := daemon{Process: p, scrape: "http://" + address + "/probe?target=" + name}
			metrics, _, err := d.get(ctx)
			if err != nil {
				return w, err
			}
			if up, _ := sample(metrics, "rocketchat_import_up"); up != 1 {
				return w, fmt.Errorf("%s is not up", d.scrape)
			}
		}
	}
	w = watched{workspaces: n, scrape: time.Since(start) / time.Duration(rounds*n)}
	w.rss, err = memory(p.PID(), residentMemory)
	return w, err
}

// printGrowth prints what grows with users, workspaces and scrapers: the slopes
// between the smallest and the largest that were measured.
func printGrowth(out io.Writer, reads coldReads, many []watched, crowds []crowd) {
	fmt.Fprintf(out, "\n### Growth\n\n")
	t := newTable(out, "with each further", "time", "memory")
	var few, lots struct {
		users int
		cost
	}
	for r, by := range reads {
		if r.gzip {
			continue
		}
		if few.users == 0 || r.users < few.users {
			few.users, few.cost = r.users, by["this exporter"]
		}
		if r.users > lots.users {
			lots.users, lots.cost = r.users, by["this exporter"]
		}
	}
	users := float64(lots.users - few.users)
	t.row("user of a selection", fmt.Sprintf("%.2f µs for the read", float64(lots.wall-few.wall)/users/1e3),
		fmt.Sprintf("%.1f bytes at the peak", float64(lots.rss-few.rss)/users))

	first, last := many[0], many[len(many)-1]
	workspaces := float64(last.workspaces - first.workspaces)
	t.row("workspace", fmt.Sprintf("%.1f µs for a scrape", float64(last.scrape-first.scrape)/workspaces/1e3),
		fmt.Sprintf("%.0f kB", float64(last.rss-first.rss)/workspaces/1e3))

	one, hundred := crowds[0], crowds[len(crowds)-1]
	scrapers := float64(hundred.scrapers - one.scrapers)
	t.row("scraper at once", fmt.Sprintf("%.0f µs for the slowest scrape", float64(hundred.waiting.at(0.99)-one.waiting.at(0.99))/scrapers/1e3),
		fmt.Sprintf("%.0f kB at the peak", float64(hundred.rss-one.rss)/scrapers/1e3))
}
