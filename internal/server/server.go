// Package server is what the exporter serves over HTTP.
package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rocketchat_import_exporter/collector"
	"rocketchat_import_exporter/docs"
	"rocketchat_import_exporter/internal/page"
	"rocketchat_import_exporter/internal/workspaces"
)

// Options say what is served.
type Options struct {
	// Set is the workspaces that are watched.
	Set *workspaces.Set
	// Workspace is the name of the one workspace, which TelemetryPath shows. It is
	// empty if a configuration file lists them. /probe then shows each of them.
	Workspace string
	// TelemetryPath is the path of the exporter's own metrics.
	TelemetryPath string
	// Registry has the metrics of the exporter itself.
	Registry *prometheus.Registry
	// Reload reads the configuration file again. POST /-/reload calls it. It is nil if that is off.
	Reload func() error
	// Local is true if the exporter listens on loopback addresses alone. A request to reload must
	// then name such a host, so that no name that leads here from elsewhere is taken.
	Local bool
	// Rejected returns why the configuration file cannot be used; nil if it can.
	Rejected func() error
	// Logger logs what fails while a page is served.
	Logger log.Logger
}

// server has the handlers of all paths.
type server struct{ Options }

// New returns the handler of all paths.
func New(o Options) http.Handler {
	s := server{o}
	mux := s.routes()
	telemetry := promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{Registry: o.Registry, DisableCompression: true, EnableOpenMetrics: true})
	if o.Workspace != "" {
		telemetry = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serveMetrics(w, r, o.Workspace, o.Registry) })
	}
	mux.Handle(o.TelemetryPath, promhttp.InstrumentMetricHandler(o.Registry, telemetry))
	return mux
}

// routes returns the router of all paths except the telemetry path.
func (s server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/{$}", page.Home{Single: s.Workspace, TelemetryPath: s.TelemetryPath, Workspaces: s.seen, Rejected: s.Rejected})
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Healthy.") })
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Ready.") })
	// A page that a browser shows must not reload. Scripts send nothing that gives them away.
	mux.Handle("/-/reload", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.reload)))
	mux.Handle("/docs/", http.StripPrefix("/docs", page.Docs(docs.Files)))
	mux.HandleFunc("/probe", s.probe)
	if s.Workspace == "" {
		mux.HandleFunc("/sd", s.discovery)
	}
	return mux
}

// Reserved reports whether telemetryPath leads to one of the pages, so that it cannot
// be the telemetry path.
func Reserved(telemetryPath string) bool {
	_, pattern := server{}.routes().Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: telemetryPath}})
	return pattern != ""
}

// seen returns what the page at / shows of each workspace.
func (s server) seen() (all []page.Workspace) {
	for _, w := range s.Set.All() {
		all = append(all, page.Workspace{Name: w.Name, URL: w.Config.URL.String(), Status: w.Status(), Polls: w.Config.PollInterval > 0, Hint: w.Config.Hint})
	}
	return all
}

// probe shows the workspace that target names. A target is a name from the configuration file and
// never a URL, so that no caller can make the exporter call, or hand a token to, any other place.
func (s server) probe(w http.ResponseWriter, r *http.Request) {
	target, problem := r.URL.Query().Get("target"), ""
	switch {
	case s.Workspace != "":
		problem = "This exporter watches one workspace. Its metrics are at " + s.TelemetryPath + "."
	case target == "":
		problem = "The parameter target is missing. The workspaces are listed at /sd."
	default:
		s.serveMetrics(w, r, target, nil)
		return
	}
	http.Error(w, problem, http.StatusBadRequest)
}

// serveMetrics answers a scrape of a workspace, with the metrics of registry unless it is nil.
func (s server) serveMetrics(w http.ResponseWriter, r *http.Request, name string, registry *prometheus.Registry) {
	workspace, release := s.Set.Use(name)
	defer release()
	if workspace == nil {
		http.Error(w, "There is no workspace of that name in the configuration file.", http.StatusNotFound)
		return
	}
	collector.Serve(w, r, workspace.Watcher, workspace.API, registry, s.Logger)
}

// discovery lists the workspaces for Prometheus's HTTP service discovery.
func (s server) discovery(w http.ResponseWriter, _ *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{} // and not null where there is none
	for _, workspace := range s.Set.All() {
		groups = append(groups, group{
			Targets: []string{workspace.Name},
			Labels:  map[string]string{"__meta_rocketchat_url": workspace.Config.URL.String()},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(groups); err != nil {
		level.Debug(s.Logger).Log("msg", "the list of workspaces was not sent", "err", err)
	}
}

// reload reads the configuration file again, as Prometheus does.
func (s server) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Only POST and PUT reload.", http.StatusMethodNotAllowed)
	case s.Local && !workspaces.Loopback((&url.URL{Host: r.Host}).Hostname()):
		http.Error(w, "The exporter listens on this machine only: name it localhost or by its loopback address.", http.StatusForbidden)
	case s.Reload == nil:
		http.Error(w, "Reloading over HTTP is not enabled: start the exporter with --web.enable-lifecycle, or send it a SIGHUP.", http.StatusForbidden)
	default:
		if err := s.Reload(); err != nil {
			http.Error(w, "failed to reload the configuration: "+err.Error(), http.StatusInternalServerError)
		}
	}
}
