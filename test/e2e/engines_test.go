package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/alertstack"
	"rocketchat_import_exporter/test/rig"
)

// scrapeInterval is also that of evaluations.
const scrapeInterval = time.Minute / speed

// start starts Prometheus, Alertmanager and the pager that Alertmanager tells, and
// ends them with the test. It returns Alertmanager's base URL.
func start(t *testing.T, config alertstack.Config) (prometheus v1.API, alertmanager string, p *pager) {
	t.Helper()
	p = &pager{told: map[string]bool{}}
	webhook := httptest.NewServer(alertstack.Webhook(p.receive))
	t.Cleanup(webhook.Close)
	config.Prometheus, config.Alertmanager = bin+"/prometheus", bin+"/alertmanager"
	config.Speed, config.Webhook = speed, webhook.URL
	stack, err := alertstack.Start(t.Context(), config)
	require.NoError(t, err)
	rig.EndWithTest(t, "Prometheus", stack.Prometheus)
	rig.EndWithTest(t, "Alertmanager", stack.Alertmanager)
	return newClient(t, stack.PrometheusURL), stack.AlertmanagerURL, p
}

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
		delete(series, "operation_id") // the simulated server makes it up
		fired = append(fired, model.LabelSet(series))
	}
	return fired
}

// startVictoriaMetrics starts a VictoriaMetrics that scrapes what Prometheus does and has a past,
// and a vmalert that evaluates the same rules. dir is that of Prometheus's configuration.
func startVictoriaMetrics(t *testing.T, dir, past string) v1.API {
	t.Helper()
	runThere := func(name string, args ...string) string {
		address := rig.FreeAddress(t)
		rig.Run(t, "http://"+address+"/health", nil, filepath.Join(bin, name), append(args,
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

// alert is an alert as Alertmanager's API version 2 shows it, as far as it is used
// here. It shows those that are not resolved.
type alert struct {
	Annotations map[string]string
	StartsAt    time.Time
	Fingerprint string
	Status      struct {
		InhibitedBy []string
	}
}

// alertsOf asks for the alerts of one name in one workspace.
func alertsOf(t require.TestingT, alertmanager, name, workspace string) (alerts []alert) {
	filters := url.Values{"filter": {fmt.Sprintf("alertname=%q", name), fmt.Sprintf("instance=%q", workspace)}}
	require.NoError(t, json.Unmarshal([]byte(rig.Get(t, alertmanager+"/api/v2/alerts?"+filters.Encode())), &alerts))
	return alerts
}

// pager receives whatever Alertmanager sends to webhooks.
type pager struct {
	mu   sync.Mutex
	sent []string
	told map[string]bool // has each alert of each receiver once
}

func (p *pager) receive(n alertstack.Notification) {
	var alerts []string
	for _, a := range n.Alerts {
		alerts = append(alerts, a.Status+" "+a.Labels["alertname"]+" "+a.Labels["instance"])
	}
	slices.Sort(alerts)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range alerts {
		p.told[n.Receiver+": "+a] = true
	}
	p.sent = append(p.sent, fmt.Sprintf("%s: %s of %v", n.Receiver, strings.Join(alerts, ", "), n.GroupLabels))
}

// lines has a line for each notification, as notificationLine writes it.
func (p *pager) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// notificationLine is the line of a notification of one alert: its receiver, and its group.
func notificationLine(receiver, status, alertname, instance, job string) string {
	group := "instance:" + instance
	if alertname == "RocketChatImportExporterDown" {
		group = "alertname:" + alertname
	}
	return fmt.Sprintf("%s: %s %s %s of map[%s job:%s]", receiver, status, alertname, instance, group, job)
}

// withReceiver copies alerts/ with the receiver for Rocket.Chat in alertmanager.yml, and returns the folder.
func withReceiver(t *testing.T) string {
	t.Helper()
	dir, configs := readyReceivers(t, "alertmanager-rocketchat.yml")
	rig.WriteFile(t, filepath.Join(dir, "alertmanager.yml"), configs["alertmanager-rocketchat.yml"])
	return dir
}

// readyReceivers copies alerts/, runs the commands in docs/alerting.md that put ready receivers
// into alertmanager.yml, and returns the folder and the new files.
func readyReceivers(t *testing.T, files ...string) (dir string, configs map[string]string) {
	t.Helper()
	dir, configs = t.TempDir(), map[string]string{}
	require.NoError(t, os.CopyFS(dir, os.DirFS(alerts)))
	for _, file := range files {
		command := regexp.MustCompile(`(?m)^sed -e .* > ` + file + `$`).FindString(rig.ReadFile(t, root+"/docs/alerting.md"))
		require.NotEmpty(t, command, "docs/alerting.md has no command for "+file)
		shell := exec.Command("sh", "-ec", command)
		shell.Dir = dir
		rig.Output(t, shell)
		rig.Output(t, exec.Command(bin+"/amtool", "check-config", filepath.Join(dir, file)))
		configs[file] = rig.ReadFile(t, filepath.Join(dir, file))
	}
	return dir, configs
}
