// Package collector exposes a workspace's newest import to Prometheus: it turns
// snapshots of package watch into metrics. It decides nothing about the import.
package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// Collector is the [prometheus.Collector] of one scrape: Collect takes a snapshot of the workspace
// and turns it into metrics. It is safe for concurrent use.
type Collector struct {
	ctx     context.Context
	limit   time.Duration
	watcher *watch.Watcher
	api     *API
}

// NewCollector returns the collector of a scrape that waits for limit at most,
// as [watch.Watcher.Scrape] does, and ends with ctx.
func NewCollector(ctx context.Context, limit time.Duration, w *watch.Watcher, api *API) *Collector {
	return &Collector{ctx: ctx, limit: limit, watcher: w, api: api}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions() {
		ch <- d
	}
	c.api.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	snapshot := c.watcher.Scrape(c.ctx, c.limit)
	e := exposition{ch}
	e.scrape(snapshot)
	e.position(snapshot)
	if snapshot.Operation != nil {
		e.operation(snapshot.Operation)
		e.course(snapshot)
	}
	if snapshot.Selection != nil {
		e.selection(snapshot.Selection, !snapshot.WithoutFlags)
	}
	c.api.Collect(ch) // after the snapshot, so that its own calls are counted
}

// exposition turns what a snapshot knows into metrics. What it does not know is absent.
type exposition struct{ ch chan<- prometheus.Metric }

// scrape sends what every scrape has, whatever Rocket.Chat answers.
func (e exposition) scrape(s watch.Snapshot) {
	e.gauge(upDesc, boolToFloat(s.Up))
	e.gauge(authFailureDesc, boolToFloat(s.Unauthorized), string(client.Unauthorized))
	e.gauge(authFailureDesc, boolToFloat(s.Forbidden), string(client.Forbidden))
	for _, reason := range client.Reasons() {
		e.counter(failuresDesc, s.Failures[reason], string(reason))
	}
	for _, kind := range watch.Incidents() {
		e.counter(incidentsDesc, s.Incidents[kind], string(kind))
	}
	for _, result := range watch.ReadResults() {
		e.counter(readsDesc, s.Reads[result], string(result))
	}
	e.gauge(durationDesc, s.Duration.Seconds())
	if s.InstancesKnown {
		e.gauge(instancesDesc, float64(s.Instances))
		e.counter(instancesSeenDesc, s.NewInstances)
	}
}

// position sends how far the import is.
func (e exposition) position(s watch.Snapshot) {
	if !s.Up {
		return
	}
	e.time(serverTimeDesc, s.ServerTime)
	e.gauge(waitingDesc, boolToFloat(s.Waiting))
	if !s.PositionKnown {
		return
	}
	for _, state := range client.States() {
		e.gauge(stateDesc, boolToFloat(state == s.State), string(state))
	}
	var current client.Step
	if s.Operation != nil {
		current = s.Operation.Step
	}
	for _, step := range client.Steps() {
		e.gauge(stepDesc, boolToFloat(step == current), string(step))
	}
	if current != "" && !current.Known() {
		e.gauge(stepDesc, 1, string(current))
	}
}

// operation sends the operation's record.
func (e exposition) operation(op *client.Operation) {
	e.gauge(operationInfoDesc, 1, op.ID, op.Importer, op.Type)
	e.gauge(operationValidDesc, boolToFloat(op.Valid))
	e.time(operationCreatedDesc, op.Created)
	e.time(operationUpdatedDesc, op.Updated)
	e.count(operationRecordsDesc, op.Counts.Users, "users")
	e.count(operationRecordsDesc, op.Counts.Channels, "channels")
	e.count(operationRecordsDesc, op.Counts.Messages, "messages")
	e.count(operationRecordsDesc, op.Counts.Contacts, "contacts")

	completed := op.Counts.Completed
	if op.Counts.Total.Known {
		completed.Known = true // the server leaves it out until something is completed
	}
	e.count(recordsExpectedDesc, op.Counts.Total)
	e.count(recordsCompletedDesc, completed)
	e.count(recordsFailedDesc, op.Counts.Error)
}

// course sends what was seen of the operation.
func (e exposition) course(s watch.Snapshot) {
	e.gauge(operationFinishedDesc, boolToFloat(s.Finished()))
	e.time(operationStartedDesc, s.Started)
	for _, kind := range watch.Incidents() {
		if s.HasIncident(kind) {
			e.gauge(operationIncidentDesc, 1, string(kind), s.Operation.ID)
		}
	}
}

// selection sends what is staged, part by part, and the flags if they are known.
func (e exposition) selection(s *client.Selection, flags bool) {
	e.count(usersDesc, s.Users)
	e.count(channelsDesc, s.Channels)
	e.count(messagesDesc, s.Messages)
	e.count(contactsDesc, s.Contacts)
	if flags && s.Users.Known {
		e.gauge(usersFlaggedDesc, float64(s.UsersDeleted), "deleted")
		e.gauge(usersFlaggedDesc, float64(s.UsersBot), "bot")
		e.gauge(usersFlaggedDesc, float64(s.UsersEmailTaken), "email_taken")
		e.gauge(usersFlaggedDesc, float64(s.UsersExcluded), "excluded")
	}
	if flags && s.Channels.Known {
		e.gauge(channelsFlaggedDesc, float64(s.ChannelsArchived), "archived")
		e.gauge(channelsFlaggedDesc, float64(s.ChannelsPrivate), "private")
		e.gauge(channelsFlaggedDesc, float64(s.ChannelsDirect), "direct")
		e.gauge(channelsFlaggedDesc, float64(s.ChannelsExcluded), "excluded")
	}
}

func (e exposition) counter(d *prometheus.Desc, value uint64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func (e exposition) gauge(d *prometheus.Desc, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (e exposition) count(d *prometheus.Desc, n client.OptionalCount, labels ...string) {
	if n.Known {
		e.gauge(d, float64(n.Value), labels...)
	}
}

func (e exposition) time(d *prometheus.Desc, t time.Time) {
	if !t.IsZero() {
		e.gauge(d, float64(t.UnixMilli())/1000)
	}
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
