// Command bench measures what the exporter costs. It prints the tables of
// docs/performance.md in Markdown. "bench soak" instead runs the exporter for
// minutes as a host of many workspaces would, and fails if a scrape is lost or
// if memory, descriptors or goroutines grow. It needs Linux and /proc.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	var s soak
	flag.IntVar(&s.workspaces, "workspaces", 500, "of soak: how many workspaces there are")
	flag.IntVar(&s.replicas, "replicas", 2, "of soak: how many Prometheus servers scrape them")
	flag.DurationVar(&s.interval, "interval", 15*time.Second, "of soak: how often each server scrapes each workspace")
	flag.DurationVar(&s.duration, "duration", 5*time.Minute, "of soak: how long it runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	measure := bench
	if flag.Arg(0) == "soak" {
		measure = s.run
	}
	if err := run(ctx, measure); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run builds the programs, starts the simulated Rocket.Chat and measures.
func run(ctx context.Context, measure func(context.Context, *host, binaries)) (err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case failure:
			err = reason.error
		default:
			panic(reason)
		}
	}()
	dir := must(os.MkdirTemp("", "bench"))
	defer os.RemoveAll(dir)
	b := build(ctx, dir)
	h := newHost()
	defer h.server.Close()
	fmt.Printf("%s, %d cores, %s/%s, %s\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	measure(ctx, h, b)
	return nil
}

// bench prints one table after the other. The last one compares figures of the
// others.
func bench(ctx context.Context, h *host, b binaries) {
	reads := readColdly(ctx, h, b)
	scrapeEachState(ctx, h, b)
	crowds := scrapeTogether(ctx, h, b)
	rest(ctx, h, b)
	growth(ctx, h, b, reads, crowds)
}

// failure is an error that ends the measurement. It unwinds the stack, so that
// what was deferred stops the programs and removes the files.
type failure struct{ error }

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}
