package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// The workspaces that have no trouble.
const (
	quiet   = "quiet"   // has no import
	running = "running" // has one that has been running for 13 minutes
)

// shownElsewhere are the queries that have no data while an import runs, and the
// workspace that they have data of.
var shownElsewhere = map[string]string{
	"annotation Import alerts":        "stalled",
	"table Firing alerts A":           "stalled",
	"timeseries Failures by reason A": "refused",
}

// beginRunning plays an import that was uploaded, prepared, read and started.
func beginRunning(t *testing.T, w *workspace) {
	const ago = 1400 * time.Second
	w.sim.Revoke(userID, rocketchatsim.BypassRateLimit) // Rocket.Chat does not tell an exempt user what is left
	w.clock.setBehind(ago)
	startSlowly(w)
	w.pass(t, ago, 0)
}

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
		want, ok := shownElsewhere[q.name]
		if !ok {
			want = running
		}
		instances := []string{want, ".*", "(" + want + "|" + quiet + ")", running, quiet}
		for i, instance := range instances {
			value, err := q.run(t, engine, instance)
			switch {
			case err != nil:
				t.Errorf("%s: %s of %s: %v: %s", name, q.name, instance, err, q.fill(instance))
			case i < 3 && !hasData(value):
				t.Errorf("%s: %s has no data of %s: %s", name, q.name, instance, q.fill(instance))
			case instance == running && want != running && hasData(value):
				t.Errorf("%s: %s has data of a running import: shownElsewhere need not name it", name, q.name)
			}
		}
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
	for name := range shownElsewhere {
		if !slices.Contains(names, name) {
			t.Errorf("the dashboard has no query %s", name)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d queries were found", len(names))
	}
}
