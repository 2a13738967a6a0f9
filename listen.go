package main

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newServer returns a server of the exporter's pages. None of its requests has a body. Many short
// headers take 16 times their size. Without IdleTimeout, ReadTimeout would end idle connections.
func newServer(handler http.Handler, logs slog.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(logs, slog.LevelWarn),
	}
}

// listen serves handler until ctx ends. It answers the requests that have begun by then.
func (e *exporter) listen(ctx context.Context, handler http.Handler) error {
	logs := oneTimestamp{sloggokit.NewGoKitHandler(levelFirst(e.logger), slog.LevelDebug)}
	server := newServer(handler, logs)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		level.Info(e.logger).Log("msg", "stopping")
		grace, cancel := context.WithTimeout(context.Background(), e.flags.workspace.Timeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	err := web.ListenAndServe(server, e.flags.web, slog.New(logs))
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	stop()
	if *e.flags.web.WebSystemdSocket {
		return flagError(systemdSocketFlag, err)
	}
	return flagError(listenAddressFlag, err)
}

// oneTimestamp hands records to a handler whose logger has a time of its own.
type oneTimestamp struct{ slog.Handler }

// Handle handles the record without its time and its place in the code.
func (h oneTimestamp) Handle(ctx context.Context, r slog.Record) error {
	r.Time, r.PC = time.Time{}, 0
	return h.Handler.Handle(ctx, r)
}

// levelFirst returns a logger for slog's handler. It puts the level, which that handler logs first,
// before what logger adds, as package level does.
func levelFirst(logger log.Logger) log.Logger {
	return log.LoggerFunc(func(pairs ...any) error {
		return log.WithPrefix(logger, pairs[:2]...).Log(pairs[2:]...)
	})
}

// takeStandardLog lets what net/http's client prints go through logger.
func takeStandardLog(logger log.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(standardLog{logger})
}

// standardLog takes lines of the standard logger.
type standardLog struct{ logger log.Logger }

// Write logs a line, without what it quotes from a server, which may echo the token.
func (l standardLog) Write(line []byte) (int, error) {
	text, _, _ := strings.Cut(strings.TrimSpace(string(line)), ` starting with "`)
	level.Warn(l.logger).Log("msg", text)
	return len(line), nil
}
