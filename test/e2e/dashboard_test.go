package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"rocketchat_import_exporter/demo/rulescale"
)

// The moments at which the dashboard is looked at.
const (
	whileReady   = "while the import waits to be started"
	whileRunning = "while the import runs"
	whileStalled = "while the import stands still"
	whileRefused = "while the token is refused"
)

// look is when, and with which workspace chosen, a query must have data.
type look struct{ moment, workspace string }

// usualLook is that of all queries but the ones below.
var usualLook = look{whileRunning, "chat"}

// otherLooks are the queries that must be empty at the usual look, and when they
// must not.
var otherLooks = map[string]look{
	"annotation Import alerts":        {whileStalled, "chat"},
	"table Firing alerts A":           {whileStalled, "chat"},
	"timeseries Failures by reason A": {whileRefused, "chat"},
	// Rocket.Chat does not tell an exempt user.
	"timeseries Rate limit headroom A": {whileRunning, "support"},
}

// query is one query of the dashboard.
type query struct {
	name    string // the panel's type and title, and the letter of the query
	expr    string
	instant bool
}

func (q query) look() look {
	if other, ok := otherLooks[q.name]; ok {
		return other
	}
	return usualLook
}

// fill fills in the variables, as Grafana does for a range at the Prometheus of
// this test; instance is a pattern. Times are still those of the dashboard.
func (q query) fill(instance string) string {
	return strings.NewReplacer(
		"$instance", instance,
		"$__rate_interval", rulescale.Format(4*queryStep*speed),
	).Replace(q.expr)
}

// run asks Prometheus, whose time goes faster than the dashboard knows.
func (q query) run(t *testing.T, prometheus v1.API, instance string) (model.Value, error) {
	expr, now := rulescale.Expr(q.fill(instance), 1.0/speed), time.Now()
	if q.instant {
		value, _, _, err := prometheus.Query(t.Context(), expr, now)
		return value, err
	}
	value, _, _, err := prometheus.QueryRange(t.Context(), expr, v1.Range{Start: now.Add(-5 * time.Second), End: now, Step: queryStep})
	return value, err
}

// lookAtDashboard runs every query, and requires data of those for which it is the
// moment: with their workspace chosen, and with all.
func lookAtDashboard(t *testing.T, prometheus v1.API, moment string) {
	t.Helper()
	for _, q := range loadDashboard(t) {
		look := q.look()
		if look.moment == moment {
			for _, instance := range []string{look.workspace, ".*", "(chat|support)"} {
				requireData(t, prometheus, q, instance)
			}
		}
		if value, err := q.run(t, prometheus, usualLook.workspace); err != nil {
			t.Errorf("%s %s: %v", q.name, moment, err)
		} else if look != usualLook && moment == usualLook.moment && hasData(value) {
			t.Errorf("%s has data %s: it needs no look of its own", q.name, moment)
		}
	}
}

// requireData allows for a scrape that was late.
func requireData(t *testing.T, prometheus v1.API, q query, instance string) {
	t.Helper()
	err := poll(2*time.Second, func() error {
		value, err := q.run(t, prometheus, instance)
		if err == nil && !hasData(value) {
			err = errors.New("no data")
		}
		return err
	})
	if err != nil {
		t.Errorf("%s for %s %s: %v: %s", q.name, instance, q.look().moment, err, q.fill(instance))
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
	seen := map[string]bool{}
	for _, q := range loadDashboard(t) {
		if seen[q.name] {
			t.Errorf("there are two queries %s", q.name)
		}
		seen[q.name] = true
		if left := regexp.MustCompile(`\$\w+|\$\{`).FindString(q.fill("chat")); left != "" {
			t.Errorf("%s holds the variable %s", q.name, left)
		}
	}
	for name := range otherLooks {
		if !seen[name] {
			t.Errorf("the dashboard has no query %s", name)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d queries were found", len(seen))
	}
}
