// Package collector exposes a workspace's newest import to Prometheus: it turns
// snapshots of package watch into metrics. It decides nothing about the import.
package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
