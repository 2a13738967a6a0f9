// Command demo shows the exporter at work without a Rocket.Chat: it starts a
// simulated one and the real exporter, and plays an import of about three
// minutes again and again. With -with-alerts it also starts a real Prometheus and
// a real Alertmanager, and the import stalls.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "demo"
	token  = "a-token-for-the-demo"
	// rest is how long an import that is over stays before the next begins.
	rest = 20 * time.Second
)

func main() {
	withAlerts := flag.Bool("with-alerts", false, "also start a real Prometheus and a real Alertmanager with the shipped rules, and let the import stall")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *withAlerts); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows the demo until ctx ends.
func run(ctx context.Context, withAlerts bool) error {
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	go server.Serve(listener)
	workspace := "http://" + listener.Addr().String()

	fmt.Println("Building and starting the exporter …")
	exporter, err := startExporter(ctx, workspace)
	if err != nil {
		return err
	}
	defer exporter.stop()
	fmt.Printf(`
  simulated Rocket.Chat   %s
  metrics                 %s
`, workspace, exporter.metrics())
	if withAlerts {
		return playWithAlerts(ctx, sim, exporter)
	}
	fmt.Printf(`
An import of about three minutes plays again and again. Watch it move:

  curl -s %s | grep ^rocketchat_import_records

Press Ctrl-C to end.

`, exporter.metrics())
	return play(ctx, sim, rocketchatsim.Slack(), program{"the exporter", exporter.Ended()})
}

// playWithAlerts plays imports that stall, and shows what Alertmanager sends.
func playWithAlerts(ctx context.Context, sim *rocketchatsim.Server, e *exporter) error {
	alerting, err := startAlerting(ctx, e.address)
	if err != nil {
		return err
	}
	defer alerting.stop()
	fmt.Printf(`  alerts in Prometheus    %s/api/v1/alerts
  Alertmanager            %s

An import that stalls half-way through its messages plays again and again. The
shipped rules run %d times faster here: RocketChatImportStalled comes after 45 s
without movement, and not after 15 minutes. What Alertmanager sends is shown below.

Press Ctrl-C to end.

`, alerting.PrometheusURL, alerting.AlertmanagerURL, alertSpeed)
	return play(ctx, sim, rocketchatsim.Stall(standstill),
		program{"the exporter", e.Ended()},
		program{"Prometheus", alerting.Prometheus.Ended()},
		program{"Alertmanager", alerting.Alertmanager.Ended()},
	)
}

// play plays the import again and again until ctx ends, which is no error, or one
// of the programs does.
func play(ctx context.Context, sim *rocketchatsim.Server, script rocketchatsim.Script, programs ...program) error {
	ended := make(chan error, len(programs))
	for _, p := range programs {
		go func() {
			<-p.ended
			ended <- fmt.Errorf("%s ended", p.name)
		}()
	}
	for {
		fmt.Println(time.Now().Format(time.TimeOnly), "a Slack import begins")
		sim.Start(script, 1)
		select {
		case <-time.After(script.Duration() + rest):
		case <-ctx.Done():
			return nil
		case err := <-ended:
			if ctx.Err() != nil {
				return nil // Ctrl-C ends them all
			}
			return err
		}
	}
}

// program is one whose end is the demo's.
type program struct {
	name  string
	ended <-chan struct{}
}
