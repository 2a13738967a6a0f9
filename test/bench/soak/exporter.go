package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/process"
)

// exporter is the exporter's own binary at work.
type exporter struct {
	*process.Process
	url string
}

// startExporter builds it and starts it with the file in dir. It returns once
// it answers.
func startExporter(ctx context.Context, dir string) (*exporter, error) {
	binary, err := process.Build(ctx, dir, "rocketchat_import_exporter")
	if err != nil {
		return nil, err
	}
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p, err := process.Start("the exporter", nil, binary,
		"--config.file="+filepath.Join(dir, "config.yml"), "--web.enable-lifecycle", "--web.listen-address="+address)
	if err != nil {
		return nil, err
	}
	e := &exporter{Process: p, url: "http://" + address}
	if err := e.AwaitOK(ctx, e.url+"/-/ready"); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// reload has it read its file again.
func (e *exporter) reload() error {
	resp, err := http.Post(e.url+"/-/reload", "", nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reloading: %s", resp.Status)
	}
	return nil
}

// handles are what a process has, and may leave behind.
type handles struct {
	descriptors, goroutines int
	rss                     float64 // bytes
}

// samples is what was seen of the exporter.
type samples struct {
	early handles // after the first round of scrapes
	rss   []float64
	every time.Duration
}

// sample looks at the exporter for as long as the plan lasts.
func (e *exporter) sample(ctx context.Context, p plan) <-chan samples {
	result := make(chan samples, 1)
	go func() {
		s := samples{every: time.Second}
		end := time.Now().Add(p.duration)
		firstRound := time.Now().Add(p.interval + scrapeTimeout)
		for time.Now().Before(end) && wait(ctx, s.every) == nil {
			now, err := e.handles(ctx)
			if err != nil {
				break // what ended it shows in the scrapes
			}
			s.rss = append(s.rss, now.rss)
			if s.early == (handles{}) && time.Now().After(firstRound) {
				s.early = now
			}
		}
		result <- s
	}()
	return result
}

// meanRSS is the mean of each minute, in bytes.
func (s samples) meanRSS() (minutes []float64) {
	perMinute := int(time.Minute / s.every)
	for from := 0; from < len(s.rss); from += perMinute {
		part := s.rss[from:min(from+perMinute, len(s.rss))]
		if len(part) < perMinute/2 {
			break
		}
		var sum float64
		for _, rss := range part {
			sum += rss
		}
		minutes = append(minutes, sum/float64(len(part)))
	}
	return minutes
}

// handles reads the exporter's own metrics.
func (e *exporter) handles(ctx context.Context) (h handles, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/metrics", nil)
	if err != nil {
		return h, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "process_open_fds":
			h.descriptors = int(n)
		case "go_goroutines":
			h.goroutines = int(n)
		case "process_resident_memory_bytes":
			h.rss = n
		}
	}
	return h, nil
}

// handlesOnceIdle reads them once what was under way has ended, for which it
// waits a scrape's time at most.
func (e *exporter) handlesOnceIdle(ctx context.Context, early handles) (h handles, err error) {
	for range 2 * int(scrapeTimeout/time.Second) {
		if h, err = e.handles(ctx); err != nil {
			return h, err
		}
		if h.descriptors <= early.descriptors && h.goroutines <= early.goroutines {
			break
		}
		if err := wait(ctx, time.Second); err != nil {
			return h, err
		}
	}
	return h, nil
}
