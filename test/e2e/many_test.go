package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
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
	m := newMany(t, 20)
	// Each has an import of its own, and two of them trouble of their own.
	for i, sim := range m.sims {
		sim.Start(rocketchatsim.Slack(), 100+float64(i))
	}
	m.sims[5].Start(rocketchatsim.Restart(), 100)
	m.sims[7].SetToken(userID, "")
	awaitData(t, m.prometheus, `count(up{job="rocketchat_import"} == 1) == 20`)
	awaitData(t, m.prometheus, `count(rocketchat_import_state{state="done"} == 1) == 18`)

	want := []string{
		"chat: firing RocketChatImportAuthFailure team07",
		"chat: firing RocketChatImportInterrupted team05",
		"pager: firing RocketChatImportAuthFailure team07",
		"pager: firing RocketChatImportInterrupted team05",
	}
	for i := range m.sims {
		if i != 5 && i != 7 {
			want = append(want, "chat: firing RocketChatImportFinished "+nameOf(i))
		}
	}
	m.awaitLines(t, "", want...)
	m.requireRowsApart(t)

	// One more, while Prometheus scrapes the others.
	m.writeConfig(t, 21)
	m.reload(t, http.StatusOK)
	awaitData(t, m.prometheus, `count(up{job="rocketchat_import"} == 1) == 21`)
	awaitData(t, m.prometheus, `rocketchat_import_up{instance="team20"} == 1`)
	m.requireNone(t, `min_over_time(up[1h]) == 0`, "a scrape was lost")

	// A file that cannot be used.
	if err := os.WriteFile(m.config, []byte("workspaces: 21\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.reload(t, http.StatusInternalServerError)
	m.awaitLines(t, "RocketChatImportConfigReloadFailed", "tickets: firing RocketChatImportConfigReloadFailed "+m.address)
	m.writeConfig(t, 21)
	m.reload(t, http.StatusOK)
	m.awaitLines(t, "RocketChatImportConfigReloadFailed",
		"tickets: firing RocketChatImportConfigReloadFailed "+m.address, "tickets: resolved RocketChatImportConfigReloadFailed "+m.address)

	m.exporter.Stop()
	// Long enough for Alertmanager to have told of the targets too, if it would.
	awaitData(t, m.prometheus, `count(time() - ALERTS_FOR_STATE{alertname="RocketChatImportExporterDown",job="rocketchat_import"} > 10) == 21`)
	m.awaitLines(t, "RocketChatImportExporterDown", "tickets: firing RocketChatImportExporterDown "+m.address)
}

// newMany starts n workspaces, and one more that the exporter is not told of.
func newMany(t *testing.T, n int) *many {
	t.Helper()
	m := &many{config: filepath.Join(t.TempDir(), "config.yml")}
	mux := http.NewServeMux()
	for i := range n + 1 {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest, BasePath: "/" + nameOf(i)})
		sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		mux.Handle("/"+nameOf(i)+"/", sim)
		m.sims = append(m.sims, sim)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	m.url = server.URL
	m.writeConfig(t, n)
	m.sims = m.sims[:n]

	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = address
	m.exporter, err = process.Start("the exporter", nil, buildExporter(t),
		"--config.file="+m.config, "--rocketchat.min-interval=0s", "--web.enable-lifecycle", "--web.listen-address="+address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.exporter.Stop()
		showOutput(t, "The exporter", m.exporter)
	})
	if err := m.exporter.AwaitOK(t.Context(), "http://"+address+"/-/ready"); err != nil {
		t.Fatal(err)
	}
	receiver, url := startPager(t)
	stack := start(t, alertstack.Config{
		Prometheus: prometheus, Alertmanager: alertmanager, Alerts: alerts, Dir: t.TempDir(), Speed: speed, Webhook: url, Many: address,
	})
	m.pager, m.prometheus = receiver, newClient(t, stack.PrometheusURL)
	return m
}

// writeConfig names the first n workspaces.
func (m *many) writeConfig(t *testing.T, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString("workspaces:\n")
	for i := range n {
		fmt.Fprintf(&text, "  %[1]s: {url: %[2]s/%[1]s, user_id: %[3]s, auth_token: %[4]s}\n", nameOf(i), m.url, userID, token)
	}
	if err := os.WriteFile(m.config, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload has the exporter read its configuration again.
func (m *many) reload(t *testing.T, status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+m.address+"/-/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != status {
		t.Errorf("the reload answers %s, want %d", response.Status, status)
	}
}

// awaitLines waits until that, and nothing else, was told of.
func (m *many) awaitLines(t *testing.T, alertname string, want ...string) {
	t.Helper()
	slices.Sort(want)
	eventually(t, fmt.Sprintf("%q", want), func() error {
		if got := m.lines(alertname); !slices.Equal(got, want) {
			return fmt.Errorf("sent was %q", got)
		}
		return nil
	})
}

// lines are the alerts of this name, or of any, that were told of so far.
func (m *many) lines(alertname string) (lines []string) {
	for _, n := range m.pager.notifications() {
		for _, a := range n.Alerts {
			if alertname == "" || a.Labels["alertname"] == alertname {
				lines = append(lines, fmt.Sprintf("%s: %s %s %s", n.Receiver, a.Status, a.Labels["alertname"], a.Labels["instance"]))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// requireRowsApart requires that the dashboard's queries by workspace give each
// workspace a series of its own.
func (m *many) requireRowsApart(t *testing.T) {
	t.Helper()
	apart := 0
	for _, q := range loadDashboard(t) {
		value, err := q.run(t, m.prometheus, ".*")
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
		instances := map[model.LabelValue]bool{}
		switch series := value.(type) {
		case model.Vector:
			for _, s := range series {
				instances[s.Metric["instance"]] = true
			}
		case model.Matrix:
			for _, s := range series {
				instances[s.Metric["instance"]] = true
			}
		}
		if len(instances) >= 19 { // what is not known of the one that is refused is not shown
			apart++
		}
	}
	if apart < 10 {
		t.Errorf("only %d queries of the dashboard tell the workspaces apart", apart)
	}
}

func (m *many) requireNone(t *testing.T, query, what string) {
	t.Helper()
	value, _, _, err := m.prometheus.Query(t.Context(), query, time.Now())
	if err != nil || hasData(value) {
		t.Errorf("%s: %v %v", what, value, err)
	}
}
