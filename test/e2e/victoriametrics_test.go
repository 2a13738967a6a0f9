package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/require"
)

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
