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

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
)

// interval is that of scrapes and evaluations at speed 1, as by default in Prometheus.
const interval = time.Minute

// shippedReceiver is where the receivers of the shipped alertmanager.yml post to.
const shippedReceiver = "http://127.0.0.1:9099"

// many is what docs/configuration.md says to write for one exporter of many workspaces, except
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

// waits are the fields of a rule file and of alertmanager.yml that hold a time to
// wait. The times in an expression are not among them: they are those of the import.
var waits = []string{"for", "keep_firing_for", "interval", "query_offset", "group_wait", "group_interval", "repeat_interval"}

// shortened writes a duration that many times shorter.
func (c Config) shortened(d time.Duration) string {
	short := time.Duration(float64(d) / c.Speed).Round(time.Millisecond)
	return fmt.Sprintf("%dms", short.Milliseconds())
}

// writeRules writes the shipped rules with shorter waits, and returns the files.
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
		var rules yaml.MapSlice
		if err := readYAML(file, &rules); err != nil {
			return nil, err
		}
		path, err := c.write(filepath.Base(file), rules)
		if err != nil {
			return nil, err
		}
		written = append(written, path)
	}
	return written, nil
}

// writeAlertmanager writes the shipped configuration with shorter waits, with the
// receiver for Rocket.Chat if that is wanted, and with the webhook instead of the
// other receivers' addresses. It returns the file.
func (c Config) writeAlertmanager() (string, error) {
	var config yaml.MapSlice
	if err := readYAML(filepath.Join(c.Alerts, "alertmanager.yml"), &config); err != nil {
		return "", err
	}
	if c.RocketChat != nil {
		if err := c.addRocketChat(config); err != nil {
			return "", err
		}
	}
	path, err := c.write("alertmanager.yml", config)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), shippedReceiver) {
		return "", errors.New("alertmanager.yml does not post to " + shippedReceiver)
	}
	return path, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), shippedReceiver, c.Webhook)), 0o600)
}

// addRocketChat puts the shipped receiver for Rocket.Chat in the place of the one
// that has its name, and sets what docs/alerting.md says to set.
func (c Config) addRocketChat(config yaml.MapSlice) error {
	var snippet []yaml.MapSlice
	if err := readYAML(filepath.Join(c.Alerts, "rocketchat-receiver.yml"), &snippet); err != nil {
		return err
	}
	receivers, _ := field(config, "receivers").([]any)
	for _, receiver := range snippet {
		name := field(receiver, "name")
		i := slices.IndexFunc(receivers, func(r any) bool { return field(r, "name") == name })
		posts, _ := field(receiver, "rocketchat_configs").([]any)
		if i < 0 || len(posts) != 1 {
			return fmt.Errorf("rocketchat-receiver.yml does not fit alertmanager.yml: receiver %v", name)
		}
		receivers[i] = receiver
		for key, value := range map[string]string{"token_id_file": c.RocketChat.UserID, "token_file": c.RocketChat.Token} {
			file := filepath.Join(c.Dir, key)
			if err := errors.Join(os.WriteFile(file, []byte(value), 0o600), setField(posts[0], key, file)); err != nil {
				return err
			}
		}
		if err := setField(posts[0], "api_url", c.RocketChat.URL); err != nil {
			return err
		}
	}
	return nil
}

// writePrometheus writes a configuration with the scrape job that the shipped
// files expect, and returns the file.
func (c Config) writePrometheus(rules []string, alertmanager string) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "global:\n  scrape_interval: %s\n  scrape_timeout: %[1]s\n  evaluation_interval: %[1]s\n", c.shortened(interval))
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

func readYAML(file string, document any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// write writes the document with shorter waits, and returns the file.
func (c Config) write(name string, document yaml.MapSlice) (string, error) {
	if err := c.shorten(document); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	text, err := yaml.Marshal(document)
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.Dir, name)
	return path, os.WriteFile(path, text, 0o600)
}

// shorten makes each wait in the document shorter, wherever it stands.
func (c Config) shorten(document any) error {
	switch node := document.(type) {
	case yaml.MapSlice:
		for i, item := range node {
			if key, ok := item.Key.(string); !ok || !slices.Contains(waits, key) {
				if err := c.shorten(item.Value); err != nil {
					return err
				}
				continue
			}
			wait, err := model.ParseDuration(fmt.Sprint(item.Value))
			if err != nil {
				return err
			}
			node[i].Value = c.shortened(time.Duration(wait))
		}
	case []any:
		for _, value := range node {
			if err := c.shorten(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// field returns the value of a key, or nil.
func field(object any, key string) any {
	fields, _ := object.(yaml.MapSlice)
	for _, f := range fields {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// setField replaces the value of a key that is there.
func setField(object any, key, value string) error {
	fields, _ := object.(yaml.MapSlice)
	for i, f := range fields {
		if f.Key == key {
			fields[i].Value = value
			return nil
		}
	}
	return errors.New("there is no field " + key)
}
