package server

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
	"rocketchat_import_exporter/internal/workspaces"
)

//go:embed home.html
var homeHTML string

var homeTemplate = template.Must(template.New("home").Parse(homeHTML))

// page is what the page for people shows.
type page struct {
	Version    string
	Telemetry  string
	Single     bool
	Workspaces []view
}

// view is what it shows of a workspace. Texts are empty where nothing is known.
type view struct {
	Name, URL             string
	State, Step, Importer string
	Age                   time.Duration // of all but the failure
	Seen                  bool          // whether there ever was an answer
	Expected              *int64
	Handled, Failed       int64
	Selection             *client.Selection
	Interrupted           bool
	Failing               bool
	Failure, Hint         string
	FailureAge            time.Duration
}

// Percent is how far the import is, 0 to 100.
func (v view) Percent() int64 {
	if v.Expected == nil || *v.Expected == 0 {
		return 0
	}
	return min(100*v.Handled / *v.Expected, 100)
}

// home shows a person what the last scrapes have seen. It makes no call of
// Rocket.Chat.
func (o Options) home(w http.ResponseWriter, _ *http.Request) {
	p := page{Version: version.Info(), Telemetry: o.TelemetryPath, Single: o.Single != ""}
	for _, workspace := range o.Set.All() {
		p.Workspaces = append(p.Workspaces, viewOf(workspace, time.Now()))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := homeTemplate.Execute(w, p); err != nil {
		level.Debug(o.Logger).Log("msg", "the page was not sent", "err", err)
	}
}

func viewOf(w *workspaces.Entry, now time.Time) view {
	seen := w.Status()
	v := view{Name: w.Name, URL: w.Config.URL.String(), Seen: !seen.At.IsZero(), Failing: seen.Failing}
	v.show(seen.Snapshot)
	v.Age = now.Sub(seen.At).Round(time.Second)
	if seen.Failure.Err != nil {
		v.Failure = seen.Failure.Err.Error()
		v.FailureAge = now.Sub(seen.Failure.At).Round(time.Second)
		var e *client.Error
		if errors.As(seen.Failure.Err, &e) {
			v.Hint = e.Hint
		}
	}
	return v
}

// show takes over what a snapshot tells of the import.
func (v *view) show(s watch.Snapshot) {
	v.State, v.Selection = string(s.State), s.Selection
	if s.PositionKnown && s.State == client.StateUnknown {
		v.State = "unknown"
	}
	op := s.Operation
	if op == nil {
		return
	}
	v.Step, v.Importer, v.Interrupted = string(op.Step), op.Type, !op.Valid
	if op.Counts.Total.Known {
		v.Expected = &op.Counts.Total.Value
	}
	v.Failed = op.Counts.Error.Value
	v.Handled = op.Counts.Completed.Value + v.Failed
}
