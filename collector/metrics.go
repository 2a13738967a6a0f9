package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// metric is a metric of a snapshot, and how its samples are sent. Those of the exporter's own calls
// are in api.go.
type metric struct {
	*prometheus.Desc
	send func(samples, watch.Snapshot)
}

// always are the metrics of every snapshot, whatever Rocket.Chat answered.
var always = []metric{
	newMetric("up", "1 if Rocket.Chat gave a usable answer, including \"no import yet\"; 0 otherwise.",
		func(m samples, s watch.Snapshot) { m.bool(s.Up) }),
	newMetric("auth_failure", "1 if Rocket.Chat refused the last call for the operation or its selection: unauthorized (user id or token) or forbidden (permission run-import).",
		func(m samples, s watch.Snapshot) {
			m.bool(s.Unauthorized, string(client.Unauthorized))
			m.bool(s.Forbidden, string(client.Forbidden))
		}, "reason"),
	newMetric("scrape_failures_total",
		"Scrapes that could not show the import, by reason. It grows exactly where rocketchat_import_up is 0.",
		func(m samples, s watch.Snapshot) { counters(m, client.Reasons(), s.Failures) }, "reason"),
	newMetric("incidents_total", "Times that a running or finished import was set_back to an earlier step, or that a running import was aborted but called done.",
		func(m samples, s watch.Snapshot) { counters(m, watch.Incidents(), s.Incidents) }, "kind"),
	newMetric("selection_reads_total", "Calls of getImportFileData by result: success, waiting (Rocket.Chat is still preparing the file), failed, not_sent (nothing was asked, since somebody could have pressed start).",
		func(m samples, s watch.Snapshot) { counters(m, watch.ReadResults(), s.Reads) }, "result"),
	newMetric("scrape_duration_seconds",
		"Time that this snapshot of the import took, including the wait for a selection.",
		func(m samples, s watch.Snapshot) { m.gauge(s.Duration.Seconds()) }),
}

// named are the metrics of a workspace whose answers name their instance.
var named = []metric{
	newMetric("server_instances", "Instances of Rocket.Chat that answered within the last 10 minutes; absent if answers do not name their instance.",
		func(m samples, s watch.Snapshot) { m.gauge(float64(s.Instances)) }),
	newMetric("server_instances_seen_total", "Instances of Rocket.Chat that answered for the first time; the very first does not count. One more was started, or Rocket.Chat was restarted.",
		func(m samples, s watch.Snapshot) { m.counter(s.NewInstances) }),
}

// answered are the metrics of a usable answer.
var answered = []metric{
	newMetric("server_time_seconds", "Rocket.Chat's clock when it returned the operation, from the Date header; absent without that header.",
		func(m samples, s watch.Snapshot) { m.time(s.ServerTime) }),
	newMetric("waiting", "1 while Rocket.Chat fetches or prepares the file; 0 otherwise.",
		func(m samples, s watch.Snapshot) { m.bool(s.Waiting) }),
}

// position are the metrics of how far the import is.
var position = []metric{
	newMetric("state", "1 for the state of the newest import, 0 for the others; all are 0 if the exporter does not know the step.",
		func(m samples, s watch.Snapshot) {
			for _, state := range client.States() {
				m.bool(state == s.State, string(state))
			}
		}, "state"),
	newMetric("step", "1 for the step of the newest import, 0 for the others.",
		func(m samples, s watch.Snapshot) {
			var current client.Step
			if s.Operation != nil {
				current = s.Operation.Step
			}
			for _, step := range client.Steps() {
				m.bool(step == current, string(step))
			}
			if current != "" && !current.Known() {
				m.gauge(1, string(current))
			}
		}, "step"),
}

