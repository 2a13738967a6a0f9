// Command demo shows the exporter at work without a Rocket.Chat: it starts simulated ones and the
// real exporter, scrapes it, and prints what the imports do as it happens. With -only-rocketchat it
// leaves the exporter to the reader.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim/stories"
)

const scrapeInterval = 5 * time.Second

func main() {
	workspaces := flag.Int("workspaces", 1, "how many workspaces to simulate; with 6, one import runs, one has stalled, one has finished, one cannot be seen, one is aborted, one has failed")
	alone := flag.Bool("only-rocketchat", false, "start no exporter, and print how to watch the simulated servers with one")
	flag.Parse()
	process.Main("demo", func(ctx context.Context, dir string) error { return run(ctx, dir, *workspaces, *alone) })
}

// run shows the demo until ctx ends. alone leaves the exporter out.
func run(ctx context.Context, dir string, n int, alone bool) error {
	if n < 1 {
		return fmt.Errorf("-workspaces=%d: there must be at least one", n)
	}
	workspaces := stories.Start(n)
	if alone {
		list(workspaces, true)
		return play(ctx, workspaces)
	}
	fmt.Print("Building the exporter, which takes a minute or two the first time …\n\n")
	exporter, url, err := process.StartExporter(ctx, dir, stories.Configuration(workspaces))
	if err != nil {
		return err
	}
	defer exporter.Stop()
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(fmt.Errorf("the exporter ended: %w\n%s", exporter.Err(), exporter.Output())) }()
	fmt.Printf("The page:     %s/?workspace=%s\n", url, workspaces[0].Name)
	probe := url + "/probe?target="
	fmt.Printf("The metrics:  curl -s '%s%s' | grep ^rocketchat_import\n\n", probe, workspaces[0].Name)
	fmt.Printf("This program stands in for Prometheus: it scrapes the exporter every %.0f seconds.\n", scrapeInterval.Seconds())
	go scrape(ctx, probe, workspaces)
	list(workspaces, false)
	return play(ctx, workspaces)
}

// say prints a line with the time.
func say(format string, args ...any) {
	fmt.Printf(time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}

// list prints the address of each workspace, and what happens there. alone adds how to watch it.
func list(workspaces []*stories.Workspace, alone bool) {
	fmt.Print("\nThe simulated Rocket.Chat of each workspace:\n\n")
	for _, w := range workspaces {
		fmt.Printf("  %-12s  %s  %s\n", w.Name, w.URL, w.Text)
		if alone {
			fmt.Printf("  export ROCKETCHAT_URL=%s ROCKETCHAT_USER_ID=%s ROCKETCHAT_AUTH_TOKEN=%s\n\n", w.URL, stories.UserID, stories.Token)
		}
	}
	if alone {
		fmt.Print("Watch one of them from another terminal. Copy its line into it, then run one of these:\n\n" +
			"  go run . watch    follows the import in the terminal\n  go run .          the exporter; its page is http://localhost:10458/\n")
	}
	fmt.Print("\nPress Ctrl-C to end.\n\n")
}

// play begins all stories, and prints them until ctx ends.
func play(ctx context.Context, workspaces []*stories.Workspace) error {
	begins := make([]time.Time, len(workspaces)) // the story of each; zero for at once
	reporters := make([]reporter, len(workspaces))
	for tick := time.Tick(250 * time.Millisecond); ; {
		for i, w := range workspaces {
			if now := time.Now(); !now.Before(begins[i]) {
				w.Begin(w.Server)
				begins[i] = now.Add(cmp.Or(w.Again, math.MaxInt64))
			}
			if line := reporters[i].next(w.Operation()); line != "" {
				say("%-12s  %s", w.Name, line)
			}
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// scrape scrapes all workspaces until ctx ends. probe and a name make an address.
func scrape(ctx context.Context, probe string, workspaces []*stories.Workspace) {
	for tick := time.Tick(scrapeInterval); ; {
		for _, w := range workspaces {
			if err := get(probe + w.Name); err != nil && ctx.Err() == nil {
				say("The scrape of %s failed: %v", w.Name, err)
			}
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
}

func get(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
