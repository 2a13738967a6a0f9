// Command bench measures what the exporter costs, beside what people would use
// instead: how fast it reads a large selection, what its scrapes ask of
// Rocket.Chat, how many can scrape it at once, and what it takes at rest. It
// prints its tables in Markdown, as docs/performance.md holds them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and prints one table after the other. What grows with what comes
// last, since it rests on the others.
func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binaries, err := build(ctx, dir)
	if err != nil {
		return err
	}
	host, err := newHost()
	if err != nil {
		return err
	}
	defer host.close()
	printMachine(out)

	cold, err := readColdly(ctx, host, binaries, out)
	if err != nil {
		return err
	}
	if err := scrapeEachState(ctx, host, binaries, out); err != nil {
		return err
	}
	crowds, err := scrapeTogether(ctx, host, binaries, out)
	if err != nil {
		return err
	}
	if err := rest(ctx, host, binaries, out); err != nil {
		return err
	}
	many, err := watchMany(ctx, host, binaries)
	if err != nil {
		return err
	}
	printGrowth(out, cold, many, crowds)
	return nil
}
