package alertstack

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/rulescale"
)

// At speed 1.
const (
	// interval is that of scrapes and evaluations.
	interval = 30 * time.Second
	// lookback is Prometheus's own default.
	lookback = 5 * time.Minute
)

// shippedReceiver is where the receivers of the shipped alertmanager.yml post to.
const shippedReceiver = "http://127.0.0.1:9099"

// many is what docs/configuration.md says to write for one exporter of many workspaces, but
// for the targets, which are asked for more often.
const many = `    metrics_path: /probe
    http_sd_configs:
      - url: http://ADDRESS/sd
        refresh_interval: 1s
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: ADDRESS
  - job_name: rocketchat_import_exporter
    static_configs:
      - targets: [ADDRESS]
`

// scaled makes a duration that many times shorter.
func (c Config) scaled(d time.Duration) string {
	return rulescale.Format(rulescale.Duration(d, 1/c.Speed))
}

// writeRules writes the shipped rules, made faster, and returns the files.
func (c Config) writeRules() ([]string, error) {
	shipped, err := filepath.Glob(filepath.Join(c.Alerts, "*.rules.yml"))
	if err != nil {
		return nil, err
	}
	if len(shipped) == 0 {
		return nil, fmt.Errorf("there are no rules in %s", c.Alerts)
	}
	var written []string
	for _, file := range shipped {
		path := filepath.Join(c.Dir, filepath.Base(file))
		if err := c.rewrite(file, path, strings.Clone); err != nil {
			return nil, err
		}
		written = append(written, path)
	}
	return written, nil
}

// writeAlertmanager writes the shipped configuration, made faster, with the
// webhook instead of its receivers' addresses, and returns the file.
func (c Config) writeAlertmanager() (string, error) {
	shipped := filepath.Join(c.Alerts, "alertmanager.yml")
	path := filepath.Join(c.Dir, "alertmanager.yml")
	redirected := false
	err := c.rewrite(shipped, path, func(text string) string {
		redirected = strings.Contains(text, shippedReceiver)
		return strings.ReplaceAll(text, shippedReceiver, c.Webhook)
	})
	if err == nil && !redirected {
		err = errors.New(shipped + " does not post to " + shippedReceiver)
	}
	return path, err
}

// writePrometheus writes a configuration with the scrape job that the shipped
// files expect, and returns the file.
func (c Config) writePrometheus(rules []string, alertmanager string) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "global:\n  scrape_interval: %s\n  scrape_timeout: %[1]s\n  evaluation_interval: %[1]s\n", c.scaled(interval))
	fmt.Fprintf(&text, "rule_files:\n")
	for _, file := range rules {
		fmt.Fprintf(&text, "  - %q\n", file)
	}
	fmt.Fprintf(&text, "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: [%q]\n", alertmanager)
	fmt.Fprintf(&text, "scrape_configs:\n  - job_name: rocketchat_import\n")
	if len(c.Exporters) > 0 {
		fmt.Fprintf(&text, "    static_configs:\n")
	}
	for _, workspace := range slices.Sorted(maps.Keys(c.Exporters)) {
		fmt.Fprintf(&text, "      - targets: [%q]\n        labels: {instance: %q}\n", c.Exporters[workspace], workspace)
	}
	if c.Many != "" {
		text.WriteString(strings.ReplaceAll(many, "ADDRESS", c.Many))
	}
	path := filepath.Join(c.Dir, "prometheus.yml")
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

// rewrite copies a YAML file with its durations scaled and then changed by change.
func (c Config) rewrite(from, to string, change func(string) string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, []byte(change(rulescale.YAML(string(text), 1/c.Speed))), 0o600)
}
