package server

import (
	"cmp"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"rocketchat_import_exporter/internal/diagnosis"
)

//go:embed home.html
var homeHTML string

var homeTemplate = template.Must(template.New("home").Parse(homeHTML))

// page is what the page for people shows.
type page struct {
	Options
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

// home shows a person what the last scrapes have seen. It never calls Rocket.Chat.
func (s server) home(w http.ResponseWriter, r *http.Request) {
	var rows []view
	now := time.Now()
	for _, workspace := range s.Set.All() {
		rows = append(rows, newView(workspace.Name, workspace.Config, workspace.Status(), now))
	}
	s.write(w, s.page(r, rows, now))
}

// write sends a page.
func (s server) write(w http.ResponseWriter, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	if p.NotFound {
		w.WriteHeader(http.StatusNotFound)
	}
	if err := homeTemplate.Execute(w, p); err != nil {
		level.Debug(s.Logger).Log("msg", "the page was not sent", "err", err)
	}
}

// page returns the page that answers the request. rows are sorted by name.
func (s server) page(r *http.Request, rows []view, now time.Time) page {
	slices.SortStableFunc(rows, func(a, b view) int { return cmp.Compare(a.Rank, b.Rank) })
	p := page{Options: s.Options, Version: version.Info(), Request: r, Rows: rows, Totals: totals(rows)}
	var scraped time.Time
	for _, row := range rows {
		if row.scraped.After(scraped) {
			scraped = row.scraped
		}
		if p.Oldest == nil || row.Seen != nil && row.Seen.At.Before(p.Oldest.At) {
			p.Oldest = row.Seen
		}
	}
	p.Unscraped = unscraped(scraped, now)
	name := cmp.Or(s.Workspace, r.URL.Query().Get("workspace"))
	if i := slices.IndexFunc(p.Rows, func(v view) bool { return v.Name == name }); i >= 0 {
		p.Opened = &p.Rows[i]
	}
	p.NotFound = p.Opened == nil && name != ""
	return p
}

// totals counts the workspaces by rank.
func totals(rows []view) string {
	counts := map[diagnosis.Rank]int64{}
	for _, row := range rows {
		counts[row.Rank]++
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
