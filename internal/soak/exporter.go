package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exporter is the exporter's own binary at work.
type exporter struct {
	url     string
	command *exec.Cmd
}

// startExporter builds it and starts it with the file in dir. It returns once
// it answers.
func startExporter(ctx context.Context, dir string) (*exporter, error) {
	binary := filepath.Join(dir, "rocketchat_import_exporter")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "rocketchat_import_exporter")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the exporter: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	listener.Close()
	e := &exporter{url: "http://" + address}
	e.command = exec.Command(binary, "--config.file="+filepath.Join(dir, "config.yml"), "--web.listen-address="+address)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	e.command.Stderr = log
	if err := e.command.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if resp, err := http.Get(e.url + "/-/ready"); err == nil {
			return e, resp.Body.Close()
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			break
		}
	}
	e.stop()
	return nil, fmt.Errorf("the exporter does not answer")
}

func (e *exporter) reload() error { return e.command.Process.Signal(syscall.SIGHUP) }

func (e *exporter) stop() {
	e.command.Process.Signal(syscall.SIGTERM)
	e.command.Wait()
}

// handles are what a process may leave behind.
type handles struct{ descriptors, goroutines int }

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
			s.rss = append(s.rss, e.rss())
			if s.early == (handles{}) && time.Now().After(firstRound) {
				s.early, _ = e.handles(ctx)
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

// rss is the resident memory in bytes; 0 if it cannot be read.
func (e *exporter) rss() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kilobytes)[0], 64)
			return n * 1024
		}
	}
	return 0
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
