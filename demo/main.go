// Command demo shows the exporter at work without a Rocket.Chat: it starts a
// simulated one and the real exporter, and plays an import of about three
// minutes again and again.
package main

import (
	"context"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows the demo until ctx ends.
func run(ctx context.Context) error {
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

An import of about three minutes plays again and again. Watch it move:

  curl -s %[2]s | grep ^rocketchat_import_records

Press Ctrl-C to end.

`, workspace, exporter.metrics)
	return play(ctx, sim, exporter)
}

// play plays imports until ctx ends, or the exporter does.
func play(ctx context.Context, sim *rocketchatsim.Server, e *exporter) error {
	for {
		script := rocketchatsim.Slack()
		fmt.Println(time.Now().Format(time.TimeOnly), "a Slack import begins")
		sim.Start(script, 1)
		select {
		case <-time.After(script.Duration() + rest):
		case <-ctx.Done():
			return nil
		case <-e.ended:
			return fmt.Errorf("the exporter stopped: %w", e.err)
		}
	}
}
