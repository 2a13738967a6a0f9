package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// The bounds that a soak checks.
const (
	scrapeTimeout = 10 * time.Second
	// The mean memory of the last minute is at most memoryGrowth times that of
	// the second one, and memorySlack bytes.
	memoryGrowth, memorySlack = 1.10, 2 << 20
	// handleSlack descriptors or goroutines more at the end than after the first
	// round of scrapes are not a leak.
	handleSlack = 20
)

// How many workspaces hang, and how many refuse the token.
const hanging, refusing = 5, 5

// soak is a run of many workspaces, and what it found.
type soak struct {
	workspaces, replicas int
	interval, duration   time.Duration

	names     []string // one more than are watched at first
	exporter  *exporter
	replica   []*http.Client // each with its own connections, as a Prometheus has
	scrapers  sync.WaitGroup
	mu        sync.Mutex
	well, bad latencies // of workspaces that answer, and of those that hang
	errs      []error
	rss       []float64 // bytes, each second
	early     string    // the exporter's metrics after the first round of scrapes
	last      string    // and the last ones
}

func (s *soak) run(ctx context.Context, h *host, b binaries) {
	s.names = names("w", s.workspaces+1)
	sims := s.play(h)
	file := filepath.Join(filepath.Dir(b.exporter), "workspaces.yml")
	h.writeConfig(file, s.names[:s.workspaces])
	s.exporter = start(ctx, b.exporter, nil, "--config.file="+file, "--web.enable-lifecycle", "--log.level=error")
	defer s.exporter.Stop()
	for range s.replicas {
		s.replica = append(s.replica, &http.Client{Timeout: scrapeTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: s.workspaces}})
	}
	scraping, stop := context.WithCancel(ctx)
	defer stop()
	first, dropFirst := context.WithCancel(scraping)
	defer dropFirst()

	targets := s.discover(ctx)
	for i, target := range targets {
		watched := scraping
		if target == s.names[0] {
			watched = first
		}
		s.scrapeOften(watched, target, float64(i)/float64(len(targets)))
	}
	s.sampleFor(ctx, s.duration/2)
	// Half-way, a new workspace takes the place of the first.
	dropFirst()
	h.writeConfig(file, s.names[1:])
	must(http.Post(s.exporter.url+"/-/reload", "", nil)).Body.Close()
	added := s.names[s.workspaces]
	if targets = s.discover(ctx); slices.Contains(targets, s.names[0]) || !slices.Contains(targets, added) {
		check(errors.New("the exporter has not read its file again"))
	}
	s.scrapeOften(scraping, added, 0)
	s.sampleFor(ctx, s.duration-s.duration/2)

	stop()
	s.scrapers.Wait()
	for _, client := range s.replica {
		client.CloseIdleConnections()
	}
	s.awaitIdle(ctx)
	harmed := 0
	for _, sim := range sims {
		harmed += sim.Destructive()
	}
	s.report(harmed)
}

// play starts the workspaces, whose imports play in different ways and from
// different points. The last ones that are watched at first hang or refuse.
func (s *soak) play(h *host) (sims []*rocketchatsim.Server) {
	scripts := []rocketchatsim.Script{
		rocketchatsim.Slack(), rocketchatsim.Stall(time.Minute), rocketchatsim.Restart(), rocketchatsim.Failure(),
	}
	generations := rocketchatsim.Generations()
	for i, name := range s.names {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: generations[i%len(generations)], BasePath: "/" + name})
		sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		sim.Start(scripts[i%len(scripts)], 0.5+float64(i%20)/10)
		sims = append(sims, sim)
		h.add(name, sim)
		switch {
		case s.hangs(name):
			h.mux.HandleFunc("/"+name+"/api/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		case slices.Contains(s.names[s.workspaces-hanging-refusing:s.workspaces], name):
			sim.SetToken(userID, "another")
		}
	}
	return sims
}

func (s *soak) hangs(name string) bool {
	return slices.Contains(s.names[s.workspaces-hanging:s.workspaces], name)
}

// discover asks /sd for the workspaces.
func (s *soak) discover(ctx context.Context) (targets []string) {
	page, _, err := get(ctx, http.DefaultClient, s.exporter.url+"/sd")
	check(err)
	var groups []struct{ Targets []string }
	check(json.Unmarshal([]byte(page), &groups))
	for _, group := range groups {
		targets = append(targets, group.Targets...)
	}
	return targets
}

