package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/alertstack"
	"rocketchat_import_exporter/test/rig"
)

// many is one exporter of twenty workspaces, and what watches it.
type many struct {
	sims       []*rocketchatsim.Server
	url        string // of all workspaces, each below its name
	config     string
	address    string
	exporter   *process.Process
	prometheus v1.API
	pager      *pager
}

func nameOf(i int) string { return fmt.Sprintf("team%02d", i) }

func TestTwentyWorkspacesOfOneExporter(t *testing.T) {
	m := newMany(t)
	// Each has an import of its own, and two of them trouble of their own.
	for i, sim := range m.sims[:20] {
		sim.Start(rocketchatsim.Slack(), 100+float64(i))
	}
	m.sims[5].Start(rocketchatsim.Restart(), 100)
	m.sims[7].SetToken(rig.UserID, "")
	awaitData(t, m.prometheus, `count(up{job="rocketchat_import"} == 1) == 20`)
	awaitData(t, m.prometheus, `count(rocketchat_import_state{state="done"} == 1) == 18`)

	var want []string
	for i := range 20 {
		alertname, receivers := "RocketChatImportFinished", []string{"chat"}
		switch i {
		case 5:
			alertname, receivers = "RocketChatImportInterrupted", []string{"chat", "pager"}
		case 7:
			alertname, receivers = "RocketChatImportAuthFailure", []string{"chat", "pager"}
		}
		for _, receiver := range receivers {
			want = append(want, receiver+": firing "+alertname+" "+nameOf(i))
		}
	}
	eventually(t, "every alert", func(c *assert.CollectT) {
		m.pager.mu.Lock()
		defer m.pager.mu.Unlock()
		assert.ElementsMatch(c, want, slices.Collect(maps.Keys(m.pager.told)))
		for _, line := range m.pager.sent { // one message for one cause: Rocket.Chat limits how many it takes
			assert.Regexp(c, `^pager: |^chat: .* of map\[alertname:\w+\]$`, line)
		}
	})
	apart := 0 // queries of the dashboard with one series for each workspace
	for _, q := range loadDashboard(t).queries(t) {
		instances := map[model.LabelValue]bool{}
		for _, series := range q.run(t, m.prometheus, ".*") {
			instances[series["instance"]] = true
		}
		if len(instances) >= 19 { // what is not known of the one that is refused is not shown
			apart++
		}
	}
	assert.GreaterOrEqual(t, apart, 10)

	// One more, while Prometheus scrapes the others.
	m.writeConfig(t, 21)
	m.reload(t, http.StatusOK)
	awaitData(t, m.prometheus, `count(up{job="rocketchat_import"} == 1) == 21`)
	awaitData(t, m.prometheus, `rocketchat_import_up{instance="team20"} == 1`)
	assert.Empty(t, seriesOf(ask(t, m.prometheus, `min_over_time(up[1h]) == 0`)), "a scrape was lost")

	// A file that cannot be used.
	const failed, down, own = "RocketChatImportConfigReloadFailed", "RocketChatImportExporterDown", "rocketchat_import_exporter"
	rig.WriteFile(t, m.config, "workspaces: 21\n")
	m.reload(t, http.StatusInternalServerError)
	m.awaitNotified(t, failed, notificationLine("tickets", "firing", failed, m.address, own))
	m.writeConfig(t, 21)
	m.reload(t, http.StatusOK)
	m.awaitNotified(t, failed, notificationLine("tickets", "firing", failed, m.address, own), notificationLine("tickets", "resolved", failed, m.address, own))

	m.exporter.Stop()
	// Long enough for Alertmanager to have notified about the targets too, if it would.
	awaitData(t, m.prometheus, `count(time() - ALERTS_FOR_STATE{alertname="RocketChatImportExporterDown",job="rocketchat_import"} > 10) == 21`)
	m.awaitNotified(t, down, notificationLine("tickets", "firing", down, m.address, own))
}

// newMany starts 21 workspaces; the exporter does not know the last one.
func newMany(t *testing.T) *many {
	t.Helper()
	m := &many{config: filepath.Join(t.TempDir(), "config.yml"), address: rig.FreeAddress(t)}
	mux := http.NewServeMux()
	for i := range 21 {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest, BasePath: "/" + nameOf(i)})
		sim.SetUser(rig.UserID, rig.Token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		mux.Handle("/"+nameOf(i)+"/", sim)
		m.sims = append(m.sims, sim)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	m.url = server.URL
	m.writeConfig(t, 20)
	m.exporter = runExporter(t, rig.BuildExporter(t, root, "-race"), m.address, nil, "--config.file="+m.config, "--web.enable-lifecycle")
	m.prometheus, _, m.pager = start(t, alertstack.Config{Alerts: alerts, Dir: t.TempDir(), Many: m.address})
	return m
}

// writeConfig names the first n workspaces.
func (m *many) writeConfig(t *testing.T, n int) {
	t.Helper()
	text := "workspaces:\n"
	for i := range n {
		text += fmt.Sprintf("  %[1]s: {url: %[2]s/%[1]s, user_id: %[3]s, auth_token: %[4]s}\n", nameOf(i), m.url, rig.UserID, rig.Token)
	}
	rig.WriteFile(t, m.config, text)
}

// reload has the exporter read its configuration again.
func (m *many) reload(t *testing.T, status int) {
	t.Helper()
	response, err := http.Post("http://"+m.address+"/-/reload", "", nil)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, status, response.StatusCode)
}

// awaitNotified waits until these are the notifications of alerts of this name, or of all alerts.
func (m *many) awaitNotified(t *testing.T, alertname string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q", want), func(c *assert.CollectT) {
		other := func(line string) bool { return !strings.Contains(line, alertname) }
		assert.ElementsMatch(c, want, slices.DeleteFunc(m.pager.lines(), other))
	})
}
