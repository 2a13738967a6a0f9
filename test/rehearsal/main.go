// Command rehearsal shows the shipped alerts before they are needed: a real Prometheus scrapes the
// exporter, which watches simulated workspaces, and a real Alertmanager sends what the alerts find.
// Run it in the folder test/ with "go run ./rehearsal". With -alertmanager FILE, that file says where
// the messages go. It ends with Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/stories"
	"rocketchat_import_exporter/test/alertstack"
)

const (
	speed = 20 // how many times shorter than shipped all waits are
	bin   = "bin"
)

func main() {
	file := flag.String("alertmanager", "", "your own configuration of Alertmanager, used as it is; empty for the shipped one, whose messages are printed here")
	flag.Parse()
	process.Main("rehearsal", func(ctx context.Context, dir string) error { return run(ctx, dir, *file) })
}

// run starts all programs, and then lets the imports begin.
func run(ctx context.Context, dir, alertmanagerYML string) error {
	if err := buildPrograms(ctx); err != nil {
		return err
	}
	workspaces := stories.Start(5) // which fire alerts, except the first
	fmt.Println("Building the exporter …")
	exporter, url, err := process.StartExporter(ctx, dir, stories.Configuration(workspaces), "-C", "..")
	if err != nil {
		return err
	}
	defer exporter.Stop()
	channel := rocketchatsim.New(rocketchatsim.Config{RateLimit: -1})
	channel.SetUser(stories.UserID, stories.Token)
	stack, err := alertstack.Start(ctx, alertstack.Config{
		Prometheus: filepath.Join(bin, "prometheus"), Alertmanager: filepath.Join(bin, "alertmanager"),
		Alerts: "../alerts", Dir: dir, Speed: speed, Many: strings.TrimPrefix(url, "http://"),
		AlertmanagerYML: alertmanagerYML,
		Webhook:         httptest.NewServer(alertstack.Webhook(show)).URL,
		RocketChat:      &alertstack.RocketChat{URL: httptest.NewServer(channel).URL, UserID: stories.UserID, Token: stories.Token},
	})
	if err != nil {
		return err
	}
	defer stack.Stop()
	fmt.Printf("The page:      %s/\nPrometheus:    %s/alerts\nAlertmanager:  %s\n\nWaits are %d times shorter than shipped. Press Ctrl-C to end.\n\n",
		url, stack.PrometheusURL, stack.AlertmanagerURL, speed)
	if alertmanagerYML != "" {
		fmt.Printf("Alertmanager sends its messages as %s says. Within five minutes RocketChatImportStalled (globex)\nand RocketChatImportFinished (initech) must arrive.\n\n", alertmanagerYML)
	}
	for _, w := range workspaces {
		w.Begin(w.Server)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	for _, p := range []*process.Process{exporter, stack.Prometheus, stack.Alertmanager} {
		go func() { end(fmt.Errorf("a program ended: %w\n%s", p.Err(), p.Output())) }()
	}
	return showMessages(ctx, channel)
}

// buildPrograms builds Prometheus and Alertmanager, each from the module that pins it, if need be.
func buildPrograms(ctx context.Context) error {
	to, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	for program, module := range map[string]string{"alertmanager": "alertmanager", "prometheus": "."} {
		if _, err := os.Stat(filepath.Join(bin, program)); err == nil {
			continue
		}
		fmt.Printf("Building %s, which takes minutes the first time …\n", program)
		if _, err := process.Build(ctx, to, "github.com/prometheus/"+program+"/cmd/"+program, "-C", module); err != nil {
			return err
		}
	}
	return nil
}

// show prints what goes to the pager and to tickets.
func show(n alertstack.Notification) {
	for _, alert := range n.Alerts {
		say(n.Receiver, alert.Status+": "+alert.Annotations["summary"])
	}
}

// showMessages prints each message that arrives in Rocket.Chat, until ctx ends.
func showMessages(ctx context.Context, channel *rocketchatsim.Server) error {
	shown := 0
	for tick := time.Tick(250 * time.Millisecond); ; {
		for _, message := range channel.Messages()[shown:] {
			shown++
			for _, a := range message.Attachments {
				say(message.Channel, a.Title+"\n"+strings.TrimSpace(a.Text))
			}
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// say prints a message with the time and to whom it went.
func say(to, text string) {
	fmt.Printf("%s  %-12s  %s\n", time.Now().Format(time.TimeOnly), to, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 24)))
}