// scrapeOften has every replica scrape the target once in each interval, from
// the given part of it on. A scrape that has begun ends even if ctx does.
func (s *soak) scrapeOften(ctx context.Context, target string, part float64) {
	for r, client := range s.replica {
		offset := time.Duration((part + float64(r)/float64(s.replicas)/2) * float64(s.interval))
		s.scrapers.Go(func() {
			next := time.NewTimer(offset % s.interval)
			defer next.Stop()
			for {
				select {
				case <-next.C:
				case <-ctx.Done():
					return
				}
				next.Reset(s.interval)
				_, took, err := get(context.Background(), client, s.exporter.url+"/probe?target="+target)
				s.record(target, took, err)
			}
		})
	}
}

func (s *soak) record(target string, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hangs(target) {
		s.bad = append(s.bad, took)
	} else {
		s.well = append(s.well, took)
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// sampleFor looks at the exporter each second.
func (s *soak) sampleFor(ctx context.Context, duration time.Duration) {
	firstRound := s.interval + scrapeTimeout
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(duration); time.Now().Before(end); <-tick.C {
		s.last, _ = s.exporter.scrape(ctx)
		s.rss = append(s.rss, sample(s.last, rssMetric))
		if s.early == "" && time.Since(s.exporter.started) > firstRound {
			s.early = s.last
		}
	}
}

// handles are the metrics of what a process may leave behind.
func handles() []string { return []string{"process_open_fds", "go_goroutines"} }

// grown reports whether there is more of a metric than after the first round.
func (s *soak) grown(metric string, slack float64) bool {
	return sample(s.last, metric) > sample(s.early, metric)+slack
}

// awaitIdle waits until what was under way has ended, for two scrapes' time at
// most.
func (s *soak) awaitIdle(ctx context.Context) {
	for range 2 * int(scrapeTimeout/time.Second) {
		s.last, _ = s.exporter.scrape(ctx)
		if !slices.ContainsFunc(handles(), func(metric string) bool { return s.grown(metric, 0) }) {
			return
		}
		time.Sleep(time.Second)
	}
}

// report prints the figures, and fails if one is out of bounds.
func (s *soak) report(harmed int) {
	var minutes []float64
	var shown []string
	for minute := range slices.Chunk(s.rss, int(time.Minute/time.Second)) {
		if len(minute) < 30 {
			break // too few for a mean
		}
		var sum float64
		for _, rss := range minute {
			sum += rss
		}
		minutes = append(minutes, sum/float64(len(minute)))
		shown = append(shown, mebibytes(sum/float64(len(minute))))
	}
	printTable("Many workspaces", fmt.Sprintf("%d workspaces (%d hang, %d refuse the token), %d replicas, every %s for %s.",
		s.workspaces, hanging, refusing, s.replicas, s.interval, s.duration), "", "")
	printRow("scrapes", fmt.Sprintf("%s, of which %d were not answered with 200 within %s", thousands(len(s.well)+len(s.bad)), len(s.errs), scrapeTimeout))
	printRow("latency", fmt.Sprintf("p50 %s, p99 %s, at most %s", milliseconds(s.well.at(0.5)), milliseconds(s.well.at(0.99)), milliseconds(s.well.at(1))))
	printRow("latency of the workspaces that hang", fmt.Sprintf("p50 %s, at most %s", milliseconds(s.bad.at(0.5)), milliseconds(s.bad.at(1))))
	printRow("resident memory, mean of each minute", strings.Join(shown, ", "))
	for _, metric := range handles() {
		printRow("`"+metric+"`", fmt.Sprintf("%.0f after the first round of scrapes, %.0f at the end", sample(s.early, metric), sample(s.last, metric)))
	}
	printRow("calls that harmed an import", fmt.Sprint(harmed))

	errs := s.errs
	if n := len(minutes); n > 2 && minutes[n-1] > minutes[1]*memoryGrowth+memorySlack {
		errs = append(errs, errors.New("memory grew after the first minute"))
	}
	for _, metric := range handles() {
		if s.grown(metric, handleSlack) {
			errs = append(errs, fmt.Errorf("%s grew", metric))
		}
	}
	if harmed > 0 {
		errs = append(errs, errors.New("an import was harmed"))
	}
	check(errors.Join(errs...))
}
