package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"rocketchat_import_exporter/internal/process"
)

// binaries are the paths of the programs that are measured.
type binaries struct{ exporter, naive string }

// build builds the exporter as "make build" does, and the naive one.
func build(ctx context.Context, dir string) binaries {
	check(os.Setenv("CGO_ENABLED", "0"))
	return binaries{
		exporter: must(process.Build(ctx, dir, "rocketchat_import_exporter", "-C", "..", "-trimpath", "-ldflags=-s -w")),
		naive:    must(process.Build(ctx, dir, "rocketchat_import_exporter/test/bench/naive")),
	}
}

// exporter is an exporter at work: this one or the naive one.
type exporter struct {
	*process.Process
	url     string
	started time.Time
}

// watch starts a program that watches one workspace.
func watch(ctx context.Context, binary, workspace string, args ...string) *exporter {
	args = append(args, "--rocketchat.url="+workspace, "--rocketchat.user-id="+userID)
	return start(ctx, binary, []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, args...)
}

// start starts a program and returns once it answers.
func start(ctx context.Context, binary string, env []string, args ...string) *exporter {
	env = append(env, "ROCKETCHAT_IMPORT_EXPORTER_LOG_LEVEL=error")
	started := time.Now()
	p, url, err := process.StartServer(ctx, "127.0.0.1:0", filepath.Base(binary), env, binary, args...)
	check(err)
	return &exporter{p, url, started}
}

// scrape returns the exporter's own metrics, with those of its one workspace.
func (e *exporter) scrape(ctx context.Context) (metrics string, took time.Duration) {
	metrics, took, err := get(ctx, http.DefaultClient, e.url+"/metrics")
	check(err)
	return metrics, took
}

// get returns a page and how long it took. As Prometheus does, it names the client's timeout.
func get(ctx context.Context, client *http.Client, url string) (page string, took time.Duration, err error) {
	start := time.Now()
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, url, nil))
	if client.Timeout > 0 {
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(client.Timeout.Seconds()))
	}
	response, err := client.Do(request)
	if err != nil {
		return "", time.Since(start), err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return string(body), time.Since(start), err
}

// rssMetric shows how much memory a process has, in bytes.
const rssMetric = "process_resident_memory_bytes"

// sample is the value of a metric without labels, or 0.
func sample(metrics, name string) float64 {
	for line := range strings.Lines(metrics) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return value
		}
	}
	return 0
}

// peakMemory is the most memory that the process has had, in bytes.
func (e *exporter) peakMemory() int {
	return int(must(must(procfs.NewProc(e.PID())).NewStatus()).VmHWM)
}

// cpuTime is how long the threads of the process have run.
func (e *exporter) cpuTime() (total time.Duration) {
	for _, thread := range must(procfs.AllThreads(e.PID())) {
		total += time.Duration(must(thread.Schedstat()).RunningNanoseconds)
	}
	return total
}
