// Package collector exposes a workspace's newest import to Prometheus: it turns
// snapshots of package watch into metrics. It decides nothing about the import.
package collector

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rocketchat_import_exporter/internal/watch"
)

// collector is the [prometheus.Collector] of one scrape: Collect takes a snapshot of the workspace,
// as [watch.Watcher.Scrape] does with ctx and limit, and turns it into metrics.
type collector struct {
	ctx     context.Context
	limit   time.Duration
	watcher *watch.Watcher
}

// Describe implements [prometheus.Collector].
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, metrics := range [][]metric{always, named, answered, position, operation, selection} {
		for _, m := range metrics {
			ch <- m.Desc
		}
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.watcher.Scrape(c.ctx, c.limit)
	send := func(metrics []metric, known bool) {
		for _, m := range metrics {
			if known {
				m.send(samples{m.Desc, ch}, s)
			}
		}
	}
	send(always, true)
	send(named, s.InstancesKnown)
	send(answered, s.Up)
	send(position, s.PositionKnown)
	send(operation, s.Operation != nil)
	send(selection, s.Selection != nil)
}

// Serve answers one scrape with a snapshot of w and, unless registry is nil, with the metrics of
// the exporter itself. It answers 200 whatever Rocket.Chat does.
func Serve(rw http.ResponseWriter, r *http.Request, w *watch.Watcher, api *API, registry *prometheus.Registry, logger log.Logger) {
	options := promhttp.HandlerOpts{
		ErrorLog: errorLog{logger}, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
		// An answer is 20 kB. To compress it would take a quarter of the time of
		// a scrape, and most of a megabyte for each scrape under way.
		DisableCompression: true,
	}
	snapshot := prometheus.NewRegistry()
	snapshot.MustRegister(collector{r.Context(), scrapeLimit(r.Header), w})
	gatherers := prometheus.Gatherers{snapshot, api.registry} // in this order, so that the snapshot's calls are counted
	if registry != nil {
		options.Registry = registry
		gatherers = append(gatherers, registry)
	}
	promhttp.HandlerFor(gatherers, options).ServeHTTP(scraper{rw, r.Context()}, r)
}

// scraper drops write errors once the client is gone; otherwise promhttp would
// log and count them as ours.
type scraper struct {
	http.ResponseWriter
	ctx context.Context
}

func (s scraper) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	if err != nil && s.ctx.Err() != nil {
		return len(p), nil
	}
	return n, err
}

// scrapeLimit is how long a scrape may take, so that its answer reaches Prometheus in time; 0 if the
// request does not say, and negative if there is no time to wait.
func scrapeLimit(h http.Header) time.Duration {
	const (
		margin = 0.5   // seconds for the way back
		most   = 86400 // seconds; more would not fit a Duration
	)
	seconds, err := strconv.ParseFloat(h.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	switch {
	case err != nil || math.IsNaN(seconds):
		return 0
	case seconds <= margin:
		return -1
	default:
		return time.Duration((min(seconds, most) - margin) * float64(time.Second))
	}
}

// errorLog hands the errors of promhttp to a go-kit logger.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	level.Error(l.logger).Log("msg", "some metrics could not be collected", "err", fmt.Sprint(v...))
}
