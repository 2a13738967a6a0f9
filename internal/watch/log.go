package watch

import (
	"errors"
	"fmt"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

// changeLogger logs the result of one kind of call whenever it changes. The
// watcher's lock guards it.
type changeLogger struct {
	logger log.Logger
	hint   func(client.Hint) string // in the words of the workspace's settings
	last   string
}

// succeeded logs that calls succeed, unless the last one did too.
func (l *changeLogger) succeeded(msg string) {
	if l.changed("good") {
		level.Info(l.logger).Log("msg", msg)
	}
}

// failed logs an error and what to do, unless the last call failed alike.
func (l *changeLogger) failed(msg string, err error) {
	kind, line := err.Error(), []any{"msg", msg, "err", err}
	if known := (*client.Error)(nil); errors.As(err, &known) {
		kind = fmt.Sprint(known.Reason, known.Status)
		line = []any{"msg", msg, "reason", known.Reason, "err", err, "hint", l.hint(known.Hint)}
	}
	if errors.Is(err, client.ErrNotSent) {
		kind = client.ErrNotSent.Error()
	}
	if l.changed(kind) {
		level.Error(l.logger).Log(line...)
	}
}

// changed records a kind of result, and reports whether the last was another.
func (l *changeLogger) changed(kind string) bool {
	changed := kind != l.last
	l.last = kind
	return changed
}
