package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rocketchat_import_exporter/demo/alertstack"
)

// alert is an alert as Alertmanager's API version 2 tells of it, as far as it is
// used here. It tells of those that are not resolved.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
	Status      struct {
		State       string   `json:"state"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
}

// identity stays while an alert fires.
func (a alert) identity() string { return identity(a.Fingerprint, a.StartsAt) }

func identity(fingerprint string, startsAt time.Time) string {
	return fingerprint + " since " + startsAt.UTC().Format(time.RFC3339Nano)
}

// alertsOf asks for the alerts of one name in one workspace.
func alertsOf(t *testing.T, alertmanager, name, workspace string) ([]alert, error) {
	t.Helper()
	filters := url.Values{"filter": {fmt.Sprintf("alertname=%q", name), fmt.Sprintf("instance=%q", workspace)}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, alertmanager+"/api/v2/alerts?"+filters.Encode(), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var alerts []alert
	return alerts, json.NewDecoder(response.Body).Decode(&alerts)
}

// pager receives whatever Alertmanager sends to anybody.
type pager struct {
	mu   sync.Mutex
	sent []alertstack.Notification
}

// startPager returns a pager and its base URL.
func startPager(t *testing.T) (*pager, string) {
	t.Helper()
	p := &pager{}
	server := httptest.NewServer(alertstack.Webhook(func(n alertstack.Notification) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = append(p.sent, n)
	}))
	t.Cleanup(server.Close)
	return p, server.URL
}

func (p *pager) notifications() []alertstack.Notification {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// told reports whether a notification of this status named the alert.
func (p *pager) told(a alert, status string) bool {
	return slices.ContainsFunc(p.notifications(), func(n alertstack.Notification) bool {
		return slices.ContainsFunc(n.Alerts, func(sent alertstack.Alert) bool {
			return sent.Status == status && identity(sent.Fingerprint, sent.StartsAt) == a.identity()
		})
	})
}

// lines writes each notification as one line: who is told, the status, name and
// workspace of each alert, and of which group.
func (p *pager) lines() []string {
	var lines []string
	for _, n := range p.notifications() {
		var alerts []string
		for _, a := range n.Alerts {
			alerts = append(alerts, a.Status+" "+a.Labels["alertname"]+" "+a.Labels["instance"])
		}
		slices.Sort(alerts)
		lines = append(lines, n.Receiver+": "+strings.Join(alerts, ", ")+" of "+labelText(n.GroupLabels))
	}
	return lines
}
