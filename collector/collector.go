// Package collector shows a workspace's newest import to Prometheus. A
// [Workspace] takes snapshots of it; policy.go alone says when the selection
// may be read for one; a [Collector] gives a snapshot its names.
package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rocketchat_import_exporter/client"
)

// Collector is the [prometheus.Collector] of one scrape: each Collect takes a
// snapshot of the workspace and makes metrics of it. It is safe for concurrent
// use.
type Collector struct {
	ctx       context.Context
	limit     time.Duration
	workspace *Workspace
	calls     *Calls
}

// NewCollector returns the collector of a scrape that waits for limit at most,
// as [Workspace.Scrape] does, and ends with ctx.
func NewCollector(ctx context.Context, limit time.Duration, w *Workspace, calls *Calls) *Collector {
	return &Collector{ctx: ctx, limit: limit, workspace: w, calls: calls}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions() {
		ch <- d
	}
	c.calls.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	snapshot := c.workspace.Scrape(c.ctx, c.limit)
	e := exposition{ch}
	e.scrape(snapshot)
	e.position(snapshot)
	if snapshot.Operation != nil {
		e.operation(snapshot.Operation)
	}
	if snapshot.Selection != nil {
		e.selection(snapshot.Selection)
	}
	c.calls.Collect(ch) // after the snapshot, so that its own calls are counted
}

// exposition makes metrics of what a snapshot knows, and none of what it does
// not know.
type exposition struct{ ch chan<- prometheus.Metric }

// scrape shows what is there whatever Rocket.Chat answers.
func (e exposition) scrape(s Snapshot) {
	e.gauge(upDesc, truth(s.Up))
	e.gauge(authFailureDesc, truth(s.Unauthorized), string(client.Unauthorized))
	e.gauge(authFailureDesc, truth(s.Forbidden), string(client.Forbidden))
	for _, reason := range client.Reasons() {
		e.ch <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(s.Failures[reason]), string(reason))
	}
	e.gauge(durationDesc, s.Duration.Seconds())
}

// position shows how far the import is.
func (e exposition) position(s Snapshot) {
	if !s.Up {
		return
	}
	e.gauge(waitingDesc, truth(s.Waiting))
	if s.StateKnown {
		for _, state := range client.States() {
			e.gauge(stateDesc, truth(state == s.State), string(state))
		}
	}
	if !s.StepKnown {
		return
	}
	var current client.Step
	if s.Operation != nil {
		current = s.Operation.Step
	}
	for _, step := range client.Steps() {
		e.gauge(stepDesc, truth(step == current), string(step))
	}
	if current != "" && !current.Known() {
		e.gauge(stepDesc, 1, string(current))
	}
}

// operation shows the operation's record.
func (e exposition) operation(op *client.Operation) {
	e.gauge(operationInfoDesc, 1, op.ID, op.Importer, op.Type)
	e.gauge(operationValidDesc, truth(op.Valid))
	e.time(operationCreatedDesc, op.Created)
	e.time(operationUpdatedDesc, op.Updated)
	e.number(operationRecordsDesc, op.Count.Users, "users")
	e.number(operationRecordsDesc, op.Count.Channels, "channels")
	e.number(operationRecordsDesc, op.Count.Messages, "messages")
	e.number(operationRecordsDesc, op.Count.Contacts, "contacts")

	completed := op.Count.Completed
	if op.Count.Total.Known {
		completed.Known = true // the server leaves it out until something is completed
	}
	e.number(recordsExpectedDesc, op.Count.Total)
	e.number(recordsCompletedDesc, completed)
	e.number(recordsFailedDesc, op.Count.Error)
}

// selection shows what is staged.
func (e exposition) selection(s *client.Selection) {
	e.gauge(usersDesc, float64(s.Users))
	e.gauge(channelsDesc, float64(s.Channels))
	e.gauge(messagesDesc, float64(s.Messages))
	e.number(contactsDesc, s.Contacts)
	e.gauge(usersByFlagDesc, float64(s.UsersDeleted), "deleted")
	e.gauge(usersByFlagDesc, float64(s.UsersBot), "bot")
	e.gauge(usersByFlagDesc, float64(s.UsersEmailTaken), "email_taken")
	e.gauge(usersByFlagDesc, float64(s.UsersExcluded), "excluded")
	e.gauge(channelsByFlagDesc, float64(s.ChannelsArchived), "archived")
	e.gauge(channelsByFlagDesc, float64(s.ChannelsPrivate), "private")
	e.gauge(channelsByFlagDesc, float64(s.ChannelsDirect), "direct")
	e.gauge(channelsByFlagDesc, float64(s.ChannelsExcluded), "excluded")
}

func (e exposition) gauge(d *prometheus.Desc, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (e exposition) number(d *prometheus.Desc, n client.Number, labels ...string) {
	if n.Known {
		e.gauge(d, float64(n.Value), labels...)
	}
}

func (e exposition) time(d *prometheus.Desc, t time.Time) {
	if !t.IsZero() {
		e.gauge(d, float64(t.UnixMilli())/1000)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
