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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
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
		"":       0,
		"1e9999": 0,
	} {
		assert.Equal(t, want, scrapeLimit(http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {header}}), header)
	}
}

func TestScrapeAnswersBeforePrometheusGivesUp(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Hold(rocketchatsim.GetCurrentImportOperation)
	req, err := http.NewRequest(http.MethodGet, r.metrics, nil)
	require.NoError(t, err)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.6")
	resp, err := http.DefaultClient.Do(req) // would take 10 s without the header
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.ErrorContains(t, r.watcher.Status().Failure.Err, "within the time that Prometheus allows")
}

func TestMetricsFollowPrometheusNaming(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(context.Background(), 0, r.watcher, r.api))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
	n, err := testutil.GatherAndCount(registry, "rocketchat_import_users", "rocketchat_import_operation_info", "rocketchat_import_api_requests_total")
	require.NoError(t, err)
	assert.Equal(t, 4, n, "the series that were there to be looked at")
}

func TestTextsFromTheServerAreCutAndHaveNoControlCharacters(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	op := simtest.Operation(strings.Repeat("importer_", 50))
	op.Type = "Slack\n\x1b" + strings.Repeat("é", 100) // two bytes each
	r.Place(op)
	series := r.series()
	assert.Contains(t, series, `step{step="`+op.Step[:128]+`"}`)
	assert.Contains(t, series, `operation_info{importer="slack",operation_id="`+op.ID+`",type="Slack��`+strings.Repeat("é", 58)+`"}`)
}

func TestTextsThatAreNotUTF8DoNotFailTheScrape(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"operation":{"_id":"a","importerKey":"\ud83d","type":"` + "\xff" + `","status":"importer_done","valid":true},"success":true}`))
	})
	assert.Contains(t, r.series(), `operation_info{importer="�",operation_id="a",type="�"}`)
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
