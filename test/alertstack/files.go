package alertstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// interval is that of scrapes and evaluations at speed 1, as by default in Prometheus.
const interval = time.Minute

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

// waits are the fields of the shipped files that hold a time to wait. Those in an expression stay.
var waits = regexp.MustCompile(`(?m)^[ -]*(for|keep_firing_for|interval|query_offset|group_wait|group_interval|repeat_interval): \S+`)

// shortened writes a duration that many times shorter.
func (c Config) shortened(d time.Duration) string {
	return fmt.Sprintf("%dms", time.Duration(float64(d)/c.Speed).Round(time.Millisecond).Milliseconds())
}

// write writes a file with shorter waits, and returns its path.
func (c Config) write(name, text string) (string, error) {
	var invalid error
	text = waits.ReplaceAllStringFunc(text, func(line string) string {
		field, value, _ := strings.Cut(line, ": ")
		wait, err := model.ParseDuration(value)
		invalid = errors.Join(invalid, err)
		return field + ": " + c.shortened(time.Duration(wait))
	})
	path := filepath.Join(c.Dir, name)
	return path, errors.Join(invalid, os.WriteFile(path, []byte(text), 0o600))
}

// writeRules writes the shipped rules with shorter waits.
func (c Config) writeRules() error {
	shipped, err := filepath.Glob(filepath.Join(c.Alerts, "*.rules.yml"))
	if err != nil || len(shipped) == 0 {
		return fmt.Errorf("there are no rules in %s (%v)", c.Alerts, err)
	}
	for _, file := range shipped {
		text, readErr := os.ReadFile(file)
		_, writeErr := c.write(filepath.Base(file), string(text))
		err = errors.Join(err, readErr, writeErr)
	}
	return err
}

// writeAlertmanager writes the shipped configuration with shorter waits and with c's receivers, unless c
// has one. It returns the file.
func (c Config) writeAlertmanager() (string, error) {
	if c.AlertmanagerYML != "" {
		return c.AlertmanagerYML, nil
	}
	shipped, err := os.ReadFile(filepath.Join(c.Alerts, "alertmanager.yml"))
	if err != nil {
		return "", err
	}
	text, set := string(shipped), []string{"http://127.0.0.1:9099", c.Webhook}
	if c.RocketChat != nil {
		if text, err = c.withReceiver(text); err != nil {
			return "", err
		}
		userID, token := filepath.Join(c.Dir, "user-id"), filepath.Join(c.Dir, "token")
		if err := errors.Join(
			os.WriteFile(userID, []byte(c.RocketChat.UserID), 0o600),
			os.WriteFile(token, []byte(c.RocketChat.Token), 0o600),
		); err != nil {
			return "", err
		}
		set = append(set, "https://chat.example.com", c.RocketChat.URL,
			"/etc/alertmanager/rocketchat-user-id", userID, "/etc/alertmanager/rocketchat-token", token)
	}
	for pair := range slices.Chunk(set, 2) {
		if !strings.Contains(text, pair[0]) {
			return "", errors.New("alertmanager.yml has no " + pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return c.write("alertmanager.yml", text)
}

// withReceiver replaces the receiver named chat with the shipped one for Rocket.Chat, unless it is there.
func (c Config) withReceiver(text string) (string, error) {
	if strings.Contains(text, "rocketchat_configs:") {
		return text, nil
	}
	receiver, err := os.ReadFile(filepath.Join(c.Alerts, "rocketchat-receiver.yml"))
	if err != nil {
		return "", err
	}
	before, rest, found := strings.Cut(text, "  - name: chat")
	_, after, ends := strings.Cut(rest, "\n\n")
	if !found || !ends {
		return "", errors.New("alertmanager.yml has no receiver named chat")
	}
	return before + string(receiver) + "\n" + after, nil
}

// writePrometheus writes a configuration with the scrape job that the shipped files expect.
func (c Config) writePrometheus(alertmanagerURL string) (string, error) {
	text := fmt.Sprintf(`global: {scrape_interval: %s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [%q]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs:
  - job_name: rocketchat_import
`, c.shortened(interval), filepath.Join(c.Dir, "*.rules.yml"), strings.TrimPrefix(alertmanagerURL, "http://"))
	if c.Many != "" {
		text += strings.ReplaceAll(many, "ADDRESS", c.Many)
	} else {
		text += "    static_configs:\n"
	}
	for workspace, address := range c.Exporters {
		text += fmt.Sprintf("      - {targets: [%q], labels: {instance: %q}}\n", address, workspace)
	}
	path := filepath.Join(c.Dir, "prometheus.yml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
