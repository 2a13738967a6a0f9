package collector

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler answers scrapes with a snapshot of w and, unless own is nil, with
// what own gathers of the exporter itself. It answers 200 whatever Rocket.Chat
// does.
func Handler(w *Workspace, calls *Calls, own *prometheus.Registry, logger log.Logger) http.Handler {
	options := promhttp.HandlerOpts{
		ErrorLog: errorLog{logger}, ErrorHandling: promhttp.ContinueOnError,
		// An answer is 20 kB. To compress it would take a quarter of the time of
		// a scrape, and most of a megabyte for each scrape under way.
		DisableCompression: true,
	}
	if own != nil {
		options.Registry = own
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		snapshot := prometheus.NewRegistry()
		snapshot.MustRegister(NewCollector(r.Context(), scrapeLimit(r.Header), w, calls))
		gatherers := prometheus.Gatherers{snapshot}
		if own != nil {
			gatherers = append(gatherers, own)
		}
		promhttp.HandlerFor(gatherers, options).ServeHTTP(scraper{rw, r.Context()}, r)
	})
}

// scraper writes to who asked for the metrics. That it has hung up is no
// failure of the exporter, for promhttp to log and to count.
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

// scrapeLimit is how long a scrape may take for its answer to reach Prometheus
// before that gives up; 0 where the request does not say.
func scrapeLimit(h http.Header) time.Duration {
	const (
		margin = 0.5   // seconds for the way back
		most   = 86400 // seconds; more would not fit a Duration
	)
	seconds, err := strconv.ParseFloat(h.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || !(seconds > margin) { // not a number is not above it either
		return 0
	}
	return time.Duration((min(seconds, most) - margin) * float64(time.Second))
}

// errorLog gives the errors of promhttp to a go-kit logger.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	level.Error(l.logger).Log("msg", "not all metrics could be shown", "err", fmt.Sprint(v...))
}
