// Command bench measures what the exporter costs. It prints the tables of docs/performance.md in
// Markdown. "bench soak" instead runs the exporter for minutes as a host of many workspaces would,
// and fails if a scrape is lost or if memory, descriptors or goroutines grow. "bench window" prints
// only the first table. It needs Linux and /proc.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"rocketchat_import_exporter/internal/diagnosis"
)

func main() {
	defer func() { // at the very end: what is deferred later stops the programs and removes the files
		reason := recover()
		if _, bug := reason.(runtime.Error); bug {
			panic(reason)
		} else if reason != nil {
			log.Fatalln("bench:", reason)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir := must(os.MkdirTemp("", "bench"))
	defer os.RemoveAll(dir)
	b := build(ctx, dir)
	h := newHost()
	defer h.server.Close()
	fmt.Printf("%s, %d cores, %s/%s, %s\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if slices.Contains(os.Args, "soak") {
		new(soak).run(ctx, h, b)
		return
	}
	measureWindow(ctx)
	if slices.Contains(os.Args, "window") {
		return
	}
	reads := readColdly(ctx, h, b)
	scrapeEachState(ctx, h, b)
	crowds := scrapeTogether(ctx, h, b)
	rest(ctx, h, b)
	growth(ctx, h, b, reads, crowds)
}

// check ends the measurement if there is an error.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// printTable begins a section and its table in Markdown.
func printTable(title, intro string, columns ...string) {
	fmt.Printf("\n### %s\n\n%s\n\n", title, intro)
	printRow(columns...)
	fmt.Println(strings.Repeat("|---", len(columns)) + "|")
}

func printRow(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

// latencies are how long scrapes took.
type latencies []time.Duration

// at is the latency that the given part of the scrapes does not exceed.
func (l latencies) at(part float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(l))[int(part*float64(len(l)-1))]
}

// milliseconds has two digits at least.
func milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1e3
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func mebibytes[T int | int64 | float64](n T) string {
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// thousands writes a number with a comma at each thousand.
func thousands[T int | int64](n T) string { return diagnosis.Grouped(int64(n)) }
