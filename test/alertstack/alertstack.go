// Package alertstack runs a real Prometheus and a real Alertmanager on the loopback interface, with
// the shipped rules and the shipped Alertmanager configuration, for the end-to-end test and the
// rehearsal. Their waits are shortened, such as "for" and "group_wait"; what an expression says stays.
package alertstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"rocketchat_import_exporter/internal/process"
)

// Config says what to run.
type Config struct {
	// Prometheus and Alertmanager are the programs to run.
	Prometheus, Alertmanager string
	// Alerts is the folder of the shipped files.
	Alerts string
	// Dir is a folder for configuration and data, which the caller removes.
	Dir string
	// Speed, above 0, is how many times shorter than shipped all waits are. At 1 scrapes are a minute apart.
	Speed float64
	// Exporters holds the address (host:port) of the exporter of each workspace.
	Exporters map[string]string
	// Many is the address of one exporter whose many workspaces Prometheus finds by /sd, instead.
	Many string
	// AlertmanagerYML is Alertmanager's configuration, which is used as it is; empty for the shipped
	// one with shorter waits, and with Webhook and RocketChat.
	AlertmanagerYML string
	// Webhook is the base URL that every receiver posts to; see Webhook.
	Webhook string
	// RocketChat is where the receiver "chat" posts to, by rocketchat-receiver.yml; nil for the webhook.
	RocketChat *RocketChat
}

// RocketChat is a workspace, and a user of it who may post messages.
type RocketChat struct{ URL, UserID, Token string }

// Stack is a Prometheus and an Alertmanager at work.
type Stack struct {
	// PrometheusURL and AlertmanagerURL are base URLs without a slash at the end.
	PrometheusURL, AlertmanagerURL string
	// Prometheus and Alertmanager are the programs.
	Prometheus, Alertmanager *process.Process
}

// Start starts both programs and returns once both are ready. When it fails,
// nothing is left running, and the error holds what the program that failed wrote.
func Start(ctx context.Context, c Config) (*Stack, error) {
	alertmanagerYML, err := c.writeAlertmanager()
	if err := errors.Join(err, c.writeRules()); err != nil {
		return nil, err
	}
	s := &Stack{}
	s.Alertmanager, s.AlertmanagerURL, err = process.StartServer(ctx, "127.0.0.1:9093", "alertmanager", nil, c.Alertmanager,
		"--config.file="+alertmanagerYML, "--storage.path="+filepath.Join(c.Dir, "alertmanager"), "--cluster.listen-address=")
	if err != nil {
		return nil, err
	}
	prometheusYML, err := c.writePrometheus(s.AlertmanagerURL)
	if err == nil {
		s.Prometheus, s.PrometheusURL, err = process.StartServer(ctx, "127.0.0.1:9090", "prometheus", nil, c.Prometheus,
			"--config.file="+prometheusYML, "--storage.tsdb.path="+filepath.Join(c.Dir, "prometheus"))
	}
	if err != nil {
		s.Alertmanager.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends both programs.
func (s *Stack) Stop() {
	s.Prometheus.Stop()
	s.Alertmanager.Stop()
}

// Notification is what Alertmanager posts to a webhook, version 4, as far as it is used here.
type Notification struct {
	// Receiver is the receiver's name in alertmanager.yml.
	Receiver    string            `json:"receiver"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []Alert           `json:"alerts"`
}

// Alert is one alert of a notification.
type Alert struct {
	// Status is "firing" or "resolved".
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// Webhook returns a handler that gives each notification to receive, maybe several at once.
func Webhook(receive func(Notification)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n Notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		receive(n)
	})
}
