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
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// alertSpeed is how many times shorter the waits of Prometheus and Alertmanager
// are than shipped, so that nobody has to wait for minutes.
const alertSpeed = 20

// alerting is a Prometheus with the shipped rules, and an Alertmanager that
// posts into a simulated Rocket.Chat, and to webhooks for pager and tickets.
type alerting struct {
	*alertstack.Stack
	dir      string
	webhooks *http.Server
}

// startAlerting starts what buildAlerting built, and returns once both can be asked. What Alertmanager posts into
// the channel of chat is shown from then on, until ctx ends.
func startAlerting(ctx context.Context, e *exporter, chat *workspace) (*alerting, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &alerting{webhooks: &http.Server{Handler: alertstack.Webhook(show), ReadHeaderTimeout: 10 * time.Second}}
	go a.webhooks.Serve(listener)
	if a.dir, err = os.MkdirTemp("", "demo"); err == nil {
		bin := filepath.Join(root, "test", "bin")
		config := alertstack.Config{
			Prometheus:   filepath.Join(bin, "prometheus"),
			Alertmanager: filepath.Join(bin, "alertmanager"),
			Alerts:       filepath.Join(root, "alerts"),
			Dir:          a.dir,
			Speed:        alertSpeed,
			Webhook:      "http://" + listener.Addr().String(),
			RocketChat:   &alertstack.RocketChat{URL: chat.url, UserID: userID, Token: token},
		}
		if e.many {
			config.Many = e.address
		} else {
			config.Exporters = map[string]string{chat.name: e.address}
		}
		a.Stack, err = alertstack.Start(ctx, config)
	}
	if err != nil {
		a.stop()
		return nil, err
	}
	fmt.Printf(`
Now Prometheus scrapes the exporter, and all begins anew. Its alerts:  %s/alerts
Alertmanager sends them:                                               %s
Its messages are shown as they arrive in #imports of the simulated Rocket.Chat
%s. All waits are %d times shorter than shipped.

`, a.PrometheusURL, a.AlertmanagerURL, chat.name, alertSpeed)
	go showMessages(ctx, chat.sim)
	return a, nil
}

// stop ends both programs and removes what they wrote.
func (a *alerting) stop() {
	if a.Stack != nil {
		a.Stack.Stop()
	}
	a.webhooks.Close()
	os.RemoveAll(a.dir)
}

// show prints what goes to tickets. What goes to the pager is in the channel too.
func show(n alertstack.Notification) {
	for _, alert := range n.Alerts {
		if n.Receiver == "tickets" {
			say("%-12s  %s: %s", n.Receiver, alert.Status, alert.Annotations["summary"])
		}
	}
}

// showMessages prints each message that arrives in a channel until ctx ends.
func showMessages(ctx context.Context, chat *rocketchatsim.Server) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for shown := 0; ; {
		messages := chat.Messages()
		for _, m := range messages[shown:] {
			for _, a := range m.Attachments {
				say("%-12s  %s\n%24s%s", m.Channel, a.Title, "", strings.TrimSpace(a.Text))
			}
		}
		shown = len(messages)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
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
func buildAlerting(ctx context.Context) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "test", "bin")
	for _, p := range []struct{ program, module, takes string }{
		{"alertmanager", "test/alertmanager", "1 to 3 minutes"},
		{"prometheus", "test", "6 to 18 minutes"},
	} {
		if _, err := os.Stat(filepath.Join(bin, p.program)); err == nil {
			continue
		}
		say("%-12s  is being built, which takes %s on two cores the first time", p.program, p.takes)
		done := showProgress(p.program)
		_, err := process.Build(ctx, bin, "github.com/prometheus/"+p.program+"/cmd/"+p.program, "-C", filepath.Join(root, p.module))
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// showProgress prints now and then for how long a program has been built, until
// done is called.
func showProgress(program string) (done func()) {
	began, tick := time.Now(), time.NewTicker(15*time.Second)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				say("%-12s  has been built for %s", program, time.Since(began).Round(time.Second))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(stop)
	}
}
