package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/demo/process"
)

const (
	// alertSpeed is how many times faster than shipped the rules are, so that an
	// import that stalls is told of after 45 s and not after 15 min.
	alertSpeed = 20
	// standstill is how long the import stalls; it is enough to be told of.
	standstill = 75 * time.Second
)

// alerting is a Prometheus with the shipped rules, and an Alertmanager that sends
// to the terminal.
type alerting struct {
	*alertstack.Stack
	dir     string
	webhook *http.Server
}

// startAlerting returns once both can be asked. exporter is the address of the
// exporter.
func startAlerting(ctx context.Context, exporter string) (*alerting, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	if err := buildAlerting(ctx, root); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &alerting{webhook: &http.Server{Handler: alertstack.Webhook(show), ReadHeaderTimeout: 10 * time.Second}}
	go a.webhook.Serve(listener)
	if a.dir, err = os.MkdirTemp("", "demo"); err == nil {
		bin := filepath.Join(root, "test", "bin")
		a.Stack, err = alertstack.Start(ctx, alertstack.Config{
			Prometheus:   filepath.Join(bin, "prometheus"),
			Alertmanager: filepath.Join(bin, "alertmanager"),
			Alerts:       filepath.Join(root, "alerts"),
			Dir:          a.dir,
			Speed:        alertSpeed,
			Exporters:    map[string]string{"demo": exporter},
			Webhook:      "http://" + listener.Addr().String(),
		})
	}
	if err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}

// stop ends both programs and removes what they wrote.
func (a *alerting) stop() {
	if a.Stack != nil {
		a.Stack.Stop()
	}
	a.webhook.Close()
	os.RemoveAll(a.dir)
}

// show prints what Alertmanager sends, a line for each alert.
func show(n alertstack.Notification) {
	for _, alert := range n.Alerts {
		fmt.Printf("%s %s to %s: %s %s\n", time.Now().Format(time.TimeOnly),
			strings.ToUpper(alert.Status), n.Receiver, alert.Labels["alertname"], alert.Annotations["summary"])
	}
}

// moduleRoot returns the folder of the module that this program is of.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "rocketchat_import_exporter").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// buildAlerting builds Prometheus and Alertmanager, each from the module that pins
// it, unless they are there.
func buildAlerting(ctx context.Context, root string) error {
	bin := filepath.Join(root, "test", "bin")
	for program, module := range map[string]string{"prometheus": "test", "alertmanager": "test/alertmanager"} {
		if _, err := os.Stat(filepath.Join(bin, program)); err == nil {
			continue
		}
		fmt.Printf("Building %s, which takes minutes the first time …\n", program)
		path := "github.com/prometheus/" + program + "/cmd/" + program
		if _, err := process.Build(ctx, bin, path, "-C", filepath.Join(root, module)); err != nil {
			return err
		}
	}
	return nil
}
