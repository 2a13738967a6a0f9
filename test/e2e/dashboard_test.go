package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// hiddenAmongAll is the query that gives way to another where one import of those
// chosen has stalled.
const hiddenAmongAll = "stat No movement for A"

// query is one query of the dashboard.
type query struct {
	expr    string
	instant bool
}

// fill fills in the variables, as Grafana does where Prometheus scrapes every 30 s;
// instance is a pattern.
func (q query) fill(instance string) string {
	return strings.NewReplacer("$instance", instance, "$__rate_interval", "2m", "$__interval", "30s", "$__range", "15m").Replace(q.expr)
}

// run returns the series that are shown. It may not fail.
func (q query) run(t *testing.T, engine v1.API, instance string) []model.Metric {
	now, expr := time.Now(), q.fill(instance)
	if q.instant {
		value, _, _, err := engine.Query(t.Context(), expr, now)
		assert.NoError(t, err, expr)
		return seriesOf(value)
	}
	value, _, _, err := engine.QueryRange(t.Context(), expr, v1.Range{Start: now.Add(-time.Minute), End: now, Step: scrapeInterval})
	assert.NoError(t, err, expr)
	return seriesOf(value)
}

// lookAtDashboard requires that no query fails, whichever workspace is chosen, and
// that each has data of the workspace that it is for, chosen alone or among others.
func lookAtDashboard(t *testing.T, engine string, client v1.API) {
	t.Helper()
	queries := loadDashboard(t).queries(t)
	for name, q := range queries {
		of, elsewhere := shownElsewhere[name]
		if elsewhere {
			assert.Empty(t, q.run(t, client, running), "%s: shownElsewhere need not name %s", engine, name)
		} else {
			of = running
		}
		assert.NotEmpty(t, q.run(t, client, of), "%s: %s has no data of %s: %s", engine, name, of, q.fill(of))
		among := "(" + of + "|" + quiet + ")"
		assert.NotEmpty(t, q.run(t, client, among), "%s: %s has no data of %s: %s", engine, name, among, q.fill(among))
		if all := q.run(t, client, ".*"); name != hiddenAmongAll {
			assert.NotEmpty(t, all, "%s: %s has no data of all: %s", engine, name, q.fill(".*"))
		}
		q.run(t, client, quiet)
	}
	for name := range shownElsewhere {
		assert.Contains(t, queries, name)
	}
}

// board is the shipped dashboard.
type board struct {
	Panels      []panel
	Annotations struct{ List []struct{ Name, Expr string } }
}

// panel is a panel of the dashboard; a row may hold panels.
type panel struct {
	Type, Title string
	Panels      []panel
	Targets     []struct {
		Expr, RefID    string
		Instant, Range bool
	}
	FieldConfig struct {
		Defaults struct {
			Mappings []struct{ Options json.RawMessage }
		}
	}
}

func loadDashboard(t *testing.T) (b board) {
	t.Helper()
	require.NoError(t, json.Unmarshal(read(t, root+"/dashboards/rocketchat-import.json"), &b))
	return b
}

// queries are by the panel's type and title, and the letter of the query.
func (b board) queries(t *testing.T) map[string]query {
	t.Helper()
	queries := map[string]query{}
	for _, annotation := range b.Annotations.List {
		if annotation.Expr != "" {
			queries["annotation "+annotation.Name] = query{expr: annotation.Expr}
		}
	}
	for panels := b.Panels; len(panels) > 0; panels = append(panels[1:], panels[0].Panels...) {
		for _, target := range panels[0].Targets {
			name := fmt.Sprintf("%s %s %s", panels[0].Type, panels[0].Title, target.RefID)
			require.NotContains(t, queries, name, "there are two")
			queries[name] = query{target.Expr, target.Instant && !target.Range}
		}
	}
	require.GreaterOrEqual(t, len(queries), 40)
	return queries
}
