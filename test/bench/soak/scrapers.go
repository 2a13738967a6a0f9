package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// scrapers are the replicas of Prometheus.
type scrapers struct {
	exporter string
	plan     plan
	replicas []*http.Client // each with connections of its own, as a Prometheus has for a job
	running  sync.WaitGroup

	mu         sync.Mutex
	cancel     map[string]context.CancelFunc // by workspace
	well, hung durations
	failures   []string
}

// durations are latencies.
type durations []time.Duration

// at is the latency that a part of the scrapes did not exceed.
func (d durations) at(part float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[int(part*float64(len(sorted)-1))].Round(100 * time.Microsecond)
}

func newScrapers(exporter string, p plan) *scrapers {
	s := &scrapers{exporter: exporter, plan: p, cancel: map[string]context.CancelFunc{}}
	for range p.replicas {
		s.replicas = append(s.replicas, &http.Client{
			Timeout:   scrapeTimeout,
			Transport: &http.Transport{MaxIdleConnsPerHost: p.workspaces},
		})
	}
	return s
}

// discover asks /sd for the workspaces.
func (s *scrapers) discover(ctx context.Context) (targets []string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.exporter+"/sd", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var groups []struct{ Targets []string }
	if err := json.NewDecoder(resp.Body).Decode(&groups); err != nil {
		return nil, err
	}
	for _, group := range groups {
		targets = append(targets, group.Targets...)
	}
	return targets, nil
}

// start has every replica scrape the targets, spread over the interval.
func (s *scrapers) start(ctx context.Context, targets []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, target := range targets {
		ctx, cancel := context.WithCancel(ctx)
		s.cancel[target] = cancel
		for r, client := range s.replicas {
			part := float64(i)/float64(len(targets)) + float64(r)/float64(len(s.replicas))/2
			offset := time.Duration(part * float64(s.plan.interval))
			s.running.Go(func() { s.scrapeOften(ctx, client, target, offset) })
		}
	}
}

// drop ends the scraping of a target, and returns when that has ended.
func (s *scrapers) drop(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel[target]()
}

// stop ends all scraping.
func (s *scrapers) stop() {
	s.mu.Lock()
	for _, cancel := range s.cancel {
		cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
	for _, client := range s.replicas {
		client.CloseIdleConnections()
	}
}

// scrapeOften scrapes a target every interval. A scrape that has begun ends,
// whatever happens to ctx.
func (s *scrapers) scrapeOften(ctx context.Context, client *http.Client, target string, offset time.Duration) {
	if wait(ctx, offset%s.plan.interval) != nil {
		return
	}
	ticks := time.NewTicker(s.plan.interval)
	defer ticks.Stop()
	for ctx.Err() == nil {
		begun := time.Now()
		err := scrape(client, s.exporter+"/probe?target="+target)
		s.note(target, time.Since(begun), err)
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
}

// scrape scrapes once, as Prometheus does.
func scrape(client *http.Client, url string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(scrapeTimeout.Seconds()))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// note keeps what came of a scrape.
func (s *scrapers) note(target string, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hangs(target, s.plan.workspaces) {
		s.hung = append(s.hung, took)
	} else {
		s.well = append(s.well, took)
	}
	if err != nil {
		s.failures = append(s.failures, err.Error())
	}
}

func (s *scrapers) scrapes() int                      { return len(s.well) + len(s.hung) }
func (s *scrapers) latencies() (well, hung durations) { return s.well, s.hung }
func (s *scrapers) lost() []string                    { return s.failures }
