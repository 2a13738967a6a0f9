package collector

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestScrapeLimit(t *testing.T) {
	const most = 86400*time.Second - 500*time.Millisecond
	for header, want := range map[string]time.Duration{
		"10": 9500 * time.Millisecond, "0.75": 250 * time.Millisecond, "1e9": most, "+Inf": most,
		"0.5": -1, "0": -1, "-10": -1, "-Inf": -1, "NaN": 0, "10s": 0, "": 0, "1e9999": 0,
	} {
		assert.Equal(t, want, scrapeLimit(http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {header}}), header)
	}
}

func TestScrapeAnswersBeforePrometheusGivesUp(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	metrics := r.get(http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"0.6"}}) // would take 10 s without the header
	assert.Contains(t, metrics, "\nrocketchat_import_scrape_failures_total{reason=\"timeout\"} 1\n")
	assert.False(t, r.watcher.Status().Failing, "the call goes on")
}

// A scraper that gives up earlier than it says would otherwise be logged, and
// counted as an error of the exporter, at every scrape.
func TestScraperThatHangsUpBeforeTheMetricsAreWrittenIsNotLogged(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	for _, gone := range []bool{true, false} {
		ctx, hangUp := context.WithCancel(t.Context())
		if gone {
			hangUp()
		}
		defer hangUp()
		var logged bytes.Buffer
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		Serve(brokenPipe{httptest.NewRecorder()}, req, r.watcher, r.api, nil, log.NewLogfmtLogger(&logged))
		assert.Equal(t, gone, logged.Len() == 0, logged.String())
	}
}

// brokenPipe is a connection that the other side has closed.
type brokenPipe struct{ http.ResponseWriter }

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestAMetricThatCannotBeCollectedIsLoggedAndHidesNoOther(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	registry, answer := prometheus.NewRegistry(), httptest.NewRecorder()
	registry.MustRegister(broken{})
	var logged bytes.Buffer
	for range 2 { // the second shows what the first counted
		answer = httptest.NewRecorder()
		Serve(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil), r.watcher, r.api, registry, log.NewLogfmtLogger(&logged))
	}
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Contains(t, answer.Body.String(), "\nrocketchat_import_up 1\n")
	assert.Contains(t, answer.Body.String(), `promhttp_metric_handler_errors_total{cause="gathering"} 1`)
	assert.Contains(t, logged.String(), "out of order")
}

// broken collects a metric that has no value.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.NewInvalidMetric(always[0].Desc, errors.New("out of order"))
}

func TestALaterScrapeAllocatesNoMoreThanAnEarlyOne(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	scrape := func() { r.get(http.Header{}) }
	testing.AllocsPerRun(20, scrape) // sets up what is set up once, the selection being read among it
	early := testing.AllocsPerRun(50, scrape)
	testing.AllocsPerRun(200, scrape)
	late := testing.AllocsPerRun(50, scrape)
	// The connection's goroutines make the numbers differ by a few.
	assert.LessOrEqual(t, late, early*1.05)
}

func TestAScrapeThatRocketChatIsNotAskedForAllocatesForItsExpositionAlone(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(w *config.Workspace) { w.MinInterval = w.Timeout })
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	r.scrape()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { r.scrape() }), 20.0)
	assert.Equal(t, 1, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation))
}
