package page

import (
	"cmp"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/version"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

//go:embed home.html
var homeHTML string

var homeTemplate = template.Must(template.Must(styled.Clone()).New("home").Parse(homeHTML))

// Home serves the page at /, which shows a person what the newest looks have seen. It never calls
// Rocket.Chat.
type Home struct {
	// Single is the name of the one workspace, whose metrics TelemetryPath has. It is empty if a
	// configuration file lists the workspaces.
	Single, TelemetryPath string
	// Workspaces returns all workspaces, sorted by name.
	Workspaces func() []Workspace
	// Rejected returns why the configuration file cannot be used and the one before it still holds;
	// nil if it can.
	Rejected func() error
}

// Workspace is what the page is told about one workspace.
type Workspace struct {
	Name, URL string
	Status    watch.Status
	Polls     bool // the exporter looks by itself while nobody scrapes
	// Hint returns what a hint says to whoever set up the workspace.
	Hint func(client.Hint) string
}

// page is what the template of Home shows.
type page struct {
	Home
	Version string
	// Request says how the reader reaches the exporter.
	Request *http.Request
	// Rows are all workspaces, the most pressing first.
	Rows   []view
	Totals string
	// Opened is the workspace that is shown in full; nil if none is. NotFound is
	// true if the address names one that does not exist.
	Opened   *view
	NotFound bool
	// Unscraped says since when no workspace was scraped; empty if one was.
	Unscraped string
	// Looked is when the exporter last looked by itself; nil if it did not lately.
	Looked *moment
	// Rejected says why the configuration file cannot be used; empty if it can.
	Rejected string
	// Oldest is the oldest of the newest looks; nil if there was none.
	Oldest *moment
}

// Title is short enough for a browser's tab.
func (p page) Title() string {
	if p.Opened == nil {
		return p.Totals
	}
	title := p.Opened.Words + ": " + p.Opened.Name
	if p.Opened.Bar != nil && p.Opened.Bar.Max > 1 {
		title = p.Opened.Bar.Percent() + " " + title
	}
	return title
}

// ServeHTTP answers with the page.
func (h Home) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve(w, r, time.Now()) }

// serve answers with the page as it is at that time.
func (h Home) serve(w http.ResponseWriter, r *http.Request, now time.Time) {
	p := h.page(r, now)
	protect(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if p.NotFound {
		w.WriteHeader(http.StatusNotFound)
	}
	homeTemplate.Execute(w, p) // fails only if the reader has hung up
}

// page returns the page that answers the request.
func (h Home) page(r *http.Request, now time.Time) page {
	var rows []view
	for _, w := range h.Workspaces() {
		rows = append(rows, newView(w, now))
	}
	slices.SortStableFunc(rows, func(a, b view) int { return cmp.Compare(a.Order, b.Order) })
	p := page{Home: h, Version: version.Info(), Request: r, Rows: rows, Totals: totals(rows)}
	if h.Rejected != nil && h.Rejected() != nil {
		p.Rejected = h.Rejected().Error()
	}
	var scraped, looked time.Time
	for _, row := range rows {
		scraped, looked = later(scraped, row.scraped), later(looked, row.looked)
		if p.Oldest == nil || row.Seen != nil && row.Seen.At.Before(p.Oldest.At) {
			p.Oldest = row.Seen
		}
	}
	if p.Unscraped = unscraped(scraped, now); p.Unscraped != "" && unscraped(looked, now) == "" {
		p.Looked = past(looked, now.Sub(looked))
	}
	name := cmp.Or(h.Single, r.URL.Query().Get("workspace"))
	if i := slices.IndexFunc(p.Rows, func(v view) bool { return v.Name == name }); i >= 0 {
		p.Opened = &p.Rows[i]
	}
	p.NotFound = p.Opened == nil && name != ""
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// totals counts the workspaces by rank.
func totals(rows []view) string {
	counts := map[diagnosis.Rank]int64{}
	for _, row := range rows {
		counts[row.Order]++
	}
	var texts []string
	for rank := range diagnosis.RankNone + 1 {
		if n := counts[rank]; n > 0 {
			texts = append(texts, diagnosis.Grouped(n)+" "+rank.String())
		}
	}
	if len(rows) == 0 {
		return "no workspace"
	}
	return diagnosis.Number(int64(len(rows)), "workspace") + ": " + strings.Join(texts, ", ")
}
