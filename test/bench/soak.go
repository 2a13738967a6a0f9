package main

import (
	"context"
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

// What a soak is: workspaces, of which some hang and some refuse the token, and replicas of Prometheus
// that scrape each once in an interval.
const (
	workspaces, hanging, refusing     = 500, 5, 5
	hangs, refuses                    = "hangs", "refuses" // what their names begin with
	replicas, interval, scrapeTimeout = 2, 15 * time.Second, 10 * time.Second
	soakTime                          = 5 * time.Minute

	// The last minute's mean memory is at most memoryGrowth times the second one's, and memorySlack bytes.
	memoryGrowth, memorySlack = 1.10, 2 << 20
	// handleSlack more descriptors or goroutines than after the first round of scrapes are not a leak.
	handleSlack = 20
	// At least minReady imports from 6.3 on stand ready for readyFor, and readPart of these are read.
	readPart, readyFor, minReady = 0.9, time.Minute, 50
)

// soak is a run of many workspaces, and what it found.
type soak struct {
	names     []string // one more than are watched at first
	exporter  *exporter
	clients   []*http.Client // of the replicas, each with its own connections
	scrapers  sync.WaitGroup
	mu        sync.Mutex
	well, bad latencies // of workspaces that answer, and of those that hang
	errs      []error
	rss       []float64 // bytes, each second
	early     string    // the exporter's metrics after the first round of scrapes
	last      string    // and the last ones
	played    []*played
	notSent   map[string]float64 // by workspace: reads that the exporter wanted, and did not send
}

// played is an import that plays, and how long it stood ready.
type played struct {
	*rocketchatsim.Server
	read       bool      // whether the exporter may read its selection
	readySince time.Time // zero unless it is ready now
	ready      time.Duration
}

// look measures how long the import has stood ready.
func (p *played) look(now time.Time) {
	op, _ := p.Operation()
	if op.Step != rocketchatsim.StepUserSelection || !op.Valid {
		p.readySince = time.Time{}
		return
	}
	if p.readySince.IsZero() {
		p.readySince = now
	}
	p.ready = max(p.ready, now.Sub(p.readySince))
}

func (s *soak) run(ctx context.Context, h *host, b binaries) {
	s.names = slices.Concat(names("plays", workspaces-hanging-refusing), names(hangs, hanging), names(refuses, refusing), []string{"added"})
	s.play(h)
	file := filepath.Join(filepath.Dir(b.exporter), "workspaces.yml")
	h.writeConfig(file, s.names[:workspaces])
	s.exporter = start(ctx, b.exporter, nil, "--config.file="+file, "--web.enable-lifecycle")
	defer s.exporter.Stop()
	for range replicas {
		s.clients = append(s.clients, &http.Client{Timeout: scrapeTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: workspaces}})
	}
	s.scrapeFor(ctx, s.names[:workspaces], soakTime/2)
	// Half-way, a new workspace takes the place of the first.
	h.writeConfig(file, s.names[1:])
	must(http.Post(s.exporter.url+"/-/reload", "", nil)).Body.Close()
	s.scrapeFor(ctx, s.names[1:], soakTime/2)

	s.scrapers.Wait()
	for _, client := range s.clients {
		client.CloseIdleConnections()
	}
	time.Sleep(scrapeTimeout) // what was under way ends
	s.last, _ = s.exporter.scrape(ctx)
	harmed := 0
	for _, p := range s.played {
		harmed += p.Destructive()
	}
	s.report(harmed)
}

// play starts the workspaces, whose imports differ. A quarter stands ready for 71 seconds.
func (s *soak) play(h *host) {
	s.notSent = map[string]float64{}
	speeds := []float64{0.28, 0.5, 1, 2}
	scripts := []rocketchatsim.Script{
		rocketchatsim.Slack(), rocketchatsim.Stall(time.Minute), rocketchatsim.Restart(), rocketchatsim.Failure(),
	}
	generations := rocketchatsim.Generations()
	for i, name := range s.names {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: generations[i%len(generations)], BasePath: "/" + name})
		sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		sim.Start(scripts[i/4%len(scripts)], speeds[i/16%len(speeds)]+float64(i%20)/1000)
		iso := i%len(generations) >= 2
		s.played = append(s.played, &played{Server: sim, read: iso && strings.HasPrefix(name, "plays")})
		h.add(name, sim)
		switch {
		case strings.HasPrefix(name, hangs):
			h.mux.HandleFunc("/"+name+"/api/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		case strings.HasPrefix(name, refuses):
			sim.SetToken(userID, "another")
		}
	}
}

