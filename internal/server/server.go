// Package server is what the exporter serves over HTTP.
package server

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rocketchat_import_exporter/collector"
	"rocketchat_import_exporter/internal/workspaces"
)

// Options say what is served.
type Options struct {
	// Set is the workspaces that are watched.
	Set *workspaces.Set
	// Single is the name of the one workspace that TelemetryPath shows; empty
	// where a configuration file names many, for /probe to show.
	Single string
	// TelemetryPath is where the exporter's own metrics are.
	TelemetryPath string
	// Own gathers the metrics of the exporter itself.
	Own *prometheus.Registry
	// Reload reads the configuration file again. POST /-/reload calls it; nil
	// where that is not enabled.
	Reload func() error
	// Docs has README.md and docs/.
	Docs fs.FS
	// Logger gets what a page cannot tell.
	Logger log.Logger
}

// New returns the handler of all paths.
func New(o Options) http.Handler {
	mux := o.routes()
	mux.Handle(o.TelemetryPath, promhttp.InstrumentMetricHandler(o.Own, o.telemetry()))
	return mux
}

// routes returns the router of all paths except the telemetry path.
func (o Options) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", o.home)
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Healthy.") })
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Ready.") })
	mux.HandleFunc("/-/reload", o.reload)
	mux.Handle("/README.md", o.docs())
	mux.Handle("/docs/", o.docs())
	if o.Single == "" {
		mux.HandleFunc("/probe", o.probe)
		mux.HandleFunc("/sd", o.discovery)
	}
	return mux
}

// Reserved reports whether path leads to one of the pages, so that it cannot
// be the telemetry path.
func Reserved(path string) bool {
	_, pattern := Options{}.routes().Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	return pattern != ""
}

// docs shows Markdown as the text that it is.
func (o Options) docs() http.Handler {
	files := http.FileServerFS(o.Docs)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		files.ServeHTTP(w, r)
	})
}

// telemetry shows the exporter itself, and the one workspace where there is just one.
func (o Options) telemetry() http.Handler {
	if o.Single == "" {
		return promhttp.HandlerFor(o.Own, promhttp.HandlerOpts{Registry: o.Own, DisableCompression: true})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.show(w, r, o.Single, o.Own) })
}

// probe shows the workspace that target names. A target is a name from the
// configuration file and never a URL, so that no caller can make the exporter
// call, or hand a token to, any other place.
func (o Options) probe(w http.ResponseWriter, r *http.Request) {
	o.show(w, r, r.URL.Query().Get("target"), nil)
}

// show answers a scrape of a workspace, with what own gathers unless it is nil.
func (o Options) show(w http.ResponseWriter, r *http.Request, name string, own *prometheus.Registry) {
	workspace, release := o.Set.Use(name)
	defer release()
	if workspace == nil {
		http.Error(w, "There is no workspace of that name in the configuration file.", http.StatusNotFound)
		return
	}
	collector.Serve(w, r, workspace.Watcher, workspace.API, own, o.Logger)
}

// group is a target group of Prometheus's HTTP service discovery.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discovery lists the workspaces for Prometheus's HTTP service discovery.
func (o Options) discovery(w http.ResponseWriter, _ *http.Request) {
	groups := []group{} // and not null where there is none
	for _, workspace := range o.Set.All() {
		groups = append(groups, group{
			Targets: []string{workspace.Name},
			Labels:  map[string]string{"__meta_rocketchat_url": workspace.Config.URL.String()},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(groups); err != nil {
		level.Debug(o.Logger).Log("msg", "the list of workspaces was not sent", "err", err)
	}
}

// reload reads the configuration file again, as Prometheus does.
func (o Options) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Only POST and PUT reload.", http.StatusMethodNotAllowed)
	case o.Reload == nil:
		http.Error(w, "Reloading over HTTP is not enabled: start the exporter with --web.enable-lifecycle, or send it a SIGHUP.", http.StatusForbidden)
	default:
		if err := o.Reload(); err != nil {
			http.Error(w, "failed to reload the configuration: "+err.Error(), http.StatusInternalServerError)
		}
	}
}
