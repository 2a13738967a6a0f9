// Command demo shows the exporter at work without a Rocket.Chat: it starts simulated ones and the
// real exporter, scrapes it, and prints what the imports do as it happens. With -with-alerts a real
// Prometheus scrapes it, and a real Alertmanager sends what the shipped alerts find.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rocketchat_import_exporter/internal/process"
)

func main() {
	workspaces := flag.Int("workspaces", 0, "how many workspaces to simulate; 0 means 1, or 5 with -with-alerts; with 5, one import runs, one has stalled, one has finished, one cannot be seen, one is aborted")
	withAlerts := flag.Bool("with-alerts", false, "also start a real Prometheus and a real Alertmanager with the shipped rules")
	flag.Parse()
	switch {
	case *workspaces == 0 && *withAlerts:
		*workspaces = len(stories)
	case *workspaces == 0:
		*workspaces = 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *workspaces, *withAlerts); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows the demo until ctx ends.
func run(ctx context.Context, n int, withAlerts bool) error {
	if n < 1 {
		return fmt.Errorf("-workspaces=%d: there must be at least one", n)
	}
	address, err := process.FreeAddress("127.0.0.1:10458")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("The page:  http://%s/\n\nBuilding the exporter, which takes a minute or two the first time …\n", address)
	workspaces := startWorkspaces(n)
	exporter, err := startExporter(ctx, dir, address, workspaces)
	if err != nil {
		return err
	}
	defer exporter.Stop()
	ctx, end := context.WithCancelCause(ctx)
	endWith := func(p *process.Process) {
		go func() { end(fmt.Errorf("a program ended: %w\n%s", p.Err(), p.Output())) }()
	}
	endWith(exporter.Process)
	fmt.Printf("It is ready: open the page, or ask for the metrics:\n\n  curl -s '%s' | grep ^rocketchat_import\n\n", exporter.targets[0])
	fmt.Printf("This program stands in for Prometheus: it scrapes the exporter every %.0f seconds.\n", scrapeInterval.Seconds())
	scraping, stopScraping := context.WithCancel(ctx)
	defer stopScraping()
	go exporter.scrape(scraping)
	workspaces.list()

	if withAlerts {
		root, err := moduleRoot(ctx)
		if err != nil {
			return err
		}
		built := make(chan error, 1)
		go func() { built <- buildAlerting(ctx, root) }()
		if err := workspaces.play(ctx, built); err != nil {
			return err
		}
		alerting, err := startAlerting(ctx, root, dir, exporter, workspaces[0])
		if err != nil {
			return err
		}
		defer alerting.Stop()
		stopScraping()
		endWith(alerting.Prometheus)
		endWith(alerting.Alertmanager)
	}
	return workspaces.play(ctx, nil)
}

// say prints a line with the time.
func say(format string, args ...any) {
	fmt.Printf(time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}
