// Package alertstack runs a real Prometheus and a real Alertmanager on the
// loopback interface, with the shipped rules and the shipped Alertmanager
// configuration, for the end-to-end test and the demo. Their waits are shortened,
// such as "for" and "group_wait"; what an expression says stays. An import can be
// as old as a test wants, so nobody has to wait for that.
package alertstack

import (
	"context"
	"path/filepath"

	"rocketchat_import_exporter/demo/process"
)

// Config says what to run.
type Config struct {
	// Prometheus and Alertmanager are the programs to run.
	Prometheus, Alertmanager string
	// Alerts is the folder of the shipped files.
	Alerts string
	// Dir is a folder for configuration and data, which the caller removes.
	Dir string
	// Speed is how many times shorter than shipped all waits are. It must be above
	// 0. At speed 1 scrapes and evaluations are a minute apart.
	Speed float64
	// Exporters holds the address (host:port) of the exporter of each workspace.
	Exporters map[string]string
	// Many is the address of one exporter of many workspaces, which Prometheus
	// finds by its /sd; empty where there is none.
	Many string
	// Webhook is the base URL that every receiver posts to; see Webhook.
	Webhook string
	// RocketChat is where the receiver "chat" posts to instead, with the shipped
	// rocketchat-receiver.yml; nil where it is a webhook too.
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
	s := &Stack{}
	if err := s.start(ctx, c); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, c Config) error {
	alertmanager, err := s.startAlertmanager(ctx, c)
	if err != nil {
		return err
	}
	rules, err := c.writeRules()
	if err != nil {
		return err
	}
	config, err := c.writePrometheus(rules, alertmanager)
	if err != nil {
		return err
	}
	address, err := process.FreeAddress("127.0.0.1:9090")
	if err != nil {
		return err
	}
	s.PrometheusURL = "http://" + address
	s.Prometheus, err = process.Start("prometheus", nil, c.Prometheus,
		"--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(c.Dir, "prometheus"),
		"--web.listen-address="+address,
	)
	if err != nil {
		return err
	}
	return s.Prometheus.AwaitOK(ctx, s.PrometheusURL+"/-/ready")
}

// startAlertmanager returns the address.
func (s *Stack) startAlertmanager(ctx context.Context, c Config) (string, error) {
	config, err := c.writeAlertmanager()
	if err != nil {
		return "", err
	}
	address, err := process.FreeAddress("127.0.0.1:9093")
	if err != nil {
		return "", err
	}
	s.AlertmanagerURL = "http://" + address
	s.Alertmanager, err = process.Start("alertmanager", nil, c.Alertmanager,
		"--config.file="+config,
		"--storage.path="+filepath.Join(c.Dir, "alertmanager"),
		"--cluster.listen-address=",
		"--web.listen-address="+address,
	)
	if err != nil {
		return "", err
	}
	return address, s.Alertmanager.AwaitOK(ctx, s.AlertmanagerURL+"/-/ready")
}

// Stop ends what was started.
func (s *Stack) Stop() {
	for _, p := range []*process.Process{s.Prometheus, s.Alertmanager} {
		if p != nil {
			p.Stop()
		}
	}
}
