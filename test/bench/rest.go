package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	dayOfScrapes = 5_760 // one every 15 s
	warmUp       = 100
	someScrapes  = 1_000 // whose allocation is looked at
	starts       = 15
)

// rest measures an exporter that has nothing much to do, and prints the table.
func rest(ctx context.Context, h *host, b binaries, out io.Writer) error {
	fmt.Fprintf(out, "\n### At rest\n\n")
	t := newTable(out, "", "")
	binary, err := os.Stat(b.exporter)
	if err != nil {
		return err
	}
	t.row("binary", mebibytes(binary.Size()))

	sim := newSim("rest", rocketchatsim.Latest, rocketchatsim.StepImportingMessages, selectionOf(stateUsers))
	workspace := h.add("rest", sim, nil)
	var took latencies
	for range starts {
		d, err := startToFirstAnswer(ctx, b, workspace)
		if err != nil {
			return err
		}
		d.daemon.Stop()
		took = append(took, d.took)
	}
	t.row("from start to the first answer, median", milliseconds(took.at(0.5)))

	d, err := b.startExporter(ctx, workspace, "--rocketchat.min-interval=0s")
	if err != nil {
		return err
	}
	defer d.Stop()
	if _, _, err := d.get(ctx); err != nil {
		return err
	}
	rss, err := memory(d.PID(), residentMemory)
	if err != nil {
		return err
	}
	t.row("RSS after the first scrape", mebibytes(rss))
	// What is set up once is not what a scrape costs.
	if _, err := d.allocated(ctx, warmUp); err != nil {
		return err
	}
	early, err := d.allocated(ctx, someScrapes)
	if err != nil {
		return err
	}
	if _, err := d.allocated(ctx, dayOfScrapes-warmUp-2*someScrapes); err != nil {
		return err
	}
	late, err := d.allocated(ctx, someScrapes)
	if err != nil {
		return err
	}
	if rss, err = memory(d.PID(), residentMemory); err != nil {
		return err
	}
	t.row(fmt.Sprintf("RSS after %s scrapes, a day of them", thousands(dayOfScrapes)), mebibytes(rss))
	t.row(fmt.Sprintf("allocated for a scrape, first %s and last %s", thousands(someScrapes), thousands(someScrapes)),
		fmt.Sprintf("%.1f kB and %.1f kB", early/1e3, late/1e3))
	return nil
}

// started is an exporter and how long it took to answer.
type started struct {
	daemon *process.Process
	took   time.Duration
}

// startToFirstAnswer starts the exporter and asks it for metrics until it answers.
func startToFirstAnswer(ctx context.Context, b binaries, workspace string) (s started, _ error) {
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		return s, err
	}
	d := &daemon{scrape: "http://" + address + "/metrics"}
	start := time.Now()
	d.Process, err = process.Start("the exporter", []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, b.exporter,
		"--rocketchat.url="+workspace, "--rocketchat.user-id="+userID, "--web.listen-address="+address)
	if err != nil {
		return s, err
	}
	for tick := time.NewTicker(time.Millisecond); ; {
		metrics, _, err := d.get(ctx)
		if up, _ := sample(metrics, "rocketchat_import_up"); err == nil && up == 1 {
			tick.Stop()
			return started{d.Process, time.Since(start)}, nil
		}
		select {
		case <-tick.C:
		case <-d.Ended():
			return s, d.Err()
		case <-ctx.Done():
			d.Stop()
			return s, ctx.Err()
		}
	}
}

// allocated scrapes n times, and returns how many bytes the exporter allocated
// for each.
func (d *daemon) allocated(ctx context.Context, n int) (float64, error) {
	var first, last float64
	for i := range n + 1 {
		metrics, _, err := d.get(ctx)
		if err != nil {
			return 0, err
		}
		total, ok := sample(metrics, "go_memstats_alloc_bytes_total")
		if !ok {
			return 0, fmt.Errorf("%s does not show go_memstats_alloc_bytes_total", d.scrape)
		}
		if i == 0 {
			first = total
		}
		last = total
	}
	return (last - first) / float64(n), nil
}