// operation are the metrics of the operation's record, and of what was seen of it.
var operation = []metric{
	newMetric("operation_info", "A metric with a constant '1' value labeled by operation_id, importer (its key) and importer_name (its display name) of the newest import.",
		func(m samples, s watch.Snapshot) { m.gauge(1, s.Operation.ID, s.Operation.Importer, s.Operation.Type) }, "operation_id", "importer", "importer_name"),
	newMetric("operation_valid", "0 if Rocket.Chat marked the operation as invalid, as a restart does to a running and to a finished import; 1 otherwise.",
		func(m samples, s watch.Snapshot) { m.bool(s.Operation.Valid) }),
	newMetric("operation_finished", "1 if the newest import is done and all of it was imported, as far as the exporter saw; 0 otherwise, also if that is not known.",
		func(m samples, s watch.Snapshot) { m.bool(s.Finished()) }),
	newMetric("operation_incident", "1 if the newest import was set_back or aborted; absent otherwise. A set_back may show in the operation at the first look.",
		func(m samples, s watch.Snapshot) {
			for _, kind := range watch.Incidents() {
				if s.HasIncident(kind) {
					m.gauge(1, string(kind), s.Operation.ID)
				}
			}
		}, "kind", "operation_id"),
	newMetric("operation_started_timestamp_seconds", "Time at which the operation was first seen running, by Rocket.Chat's clock; absent if the exporter saw it first when it already ran.",
		func(m samples, s watch.Snapshot) { m.time(s.Started) }),
	newMetric("operation_created_timestamp_seconds",
		"Time at which the operation was created, by Rocket.Chat's clock.",
		func(m samples, s watch.Snapshot) { m.time(s.Operation.Created) }),
	newMetric("operation_updated_timestamp_seconds",
		"Time at which the operation was last saved, by Rocket.Chat's clock.",
		func(m samples, s watch.Snapshot) { m.time(s.Operation.Updated) }),
	newMetric("operation_records", "Records that the file held, as the operation counts them by type. Slack imports count each direct conversation as a channel.",
		func(m samples, s watch.Snapshot) {
			m.count(s.Operation.Counts.Users, "users")
			m.count(s.Operation.Counts.Channels, "channels")
			m.count(s.Operation.Counts.Messages, "messages")
			m.count(s.Operation.Counts.Contacts, "contacts")
		}, "type"),
	newMetric("records_expected", "Records that the import handles in total. While the file is loaded, those staged so far.",
		func(m samples, s watch.Snapshot) { m.count(s.Operation.Counts.Total) }),
	newMetric("records_completed", "Records imported so far, as last saved. Where the total is never reached, Rocket.Chat does not save the last partial batch. In imports started from the page, failed records count here.",
		func(m samples, s watch.Snapshot) {
			completed := s.Operation.Counts.Completed
			completed.Known = completed.Known || s.Operation.Counts.Total.Known // left out until something is completed
			m.count(completed)
		}),
	newMetric("records_failed", "Records that failed, as last saved. Only the api importer and, in the newest servers, pending-files count them.",
		func(m samples, s watch.Snapshot) { m.count(s.Operation.Counts.Error) }),
}

// selection are the metrics of what is staged. Each part is known for itself.
var selection = []metric{
	newMetric("users", "Users in the selection of the newest import; 0 if there never was an import.",
		func(m samples, s watch.Snapshot) { m.count(s.Selection.Users) }),
	newMetric("channels", "Channels in the selection of the newest import; all direct conversations count as one; 0 if there never was an import.",
		func(m samples, s watch.Snapshot) { m.count(s.Selection.Channels) }),
	newMetric("messages", "Messages in the selection of the newest import; 0 if there never was an import.",
		func(m samples, s watch.Snapshot) { m.count(s.Selection.Messages) }),
	newMetric("contacts",
		"Contacts in the selection of the newest import; absent on servers that do not import contacts.",
		func(m samples, s watch.Snapshot) { m.count(s.Selection.Contacts) }),
	newMetric("users_flagged", "Users in the selection by flag: deleted, bot, email_taken (address already in use), excluded. The last two are always 0 from Rocket.Chat 3.14 on.",
		func(m samples, s watch.Snapshot) {
			if s.Selection.Users.Known && !s.WithoutFlags {
				m.gauge(float64(s.Selection.UsersDeleted), "deleted")
				m.gauge(float64(s.Selection.UsersBot), "bot")
				m.gauge(float64(s.Selection.UsersEmailTaken), "email_taken")
				m.gauge(float64(s.Selection.UsersExcluded), "excluded")
			}
		}, "flag"),
	newMetric("channels_flagged", "Channels in the selection by flag: archived, private, direct, excluded. The last is always 0 from Rocket.Chat 3.14 on.",
		func(m samples, s watch.Snapshot) {
			if s.Selection.Channels.Known && !s.WithoutFlags {
				m.gauge(float64(s.Selection.ChannelsArchived), "archived")
				m.gauge(float64(s.Selection.ChannelsPrivate), "private")
				m.gauge(float64(s.Selection.ChannelsDirect), "direct")
				m.gauge(float64(s.Selection.ChannelsExcluded), "excluded")
			}
		}, "flag"),
}

func newMetric(name, help string, send func(samples, watch.Snapshot), labels ...string) metric {
	return metric{prometheus.NewDesc("rocketchat_import_"+name, help, labels, nil), send}
}

// samples sends the samples of a metric. What is not known is absent.
type samples struct {
	desc *prometheus.Desc
	ch   chan<- prometheus.Metric
}

func (m samples) counter(value uint64, labels ...string) {
	m.ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(value), labels...)
}

func counters[K ~string](m samples, labels []K, values map[K]uint64) {
	for _, label := range labels {
		m.counter(values[label], string(label))
	}
}

func (m samples) gauge(value float64, labels ...string) {
	m.ch <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, value, labels...)
}

func (m samples) bool(value bool, labels ...string) {
	if value {
		m.gauge(1, labels...)
	} else {
		m.gauge(0, labels...)
	}
}

func (m samples) count(n client.OptionalCount, labels ...string) {
	if n.Known {
		m.gauge(float64(n.Value), labels...)
	}
}

func (m samples) time(t time.Time) {
	if !t.IsZero() {
		m.gauge(float64(t.UnixMilli()) / 1000)
	}
}
