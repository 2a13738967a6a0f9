package collector

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestScrapeLimit(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"10":     9500 * time.Millisecond,
		"0.75":   250 * time.Millisecond,
		"1e9":    86400*time.Second - 500*time.Millisecond,
		"+Inf":   86400*time.Second - 500*time.Millisecond,
		"0.5":    0,
		"0":      0,
		"-10":    0,
		"NaN":    0,
		"10s":    0,
		"soon":   0,
		"":       0,
		"1e9999": 0,
	} {
		t.Run(header, func(t *testing.T) {
			h := http.Header{}
			h.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
			if got := scrapeLimit(h); got != want {
				t.Errorf("the limit is %v, want %v", got, want)
			}
		})
	}
}

func TestScrapeAnswersBeforePrometheusGivesUp(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	_, release := r.sim.Hold(rocketchatsim.GetCurrentImportOperation)
	t.Cleanup(release)
	req, err := http.NewRequest(http.MethodGet, r.metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.6")
	resp, err := http.DefaultClient.Do(req) // would take 10 s without the header
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/metrics answers %s", resp.Status)
	}
	if failure := r.watcher.Status().Failure; failure.Err == nil {
		t.Error("the scrape did not fail")
	}
}

func TestMetricsFollowPrometheusNaming(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(context.Background(), 0, r.watcher, r.api))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	if n, err := testutil.GatherAndCount(registry, "rocketchat_import_users", "rocketchat_import_operation_info", "rocketchat_import_api_requests_total"); n != 4 || err != nil {
		t.Errorf("only %d of the series were there to be looked at (%v)", n, err)
	}
}

func TestLabelsFromTheServerAreCut(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	op := operation(strings.Repeat("importer_", 50))
	op.Type = strings.Repeat("é", 100) // two bytes each
	r.place(op)
	samples := r.series()
	info := `operation_info{importer="slack",operation_id="6b052f5bf6f884453d01b94f",type="` + strings.Repeat("é", 64) + `"}`
	if samples[info] != 1 {
		t.Errorf("there is no %s", info)
	}
	step := `step{step="` + strings.Repeat("importer_", 50)[:128] + `"}`
	if samples[step] != 1 {
		t.Errorf("there is no %s", step)
	}
}

func TestControlCharactersFromTheServerAreReplaced(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	op := operation(rocketchatsim.StepDone)
	op.Type = "Slack\n\x1b[31m"
	r.place(op)
	if samples := r.series(); samples[`operation_info{importer="slack",operation_id="6b052f5bf6f884453d01b94f",type="Slack��[31m"}`] != 1 {
		t.Errorf("shown is %v", samples)
	}
}

func TestTextsThatAreNotUTF8DoNotFailTheScrape(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"operation":{"_id":"a","importerKey":"\ud83d","type":"` + "\xff" + `","status":"importer_done","valid":true},"success":true}`))
	})
	if samples := r.series(); samples[`operation_info{importer="�",operation_id="a",type="�"}`] != 1 {
		t.Errorf("shown is %v", samples)
	}
}

// A scraper that gives up earlier than it says would otherwise be logged, and
// counted as an error of the exporter, at every scrape.
func TestScraperThatHangsUpBeforeTheMetricsAreWrittenIsNotLogged(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepImportingUsers))
	for name, gone := range map[string]bool{"a scraper that hung up": true, "a connection that broke": false} {
		t.Run(name, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			if gone {
				hangUp()
			}
			defer hangUp()
			var logged bytes.Buffer
			req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
			Serve(brokenPipe{httptest.NewRecorder()}, req, r.watcher, r.api, nil, log.NewLogfmtLogger(&logged))
			if gone != (logged.Len() == 0) {
				t.Errorf("the log is %q", logged.String())
			}
		})
	}
}

// brokenPipe is a connection that the other side has closed.
type brokenPipe struct{ http.ResponseWriter }

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }
