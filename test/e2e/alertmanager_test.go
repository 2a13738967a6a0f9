package e2e

import (
	"encoding/json"
	"fmt"
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

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/demo/alertstack"
)

// alert is an alert as Alertmanager's API version 2 shows it, as far as it is used
// here. It shows those that are not resolved.
type alert struct {
	Labels      model.LabelSet
	Annotations map[string]string
	StartsAt    time.Time
	Fingerprint string
	Status      struct {
		State       string
		InhibitedBy []string
	}
}

// alertsOf asks for the alerts of one name in one workspace.
func alertsOf(t require.TestingT, alertmanager, name, workspace string) (alerts []alert) {
	filters := url.Values{"filter": {fmt.Sprintf("alertname=%q", name), fmt.Sprintf("instance=%q", workspace)}}
	require.NoError(t, json.Unmarshal(get(t, alertmanager+"/api/v2/alerts?"+filters.Encode()), &alerts))
	return alerts
}

// pager receives whatever Alertmanager sends to webhooks.
type pager struct {
	mu   sync.Mutex
	sent []string
}

// startPager returns a pager and its base URL.
func startPager(t *testing.T) (*pager, string) {
	t.Helper()
	p := &pager{}
	server := httptest.NewServer(alertstack.Webhook(func(n alertstack.Notification) {
		var alerts []string
		for _, a := range n.Alerts {
			alerts = append(alerts, a.Status+" "+a.Labels["alertname"]+" "+a.Labels["instance"])
		}
		slices.Sort(alerts)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = append(p.sent, fmt.Sprintf("%s: %s of %v", n.Receiver, strings.Join(alerts, ", "), n.GroupLabels))
	}))
	t.Cleanup(server.Close)
	return p, server.URL
}

// lines has a line for each notification, as told writes it.
func (p *pager) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// told is the line of a notification of one alert: who is told of what, in which group.
func told(receiver, status, alertname, instance, job string) string {
	group := "instance:" + instance
	if alertname == "RocketChatImportExporterDown" {
		group = "alertname:" + alertname
	}
	return fmt.Sprintf("%s: %s %s %s of map[%s job:%s]", receiver, status, alertname, instance, group, job)
}

// withReceiver copies alerts/, runs the commands in docs/alerting.md that put the
// receiver for Rocket.Chat into alertmanager.yml, and returns the folder.
func withReceiver(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(alerts)))
	commands := regexp.MustCompile("(?s)```\n(sed -e.*?)```").FindSubmatch(read(t, root+"/docs/alerting.md"))
	require.NotNil(t, commands, "docs/alerting.md has no command for the receiver")
	programs, err := filepath.Abs(bin)
	require.NoError(t, err)
	shell := exec.Command("sh", "-ec", string(commands[1]))
	shell.Dir, shell.Env = dir, []string{"PATH=" + programs + ":" + os.Getenv("PATH")}
	mustRun(t, shell)
	require.NoError(t, os.Rename(filepath.Join(dir, "alertmanager-rocketchat.yml"), filepath.Join(dir, "alertmanager.yml")))
	return dir
}
