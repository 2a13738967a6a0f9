// Command demo shows the exporter at work without a Rocket.Chat: it starts simulated ones and the
// real exporter, scrapes it, and prints what the imports do as it happens. With -only-rocketchat it
// leaves the exporter to the reader.
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
	workspaces := flag.Int("workspaces", 1, "how many workspaces to simulate; with 6, one import runs, one has stalled, one has finished, one cannot be seen, one is aborted, one has failed")
	alone := flag.Bool("only-rocketchat", false, "start no exporter, and print how to watch the simulated servers with one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *workspaces, *alone); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows the demo until ctx ends. alone leaves the exporter out.
func run(ctx context.Context, n int, alone bool) error {
	if n < 1 {
		return fmt.Errorf("-workspaces=%d: there must be at least one", n)
	}
	workspaces := startWorkspaces(n)
	if alone {
		workspaces.list(true)
		return workspaces.play(ctx)
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
	fmt.Print("Building the exporter, which takes a minute or two the first time …\n\n")
	exporter, err := startExporter(ctx, dir, address, workspaces)
	if err != nil {
		return err
	}
	defer exporter.Stop()
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(fmt.Errorf("the exporter ended: %w\n%s", exporter.Err(), exporter.Output())) }()
	fmt.Printf("The page:     http://%s/?workspace=%s\n", address, workspaces[0].name)
	fmt.Printf("The metrics:  curl -s '%s' | grep ^rocketchat_import\n\n", exporter.targets[0])
	fmt.Printf("This program stands in for Prometheus: it scrapes the exporter every %.0f seconds.\n", scrapeInterval.Seconds())
	go exporter.scrape(ctx)
	workspaces.list(false)
	return workspaces.play(ctx)
}

// say prints a line with the time.
func say(format string, args ...any) {
	fmt.Printf(time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}
