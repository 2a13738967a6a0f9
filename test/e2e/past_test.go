package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// rememberPast makes a database for Prometheus with the past of the workspaces.
func rememberPast(t *testing.T, dir string, workspaces map[string]*workspace) {
	t.Helper()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	require.NoError(t, err)
	appender := db.Appender(t.Context())
	for _, w := range workspaces {
		for _, s := range w.past {
			appendScrape(t, appender, s, w.name)
		}
	}
	require.NoError(t, errors.Join(appender.Commit(), db.Close()))
}

func appendScrape(t *testing.T, appender storage.Appender, s scrape, instance string) {
	t.Helper()
	parser := textparse.NewPromParser(s.text, labels.NewSymbolTable(), false)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		parser.Labels(&l)
		_, _, value := parser.Series()
		l = labels.NewBuilder(l).Set("job", "rocketchat_import").Set("instance", instance).Labels()
		_, err = appender.Append(0, l, s.at.UnixMilli(), value)
		require.NoError(t, err)
	}
}

// startVictoriaMetrics starts a VictoriaMetrics that scrapes what Prometheus does
// and has the same past, and a vmalert that evaluates the same rules. dir is that of
// Prometheus's configuration.
func startVictoriaMetrics(t *testing.T, dir string, workspaces map[string]*workspace) v1.API {
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
	for _, w := range workspaces {
		for _, s := range w.past {
			query := url.Values{
				"timestamp":   {strconv.FormatInt(s.at.UnixMilli(), 10)},
				"extra_label": {"job=rocketchat_import", "instance=" + w.name},
			}
			response, err := http.Post(database+"/api/v1/import/prometheus?"+query.Encode(), "text/plain", bytes.NewReader(s.text))
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, http.StatusNoContent, response.StatusCode)
		}
	}
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
