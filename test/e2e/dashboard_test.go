package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// shownElsewhere are the queries that have no data of a running import, and the
// workspace of whose story they have.
var shownElsewhere = map[string]string{
	"stat No movement for B":                  "stalled",
	"table Firing alerts A":                   "stalled",
	"table Newest import of each workspace J": early, // emails that are taken
	"table Newest import of each workspace K": early, // users that are not to be imported
	"timeseries Failures by reason A":         "refused",
	"timeseries Reads of the selection A":     "waiting",
	"annotation Import alerts":                "stalled",
	"annotation Incidents":                    "aborted",
}

// hiddenAmongAll are the queries that give way to another where one import of those
// chosen has stalled.
var hiddenAmongAll = []string{"stat No movement for A"}

// query is one query of the dashboard.
type query struct {
	name    string // the panel's type and title, and the letter of the query
	expr    string
	instant bool
}

// fill fills in the variables, as Grafana does where Prometheus scrapes every 30 s;
// instance is a pattern.
func (q query) fill(instance string) string {
	return strings.NewReplacer("$instance", instance, "$__rate_interval", "2m", "$__interval", "30s", "$__range", "15m").Replace(q.expr)
}

func (q query) run(t *testing.T, engine v1.API, instance string) (model.Value, error) {
	now := time.Now()
	if q.instant {
		value, _, _, err := engine.Query(t.Context(), q.fill(instance), now)
		return value, err
	}
	value, _, _, err := engine.QueryRange(t.Context(), q.fill(instance), v1.Range{Start: now.Add(-time.Minute), End: now, Step: scrapeInterval})
	return value, err
}

// lookAtDashboard requires that no query fails, whichever workspace is chosen, and
// that each has data of the workspace that it is for, chosen alone or among others.
func lookAtDashboard(t *testing.T, name string, engine v1.API) {
	t.Helper()
	for _, q := range loadDashboard(t) {
		has := func(instance string) bool {
			value, err := q.run(t, engine, instance)
			if err != nil {
				t.Errorf("%s: %s of %s: %v: %s", name, q.name, instance, err, q.fill(instance))
			}
			return err == nil && hasData(value)
		}
		of, elsewhere := shownElsewhere[q.name]
		if !elsewhere {
			of = running
		}
		if !has(of) || !has("("+of+"|"+quiet+")") {
			var others []string
			for other := range stories {
				if has(other) {
					others = append(others, other)
				}
			}
			t.Errorf("%s: %s has no data of %s, but of %v: %s", name, q.name, of, others, q.fill(of))
		}
		if !has(".*") && !slices.Contains(hiddenAmongAll, q.name) {
			t.Errorf("%s: %s has no data of all: %s", name, q.name, q.fill(".*"))
		}
		if elsewhere && has(running) {
			t.Errorf("%s: %s has data of a running import: shownElsewhere need not name it", name, q.name)
		}
		has(quiet)
	}
}

// panel is a panel of the dashboard; a row may hold panels.
type panel struct {
	Type, Title string
	Panels      []panel
	Targets     []struct {
		Expr           string
		RefID          string
		Instant, Range bool
	}
}

// loadDashboard returns every query of the shipped dashboard.
func loadDashboard(t *testing.T) []query {
	t.Helper()
	var board struct {
		Panels      []panel
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(read(t, dashboard)), &board); err != nil {
		t.Fatal(err)
	}
	queries := queriesOf(board.Panels)
	for _, annotation := range board.Annotations.List {
		if annotation.Expr != "" {
			queries = append(queries, query{name: "annotation " + annotation.Name, expr: annotation.Expr})
		}
	}
	return queries
}

func queriesOf(panels []panel) []query {
	var queries []query
	for _, p := range panels {
		for _, target := range p.Targets {
			queries = append(queries, query{
				name: fmt.Sprintf("%s %s %s", p.Type, p.Title, target.RefID), expr: target.Expr, instant: target.Instant && !target.Range,
			})
		}
		queries = append(queries, queriesOf(p.Panels)...)
	}
	return queries
}

func TestDashboardQueriesAreAllKnownByName(t *testing.T) {
	var names []string
	for _, q := range loadDashboard(t) {
		if slices.Contains(names, q.name) {
			t.Errorf("there are two queries %s", q.name)
		}
		names = append(names, q.name)
		if expr := q.fill("chat"); strings.Contains(expr, "$") {
			t.Errorf("%s holds a variable that this test does not know: %s", q.name, expr)
		}
	}
	for _, name := range slices.AppendSeq(slices.Clone(hiddenAmongAll), maps.Keys(shownElsewhere)) {
		if !slices.Contains(names, name) {
			t.Errorf("the dashboard has no query %s", name)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d queries were found", len(names))
	}
}
