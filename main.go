// Command rocketchat_import_exporter watches data imports into Rocket.Chat and
// shows them to Prometheus. It never changes them.
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

	"rocketchat_import_exporter/internal/server"
	"rocketchat_import_exporter/internal/workspaces"
)

const name = "rocketchat_import_exporter"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program, and returns its exit code. It serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parseSettings(args, stdout)
	switch {
	case errors.Is(err, errAnswered):
		return 0
	case err != nil:
		return failed(stderr, err)
	case settings.command == checkCommand:
		return runCheck(ctx, settings, stdout, stderr)
	default:
		return runServe(ctx, settings, stderr)
	}
}

// failed says, in one line, why the program does not do what it was asked.
func failed(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: error: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	return 1
}

func runServe(ctx context.Context, s *settings, stderr io.Writer) int {
	e, err := newExporter(s, newLogger(s, stderr))
	if err != nil {
		return failed(stderr, err)
	}
	defer e.set.Close()
	if err := e.serve(ctx); err != nil {
		level.Error(e.logger).Log("msg", "stopped", "err", err)
		return 1
	}
	return 0
}

// exporter is the parts, wired together.
type exporter struct {
	settings *settings
	logger   log.Logger
	set      *workspaces.Set
	own      *prometheus.Registry
	loads    *loads
}

// newExporter makes the parts. It fails if the configuration cannot be used.
func newExporter(s *settings, logger log.Logger) (*exporter, error) {
	e := &exporter{
		settings: s, logger: logger,
		set: workspaces.NewSet(name+"/"+version.Version, logger),
		own: prometheus.NewRegistry(),
	}
	e.own.MustRegister(
		versioncollector.NewCollector(name),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	e.loads = newLoads(e.own, s.configFile != "")
	return e, e.load()
}

// serve serves until ctx ends, and reloads on SIGHUP.
func (e *exporter) serve(ctx context.Context) error {
	level.Info(e.logger).Log("msg", "starting "+name, "version", version.Info(), "build_context", version.BuildContext())
	stop := e.reloadOnSignal()
	defer stop()
	options := server.Options{
		Set: e.set, Single: e.settings.single(), TelemetryPath: e.settings.telemetryPath, Own: e.own,
		Docs: docs, Logger: e.logger,
	}
	if e.settings.lifecycle {
		options.Reload = e.reload
	}
	return e.listen(ctx, server.New(options))
}

// listen serves handler until ctx ends, and then answers the requests that are
// under way.
func (e *exporter) listen(ctx context.Context, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		level.Info(e.logger).Log("msg", "stopping")
		grace, cancel := context.WithTimeout(context.Background(), e.settings.flags.Timeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	err := web.ListenAndServe(server, e.settings.web, slog.New(sloggokit.NewGoKitHandler(e.logger, slog.LevelDebug)))
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	stop()
	if *e.settings.web.WebSystemdSocket {
		return blame(systemdSocketFlag, err)
	}
	return blame(listenAddressFlag, err)
}