// scrapeFor has every replica scrape each target once in each interval, spread over it, and looks at the
// exporter each second. A scrape that has begun may end later.
func (s *soak) scrapeFor(ctx context.Context, targets []string, duration time.Duration) {
	var loops sync.WaitGroup
	defer loops.Wait()
	for r, client := range s.clients {
		loops.Go(func() {
			tick := time.NewTicker(interval / workspaces)
			defer tick.Stop()
			for i := range int(duration / (interval / workspaces)) {
				if <-tick.C; ctx.Err() != nil {
					return
				}
				s.scrapers.Go(func() { s.scrape(client, targets[(i+r*workspaces/replicas/2)%workspaces]) })
			}
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(duration); time.Now().Before(end); <-tick.C {
		s.last, _ = s.exporter.scrape(ctx)
		s.rss = append(s.rss, sample(s.last, rssMetric))
		for _, p := range s.played {
			p.look(time.Now())
		}
		if s.early == "" && time.Since(s.exporter.started) > interval+scrapeTimeout {
			s.early = s.last
		}
	}
}

// scrape fails for a target that the exporter should know since it has read its file again.
func (s *soak) scrape(client *http.Client, target string) {
	page, took, err := get(context.Background(), client, s.exporter.url+"/probe?target="+target)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notSent[target] = sample(page, `rocketchat_import_selection_reads_total{result="not_sent"}`)
	if strings.HasPrefix(target, hangs) {
		s.bad = append(s.bad, took)
	} else {
		s.well = append(s.well, took)
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// reportReads prints how many imports were read, and fails if they are too few.
func (s *soak) reportReads() {
	reads, ready, read, notSent := 0, 0, 0, 0.0
	for _, p := range s.played {
		n := p.Requests(rocketchatsim.GetImportFileData)
		if reads += n; p.read && p.ready >= readyFor {
			ready++
			read += min(n, 1)
		}
	}
	for _, n := range s.notSent {
		notSent += n
	}
	printRow("reads of a selection", fmt.Sprintf("%d, and %.0f that were not sent", reads, notSent))
	printRow(fmt.Sprintf("imports from 6.3 on that stood ready for %s", readyFor), fmt.Sprintf("%d, of which %d were read", ready, read))
	s.ensure(ready >= minReady && float64(read) >= readPart*float64(ready), "too few imports were read")
}

// ensure makes the soak fail with a text, unless ok.
func (s *soak) ensure(ok bool, text string) {
	if !ok {
		s.errs = append(s.errs, errors.New(text))
	}
}

// report prints the figures, and fails if one is out of bounds.
func (s *soak) report(harmed int) {
	var minutes []float64
	var shown []string
	for minute := range slices.Chunk(s.rss, 60) {
		if len(minute) < 30 {
			break // too few for a mean
		}
		mean := 0.0
		for _, rss := range minute {
			mean += rss / float64(len(minute))
		}
		minutes, shown = append(minutes, mean), append(shown, mebibytes(mean))
	}
	printTable("Many workspaces", fmt.Sprintf("%d workspaces (%d hang, %d refuse the token), %d replicas, every %s for %s.",
		workspaces, hanging, refusing, replicas, interval, soakTime), "", "")
	printRow("scrapes", fmt.Sprintf("%s, of which %d were not answered with 200 within %s", thousands(len(s.well)+len(s.bad)), len(s.errs), scrapeTimeout))
	printRow("latency", fmt.Sprintf("p50 %s, p99 %s, at most %s", milliseconds(s.well.at(0.5)), milliseconds(s.well.at(0.99)), milliseconds(s.well.at(1))))
	printRow("latency of the workspaces that hang", fmt.Sprintf("p50 %s, at most %s", milliseconds(s.bad.at(0.5)), milliseconds(s.bad.at(1))))
	printRow("resident memory, mean of each minute", strings.Join(shown, ", "))
	for _, metric := range []string{"process_open_fds", "go_goroutines"} {
		printRow("`"+metric+"`", fmt.Sprintf("%.0f after the first round of scrapes, %.0f at the end", sample(s.early, metric), sample(s.last, metric)))
		s.ensure(sample(s.last, metric) <= sample(s.early, metric)+handleSlack, metric+" grew")
	}
	s.reportReads()
	printRow("calls that harmed an import", fmt.Sprint(harmed))
	s.ensure(minutes[len(minutes)-1] <= minutes[1]*memoryGrowth+memorySlack, "memory grew after the first minute")
	s.ensure(harmed == 0, "an import was harmed")
	check(errors.Join(s.errs...))
}
