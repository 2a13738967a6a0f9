// Command rocketchat_import_exporter watches data imports into one Rocket.Chat
// workspace and shows them to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
)

const name = "rocketchat_import_exporter"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it serves until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parseSettings(args, stdout)
	if errors.Is(err, errAnswered) {
		return 0
	}
	calls := collector.NewCalls()
	var c *client.Client
	if err == nil {
		c, err = newClient(settings, calls)
	}
	if err != nil {
		oneLine := strings.Join(strings.Fields(err.Error()), " ")
		fmt.Fprintf(stderr, "%s: error: %s\n", name, oneLine)
		return 1
	}
	defer c.Close()
	logger := newLogger(settings, stderr)
	if err := serve(ctx, settings, c, calls, logger); err != nil {
		level.Error(logger).Log("msg", "stopped", "err", err)
		return 1
	}
	return 0
}

// newClient makes the client of the workspace that the settings name.
func newClient(s *settings, calls *collector.Calls) (*client.Client, error) {
	c, err := client.New(client.Config{
		URL: s.url, UserID: s.userID, Token: s.token, TokenFile: s.tokenFile,
		HTTP: s.http, UserAgent: name + "/" + version.Version, Observe: calls.Observe,
	})
	if err != nil {
		return nil, blame(httpConfigFileFlag, err)
	}
	return c, nil
}

// serve wires the parts together and serves until ctx ends.
func serve(ctx context.Context, s *settings, c *client.Client, calls *collector.Calls, logger log.Logger) error {
	level.Info(logger).Log("msg", "starting "+name, "version", version.Info(), "build_context", version.BuildContext())
	warn(s, logger)
	workspace := collector.NewWorkspace(c, collector.Options{
		Mode: s.mode, Timeout: s.timeout, MinInterval: s.minInterval, FileDataTimeout: s.fileDataTimeout,
		Logger: logger, Now: time.Now,
	})
	defer workspace.Close()

	own := prometheus.NewRegistry()
	own.MustRegister(
		versioncollector.NewCollector(name),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	landing, err := landingPage(s)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(s.telemetryPath, collector.Handler(workspace, calls, own, logger))
	mux.Handle("/", landing)
	return listen(ctx, s, mux, logger)
}

// listen serves handler until ctx ends, and then answers the requests that are
// under way.
func listen(ctx context.Context, s *settings, handler http.Handler, logger log.Logger) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		level.Info(logger).Log("msg", "stopping")
		grace, cancel := context.WithTimeout(context.Background(), s.timeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	err := web.ListenAndServe(server, s.web, slog.New(sloggokit.NewGoKitHandler(logger, slog.LevelDebug)))
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	stop()
	return blame(listenAddressFlag, err)
}

// landingPage is what a person sees who opens the exporter in a browser.
func landingPage(s *settings) (http.Handler, error) {
	return web.NewLandingPage(web.LandingConfig{
		Name:        "Rocket.Chat import exporter",
		Description: "Watches data imports into Rocket.Chat for Prometheus.",
		Version:     version.Info(),
		Profiling:   "false",
		Links:       []web.LandingLinks{{Address: s.telemetryPath, Text: "Metrics"}},
	})
}

// warn tells, once, of settings that may cost the operator dearly.
func warn(s *settings, logger log.Logger) {
	if s.url.Scheme == "http" && !loopback(s.url.Hostname()) {
		level.Warn(logger).Log("msg", "the token goes to Rocket.Chat over plain http, where anyone on the way can read it; use https", "url", s.url)
	}
	if s.mode == collector.Unguarded {
		level.Warn(logger).Log("msg", "--import.file-data=unguarded calls getImportFileData at every scrape: THIS WIPES A RUNNING IMPORT; use it only where nothing but this endpoint can be reached")
	}
}
