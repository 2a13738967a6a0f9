package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/internal/process"
)

// alertSpeed is how many times shorter the waits of Prometheus and Alertmanager
// are than shipped, so that nobody has to wait for minutes.
const alertSpeed = 20

// startAlerting starts a Prometheus with the shipped rules, and an Alertmanager that posts into a
// simulated Rocket.Chat, and to webhooks for pager and tickets. Both programs are in the module at
// root, and keep their files in dir. It returns once both are ready.
func startAlerting(ctx context.Context, root, dir string, e *exporter, chat *workspace) (*alertstack.Stack, error) {
	bin := filepath.Join(root, "test", "bin")
	config := alertstack.Config{
		Prometheus:   filepath.Join(bin, "prometheus"),
		Alertmanager: filepath.Join(bin, "alertmanager"),
		Alerts:       filepath.Join(root, "alerts"),
		Dir:          dir,
		Speed:        alertSpeed,
		Webhook:      httptest.NewServer(alertstack.Webhook(show)).URL,
		RocketChat:   &alertstack.RocketChat{URL: chat.url, UserID: userID, Token: token},
	}
	if len(e.targets) > 1 {
		config.Many = e.address
	} else {
		config.Exporters = map[string]string{chat.name: e.address}
	}
	stack, err := alertstack.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	fmt.Printf(`
Now Prometheus scrapes the exporter, and all begins anew. Its alerts:  %s/alerts
Alertmanager sends them:                                               %s
Its messages are shown as they arrive in #imports of the simulated Rocket.Chat
%s. All waits are %d times shorter than shipped.

`, stack.PrometheusURL, stack.AlertmanagerURL, chat.name, alertSpeed)
	return stack, nil
}

// show prints what goes to tickets. What goes to the pager is in the channel too.
func show(n alertstack.Notification) {
	for _, alert := range n.Alerts {
		if n.Receiver == "tickets" {
			say("%-12s  %s: %s", n.Receiver, alert.Status, alert.Annotations["summary"])
		}
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
// it, unless they are there. The times are those of go build with an empty
// GOCACHE: a half of the CPU time, and the real time on two busy cores.
func buildAlerting(ctx context.Context, root string) error {
	bin := filepath.Join(root, "test", "bin")
	for _, p := range []struct{ program, module, takes string }{
		{"alertmanager", "test/alertmanager", "1 to 3 minutes"},
		{"prometheus", "test", "6 to 18 minutes"},
	} {
		if _, err := os.Stat(filepath.Join(bin, p.program)); err == nil {
			continue
		}
		say("%-12s  is being built, which takes %s on two cores the first time", p.program, p.takes)
		if err := build(ctx, bin, p.program, filepath.Join(root, p.module)); err != nil {
			return err
		}
	}
	return nil
}

// build builds a program of Prometheus, and prints now and then for how long.
func build(ctx context.Context, bin, program, module string) error {
	began, built := time.Now(), make(chan error)
	go func() {
		_, err := process.Build(ctx, bin, "github.com/prometheus/"+program+"/cmd/"+program, "-C", module)
		built <- err
	}()
	for progress := time.Tick(15 * time.Second); ; {
		select {
		case <-progress:
			say("%-12s  has been built for %s", program, time.Since(began).Round(time.Second))
		case err := <-built:
			return err
		}
	}
}
