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
	"github.com/prometheus/prometheus/tsdb"

	"rocketchat_import_exporter/demo/process"
)

// rememberPast makes a database for Prometheus with the past of the workspaces.
func rememberPast(t *testing.T, dir string, workspaces map[string]*workspace) {
	t.Helper()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	appender := db.Appender(t.Context())
	for _, w := range workspaces {
		for _, s := range w.past {
			if err := appendScrape(s, w.name, func(l labels.Labels, value float64) error {
				_, err := appender.Append(0, l, s.at.UnixMilli(), value)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(appender.Commit(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// appendScrape calls add for each sample of a scrape.
func appendScrape(s scrape, instance string, add func(labels.Labels, float64) error) error {
	parser := textparse.NewPromParser(s.text, labels.NewSymbolTable(), false)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		parser.Labels(&l)
		_, _, value := parser.Series()
		if err := add(labels.NewBuilder(l).Set("job", "rocketchat_import").Set("instance", instance).Labels(), value); err != nil {
			return err
		}
	}
}

// startVictoriaMetrics starts a VictoriaMetrics that scrapes what Prometheus does
// and has the same past, and a vmalert that evaluates the same rules. dir is that of
// Prometheus's configuration.
func startVictoriaMetrics(t *testing.T, dir string, workspaces map[string]*workspace) v1.API {
	t.Helper()
	run := func(name string, args ...string) string {
		address, err := process.FreeAddress("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		program, err := process.Start(name, nil, filepath.Join(bin, name), append(args,
			"-httpListenAddr="+address, "-http.maxGracefulShutdownDuration=100ms", "-loggerLevel=WARN")...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			program.Stop()
			showOutput(t, name, program)
		})
		if err := program.AwaitOK(t.Context(), "http://"+address+"/health"); err != nil {
			t.Fatal(err)
		}
		return "http://" + address
	}
	database := run("victoria-metrics",
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
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				database+"/api/v1/import/prometheus?"+query.Encode(), bytes.NewReader(s.text))
			if err != nil {
				t.Fatal(err)
			}
			do(t, request)
		}
	}
	run("vmalert",
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
