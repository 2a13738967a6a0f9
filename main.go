// Command rocketchat_import_exporter exports the state of data imports into
// Rocket.Chat to Prometheus. It is built to change no import:
// docs/harmlessness.md says what risk is left.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"

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
	code := 0
	f, err := parseFlags(args, stdout)
	if err == nil {
		code, err = f.run(ctx, stdout, stderr)
	}
	if f != nil && len(f.used) > 0 {
		err = advise(err)
	}
	switch {
	case err == nil:
		return code
	case errors.Is(err, errPrinted):
		return 0
	case !errors.Is(err, errReported):
		fmt.Fprintf(stderr, "%s: error: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	}
	return 1
}

// run runs the command, and returns its exit code.
func (f *flags) run(ctx context.Context, stdout, stderr io.Writer) (code int, err error) {
	if len(f.used) > 0 && !f.json {
		fmt.Fprintf(stderr, "Using %s, as the service does.\n", strings.Join(f.used, " and "))
	}
	switch {
	case f.configCheck || f.command == serveCommand:
		return 0, runExporter(ctx, f, stdout, newLogger(f, stderr))
	case f.command == watchCommand:
		return runWatch(ctx, f, stdout)
	case f.command == checkCommand:
		return 0, runCheck(ctx, f, stdout)
	default:
		return 0, runHealth(ctx, f)
	}
}

// errReported means that the output or the log already has the failure.
var errReported = errors.New("failed")

// runExporter serves, or with --config.check prints what the settings describe. That calls nobody:
// the first look by itself comes after a second at the earliest.
func runExporter(ctx context.Context, f *flags, stdout io.Writer, logger log.Logger) error {
	takeStandardLog(logger)
	e, err := newExporter(f, logger)
	if err != nil {
		return err
	}
	defer e.set.Close()
	if f.configCheck {
		e.logWarnings()
		fmt.Fprintln(stdout, "The settings can be used. They describe:")
		for _, w := range e.set.All() {
			fmt.Fprintf(stdout, "workspace %s at %s, which reads the selection %s\n", w.Name, w.Config.URL, w.Config.FileData)
		}
		return nil
	}
	if err := e.serve(ctx); err != nil {
		level.Error(logger).Log("msg", "stopped", "err", err)
		return errReported
	}
	return nil
}

// newLogger returns a logger that writes to w in the format of the flags.
func newLogger(f *flags, w io.Writer) log.Logger {
	w = log.NewSyncWriter(w)
	logger := log.NewLogfmtLogger(w)
	if f.logFormat == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(f.logLevel, level.InfoValue())))
	return log.With(logger, "ts", log.DefaultTimestampUTC)
}

// exporter holds the parts and wires them together.
type exporter struct {
	flags    *flags
	logger   log.Logger
	set      *workspaces.Set
	registry *prometheus.Registry // of the exporter itself
	// Of the last load, and when the last good one was, in nanoseconds.
	rejected  atomic.Pointer[error]
	succeeded atomic.Int64
	loading   sync.Mutex // one load at a time; it guards what follows
	loaded    file       // that was last loaded or rejected
	seen      file       // that was last read
}

// newExporter returns an exporter that watches the workspaces. It returns an
// error if the configuration cannot be used.
func newExporter(f *flags, logger log.Logger) (*exporter, error) {
	e := &exporter{
		flags: f, logger: logger,
		set:      workspaces.NewSet(name+"/"+version.Version, logger),
		registry: prometheus.NewRegistry(),
	}
	e.registry.MustRegister(
		versioncollector.NewCollector(name),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if f.many() {
		e.exportReloads()
	}
	return e, e.load(f.readFile())
}

func (e *exporter) logWarnings() {
	for _, warning := range e.flags.warnings {
		level.Warn(e.logger).Log("msg", warning)
	}
}

// serve serves until ctx ends, and reloads meanwhile.
func (e *exporter) serve(ctx context.Context) error {
	level.Info(e.logger).Log("msg", "starting "+name, "version", version.Info(), "build_context", version.BuildContext())
	e.logWarnings()
	ctx, cancel := context.WithCancel(ctx)
	defer e.startReloading(ctx)()
	defer cancel()
	options := server.Options{
		Set: e.set, TelemetryPath: e.flags.telemetryPath, Registry: e.registry, Logger: e.logger,
		Rejected: func() error { return *e.rejected.Load() },
	}
	if !e.flags.many() {
		options.Workspace = e.flags.workspace.URL.Host
	}
	if e.flags.lifecycle {
		options.Reload, options.Local = e.reload, e.flags.local()
	}
	return e.listen(ctx, server.New(options))
}
