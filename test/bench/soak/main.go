// Command soak runs the exporter as a host of many workspaces would: replicas
// of Prometheus scrape it for minutes, while some workspaces hang, some refuse
// it and the configuration file changes. It fails if a scrape is lost or late,
// or if memory, descriptors or goroutines grow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The bounds that are checked.
const (
	scrapeTimeout = 10 * time.Second
	// The last minute's mean memory is at most so many times the second's, and
	// so many bytes.
	memoryGrowth, memorySlack = 1.10, 2 << 20
	// So many more descriptors or goroutines at the end than after the first
	// round of scrapes are none left behind.
	handleSlack = 20
)

func main() {
	var p plan
	flag.IntVar(&p.workspaces, "workspaces", 500, "how many workspaces there are")
	flag.IntVar(&p.replicas, "replicas", 2, "how many Prometheus servers scrape them")
	flag.DurationVar(&p.interval, "interval", 15*time.Second, "how often each scrapes each")
	flag.DurationVar(&p.duration, "duration", 5*time.Minute, "for how long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := p.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// plan is what is run.
type plan struct {
	workspaces, replicas int
	interval, duration   time.Duration
}

func (p plan) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// One workspace more than are watched at first: it takes the place of another half-way.
	host, err := newHost(p.workspaces + 1)
	if err != nil {
		return err
	}
	defer host.close()
	if err := host.writeConfig(dir, 0, p.workspaces); err != nil {
		return err
	}
	e, err := startExporter(ctx, dir)
	if err != nil {
		return err
	}
	defer e.Stop()

	s := newScrapers(e.url, p)
	first, err := s.discover(ctx)
	if err != nil {
		return err
	}
	s.start(ctx, first)
	sampled := e.sample(ctx, p)
	if err := wait(ctx, p.duration/2); err != nil {
		return err
	}
	if err := p.exchange(ctx, s, host, e, dir); err != nil {
		return err
	}
	if err := wait(ctx, p.duration-p.duration/2); err != nil {
		return err
	}
	s.stop()
	samples := <-sampled
	atEnd, err := e.handlesOnceIdle(ctx, samples.early)
	if err != nil {
		return err
	}
	return p.report(s, samples, atEnd, host)
}

// exchange takes the first workspace out of the file and puts a new one in.
func (p plan) exchange(ctx context.Context, s *scrapers, host *host, e *exporter, dir string) error {
	s.drop(name(0))
	if err := host.writeConfig(dir, 1, p.workspaces+1); err != nil {
		return err
	}
	if err := e.reload(); err != nil {
		return err
	}
	added := name(p.workspaces)
	for {
		targets, err := s.discover(ctx)
		if err != nil {
			return err
		}
		if strings.Contains(strings.Join(targets, " "), added) {
			s.start(ctx, []string{added})
			return nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// report prints the figures, and returns an error for those out of bounds.
func (p plan) report(s *scrapers, m samples, atEnd handles, host *host) error {
	well, hung := s.latencies()
	minutes := m.meanRSS()
	fmt.Printf("workspaces %d (of which %d hang and %d refuse), replicas %d, interval %s, duration %s\n",
		p.workspaces, hanging, refusing, p.replicas, p.interval, p.duration)
	fmt.Printf("scrapes                     %d, of which %d not answered with 200 within %s\n", s.scrapes(), len(s.lost()), scrapeTimeout)
	fmt.Printf("latency                     p50 %s, p99 %s, max %s\n", well.at(0.5), well.at(0.99), well.at(1))
	fmt.Printf("latency of those that hang  p50 %s, max %s\n", hung.at(0.5), hung.at(1))
	for i, rss := range minutes {
		fmt.Printf("RSS, mean of minute %d       %.1f MB\n", i+1, rss/(1<<20))
	}
	fmt.Printf("descriptors                 %d after the first round, %d at the end\n", m.early.descriptors, atEnd.descriptors)
	fmt.Printf("goroutines                  %d after the first round, %d at the end\n", m.early.goroutines, atEnd.goroutines)
	fmt.Printf("calls that harmed an import %d\n", host.destructive())

	var errs []error
	for _, lost := range s.lost() {
		errs = append(errs, errors.New(lost))
	}
	if n := len(minutes); n > 2 && minutes[n-1] > minutes[1]*memoryGrowth+memorySlack {
		errs = append(errs, errors.New("memory grew after the first minute"))
	}
	if atEnd.descriptors > m.early.descriptors+handleSlack || atEnd.goroutines > m.early.goroutines+handleSlack {
		errs = append(errs, errors.New("descriptors or goroutines were left behind"))
	}
	if host.destructive() > 0 {
		errs = append(errs, errors.New("an import was harmed"))
	}
	return errors.Join(errs...)
}

// name is what a workspace is called.
func name(i int) string { return "w" + strconv.Itoa(i) }

// wait waits, or returns ctx's error.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
