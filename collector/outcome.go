package collector

import (
	"errors"
	"fmt"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
)

var (
	errScrapeEnded  = errors.New("no answer within the time that Prometheus gives a scrape")
	errStillWaiting = errors.New("Rocket.Chat says that it is still preparing the file")
)

// outcome logs what one kind of call comes to: a line each time that it
// changes, none while it stays. The workspace's lock guards it.
type outcome struct {
	logger log.Logger
	last   string
}

// succeeded is for a call that was answered.
func (o *outcome) succeeded(msg string) {
	if o.changed("good") {
		level.Info(o.logger).Log("msg", msg)
	}
}

// failed is for a call that was not. The line names the reason and what to do.
func (o *outcome) failed(msg string, err error) {
	line := []any{"msg", msg}
	kind := err.Error()
	var known *client.Error
	switch {
	case errors.Is(err, client.ErrNotSent):
		kind = client.ErrNotSent.Error()
	case errors.As(err, &known):
		kind = fmt.Sprint(known.Reason, known.Status)
		line = append(line, "reason", known.Reason)
	}
	line = append(line, "err", err)
	if known != nil {
		line = append(line, "hint", known.Hint)
	}
	if o.changed(kind) {
		level.Error(o.logger).Log(line...)
	}
}

// changed notes a kind of outcome, and reports whether the last was another.
func (o *outcome) changed(kind string) bool {
	changed := kind != o.last
	o.last = kind
	return changed
}
