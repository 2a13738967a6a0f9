package watch

import (
	"errors"
	"fmt"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

// changeLogger logs the result of one kind of call whenever it changes. The
// memory's lock guards it.
type changeLogger struct {
	logger log.Logger
	last   string
}

// succeeded logs that calls succeed, unless the last one did too.
func (l *changeLogger) succeeded(msg string) {
	if l.changed("good") {
		level.Info(l.logger).Log("msg", msg)
	}
}

// failed logs an error and what to do, in the words of the workspace's settings, unless the last call
// failed alike.
func (l *changeLogger) failed(msg string, err error, hint func(client.Hint) string) {
	kind, line := err.Error(), []any{"msg", msg, "err", err}
	if known, ok := errors.AsType[*client.Error](err); ok {
		kind = fmt.Sprint(known.Reason, known.Status)
		line = []any{"msg", msg, "reason", known.Reason, "err", err, "hint", hint(known.Hint)}
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
