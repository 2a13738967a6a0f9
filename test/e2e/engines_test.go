package e2e

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scrapeInterval is also that of evaluations.
const scrapeInterval = time.Minute / speed

// newClient asks a Prometheus, or what answers as one does.
func newClient(t *testing.T, url string) v1.API {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: url})
	require.NoError(t, err)
	return v1.NewAPI(client)
}

func ask(t require.TestingT, engine v1.API, query string) model.Value {
	value, _, _, err := engine.Query(context.Background(), query, time.Now())
	require.NoError(t, err, query)
	return value
}

// awaitData waits until the query has a result.
func awaitData(t *testing.T, engine v1.API, query string) {
	t.Helper()
	eventually(t, "data for "+query, func(c *assert.CollectT) {
		assert.NotEmpty(c, seriesOf(ask(c, engine, query)))
	})
}

// seriesOf are the series of a result that have at least one number.
func seriesOf(value model.Value) (series []model.Metric) {
	switch value := value.(type) {
	case model.Vector:
		for _, s := range value {
			if !math.IsNaN(float64(s.Value)) {
				series = append(series, s.Metric)
			}
		}
	case model.Matrix:
		for _, s := range value {
			if slices.ContainsFunc(s.Values, func(p model.SamplePair) bool { return !math.IsNaN(float64(p.Value)) }) {
				series = append(series, s.Metric)
			}
		}
	}
	return series
}

// firedAlerts are the labels of all alerts that ever fired, as the engine recorded them.
func firedAlerts(t require.TestingT, engine v1.API) (fired []model.LabelSet) {
	for _, series := range seriesOf(ask(t, engine, `count_over_time(ALERTS{alertstate="firing"}[1h])`)) {
		delete(series, "alertstate")
		fired = append(fired, model.LabelSet(series))
	}
	return fired
}

// awaitHealthyRules waits until every rule was evaluated without error, and returns
// the names of the alerts.
func awaitHealthyRules(t *testing.T, prometheus v1.API) (alerts []string) {
	t.Helper()
	eventually(t, "healthy rules", func(c *assert.CollectT) {
		result, err := prometheus.Rules(t.Context(), nil)
		require.NoError(c, err)
		alerts = nil
		for _, group := range result.Groups {
			for _, rule := range group.Rules {
				switch rule := rule.(type) {
				case v1.AlertingRule:
					assert.EqualValues(c, v1.RuleHealthGood, rule.Health, rule.LastError)
					alerts = append(alerts, rule.Name)
				case v1.RecordingRule:
					assert.EqualValues(c, v1.RuleHealthGood, rule.Health, rule.LastError)
				}
			}
		}
		assert.NotEmpty(c, alerts)
	})
	return alerts
}

// startVictoriaMetrics starts a VictoriaMetrics that scrapes what Prometheus does
// and has a past, and a vmalert that evaluates the same rules. dir is that of
// Prometheus's configuration.
func startVictoriaMetrics(t *testing.T, dir, past string) v1.API {
	t.Helper()
	runThere := func(name string, args ...string) string {
		address := freeAddress(t)
		run(t, "http://"+address+"/health", nil, filepath.Join(bin, name), append(args,
			"-httpListenAddr="+address, "-http.maxGracefulShutdownDuration=100ms", "-loggerLevel=WARN")...)
		return "http://" + address
	}
	database := runThere("victoria-metrics",
		"-storageDataPath="+filepath.Join(dir, "victoria-metrics"),
		"-promscrape.config="+filepath.Join(dir, "prometheus.yml"),
		"-promscrape.config.strictParse=false", // the file is for Prometheus
		"-promscrape.suppressScrapeErrors",
		"-search.latencyOffset=0s",
		"-inmemoryDataFlushInterval=1s",
	)
	response, err := http.Post(database+"/api/v1/import/prometheus", "text/plain", strings.NewReader(past))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusNoContent, response.StatusCode)
	runThere("vmalert",
		"-rule="+filepath.Join(dir, "*.rules.yml"),
		"-datasource.url="+database,
		"-remoteWrite.url="+database,
		"-remoteWrite.flushInterval=100ms",
		fmt.Sprintf("-evaluationInterval=%s", scrapeInterval),
		"-rule.evalDelay=0s",
		"-disableAlertgroupLabel",
		"-notifier.blackhole",
	)
	return newClient(t, database)
}
