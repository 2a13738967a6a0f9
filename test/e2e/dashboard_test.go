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
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

// shownElsewhere are the queries without data of a running import, and the workspace
// whose story has data for them.
var shownElsewhere = map[string]string{
	"stat Alerts firing A":                    "stalled",
	"stat No movement for B":                  "stalled",
	"table Firing alerts A":                   "stalled",
	"table Newest import of each workspace K": early, // emails that are taken
	"table Newest import of each workspace L": early, // users that are not to be imported
	"timeseries Records failed A":             "failing",
	"table Workspaces J":                      "failing",
	"timeseries Failures by reason A":         "refused",
	"timeseries Reads of the selection A":     "waiting",
	"annotation Import alerts":                "stalled",
	"annotation Incidents":                    "aborted",
	"annotation Instances":                    "aborted",
	"timeseries Incidents A":                  "aborted",
}

// hiddenAmongAll are the queries that others replace when one of the chosen imports has stalled.
var hiddenAmongAll = []string{"stat No movement for A", "stat Alerts firing B"}

// query is one query of the dashboard.
type query struct {
	expr    string
	instant bool
}

// fill fills in the variables, as Grafana does where Prometheus scrapes every 30 s;
// instance is a pattern.
func (q query) fill(instance string) string {
	return strings.NewReplacer("$cluster", ".*", "$namespace", ".*", "$instance", instance, "$__rate_interval", "2m", "$__interval", "30s", "$__range", "15m").Replace(q.expr)
}

// run returns the series that are shown. It may not fail.
func (q query) run(t *testing.T, engine v1.API, instance string) []model.Metric {
	now, expr := time.Now(), q.fill(instance)
	var value model.Value
	var err error
	if q.instant {
		value, _, _, err = engine.Query(t.Context(), expr, now)
	} else {
		value, _, _, err = engine.QueryRange(t.Context(), expr, v1.Range{Start: now.Add(-time.Minute), End: now, Step: scrapeInterval})
	}
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
		for _, chosen := range []string{of, "(" + of + "|" + quiet + ")", ".*"} {
			if series := q.run(t, client, chosen); !slices.Contains(hiddenAmongAll, name) || chosen != ".*" {
				assert.NotEmpty(t, series, "%s: %s has no data of %s: %s", engine, name, chosen, q.fill(chosen))
			}
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
	require.NoError(t, json.Unmarshal([]byte(rig.ReadFile(t, root+"/dashboards/rocketchat-import.json")), &b))
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

// situation is an import as Prometheus has it after 40 minutes of scrapes each 15 s.
// Series and values are in the notation of promtool's tests.
type situation struct {
	name   string
	series string
	want   map[string]string // by query of the dashboard: its values, by label or alone
}

const (
	up     = "up{job=\"rocketchat_import\"} 1x160\n"
	good   = up + "rocketchat_import_up 1x160\n"
	valid  = "rocketchat_import_operation_valid 1x160\n"
	whole  = "rocketchat_import_operation_finished 1x160\n"
	partly = "rocketchat_import_operation_finished 0x160\n"
	voided = "rocketchat_import_operation_valid 0x160\n"
)

var (
	importing = state("importing", "importer_importing_messages")
	done      = state("done", "importer_done")
)

// state has the other states too, as the exporter has, and the step.
func state(name, step string) (series string) {
	if step != "" {
		series = fmt.Sprintf("rocketchat_import_step{step=%q} 1x160\n", step)
	}
	for _, state := range []string{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"} {
		value := 0
		if state == name {
			value = 1
		}
		series += fmt.Sprintf("rocketchat_import_state{state=%q} %dx160\n", state, value)
	}
	return series
}

// saved is an import that was last saved that many seconds before minute 40.
func saved(ago int) string {
	return fmt.Sprintf("rocketchat_import_server_time_seconds 1000000+15x160\n"+
		"rocketchat_import_operation_updated_timestamp_seconds %dx160\n", 1000000+2400-ago)
}

func counts(completed, expected string) string {
	return fmt.Sprintf("rocketchat_import_records_completed %sx160\nrocketchat_import_records_expected %sx160\n", completed, expected)
}

// incident is that of the newest import, 10 minutes ago.
func incident(kind string) string {
	return fmt.Sprintf("rocketchat_import_operation_info{operation_id=\"a\",importer=\"slack\"} 1x160\n"+
		"rocketchat_import_operation_incident{kind=%q,operation_id=\"a\"} _x120 1x40\n", kind)
}

// lastFailed are series whose last scrape has failed.
func lastFailed(series string) string { return strings.ReplaceAll(series, "x160", "x159 stale") }

// A tile shows -1 as a word where nothing is running, or nothing has records.
var situations = []situation{
	{"nothing is scraped", "",
		map[string]string{"State": "", "Step": "not known", "Progress": "", "No movement for": "", "Speed": "", "Alerts firing": ""}},
	{"the exporter is down", "up{job=\"rocketchat_import\"} 0x160\n",
		map[string]string{"State": "exporter down", "Step": "not known", "Progress": "", "No movement for": "", "Speed": ""}},
	{"Rocket.Chat does not answer", up + "rocketchat_import_up 0x160\n",
		map[string]string{"State": "no answer", "Step": "not known", "No movement for": "", "Records failed": ""}},
	{"the token is refused", up + "rocketchat_import_up 0x160\n" +
		"rocketchat_import_auth_failure{reason=\"unauthorized\"} 1x160\nrocketchat_import_auth_failure{reason=\"forbidden\"} 0x160\n",
		map[string]string{"State": "unauthorized", "Step": "not known"}},
	{"no import yet", good + state("none", ""),
		map[string]string{"State": "no import yet", "Step": "none", "Progress": "-1", "No movement for": "-1", "Speed": "-1", "Records failed": "-1"}},
	{"importing", good + importing + saved(10) + valid + counts("0+50", "20000"),
		map[string]string{"State": "importing", "Step": "importer_importing_messages", "Progress": "chat 0.4", "No movement for": "chat 10", "Time left": "chat 3600"}},
	{"one failed scrape", up + "rocketchat_import_up 1x159 0\n" + lastFailed(importing+saved(40+15)+valid+counts("500", "2000")),
		map[string]string{"State": "importing", "Step": "importer_importing_messages", "Progress": "chat 0.25", "No movement for": "chat 40"}},
	{"stalled", good + importing + saved(26*60) + valid + counts("500", "2000"),
		map[string]string{"State": "stalled", "No movement for": "", "No movement for B": "chat 1560", "Progress": "chat 0.25", "Time left": ""}},
	{"stalled, and the answers have no Date header", good + importing + valid +
		"rocketchat_import_operation_updated_timestamp_seconds 600x160\n",
		map[string]string{"State": "stalled", "No movement for B": "chat 1800"}},
	{"pending files save nothing for an hour", good + importing + saved(3600) + valid +
		"rocketchat_import_operation_info{importer=\"pending-files\"} 1x160\n",
		map[string]string{"State": "importing", "No movement for": "chat 3600", "No movement for B": ""}},
	{"loading for 20 minutes", good + state("loading", "importer_preparing_users") + saved(20*60) + valid,
		map[string]string{"State": "loading", "No movement for": "chat 1200", "Speed": "-1", "Progress": "-1"}},
	{"the preparation stalls", good + state("loading", "importer_preparing_users") + saved(31*60) + valid,
		map[string]string{"State": "stalled", "No movement for B": "chat 1860"}},
	{"uploading for an hour", good + state("loading", "importer_uploading") + saved(3600) + valid, map[string]string{"State": "loading"}},
	{"uploading for five hours", good + state("loading", "importer_uploading") + saved(5*3600) + valid, map[string]string{"State": "stalled"}},
	{"finished", good + done + saved(600) + valid + whole + counts("1000", "1466"),
		map[string]string{"State": "done", "Progress": "chat 1", "No movement for": "-1", "Speed": "-1"}},
	{"finished, and Rocket.Chat was restarted", good + done + saved(600) + voided + whole + counts("1000", "1466"),
		map[string]string{"State": "done", "Progress": "chat 1"}},
	{"ended, and it may have been aborted", good + done + saved(600) + voided + partly + counts("1000", "1466"),
		map[string]string{"State": "ended", "Progress": "chat 0.6821"}},
	{"aborted", good + done + saved(600) + voided + partly + counts("250", "1000") + incident("aborted"),
		map[string]string{"State": "aborted", "Progress": "chat 0.25"}},
	{"set back", good + state("ready", "importer_user_selection") + saved(600) + valid + incident("set_back"),
		map[string]string{"State": "set back"}},
	{"failed", good + state("error", "importer_import_failed") + saved(600) + valid, map[string]string{"State": "failed"}},
	{"failed, and Rocket.Chat was restarted", good + state("error", "importer_import_failed") + saved(600) + voided,
		map[string]string{"State": "failed"}},
	{"interrupted", good + state("error", "importer_importing_users") + saved(600) + voided, map[string]string{"State": "interrupted"}},
	{"a step that the exporter does not know", good + state("", ""),
		map[string]string{"State": "unknown step", "Speed": "", "No movement for": ""}},
}

func TestDashboardSaysWhatIsSo(t *testing.T) {
	board := loadDashboard(t)
	queries := board.queries(t)
	var states map[string]struct{ Text string } // for the numbers that the tile State shows
	require.Equal(t, "State", board.Panels[1].Title)
	require.NoError(t, json.Unmarshal(board.Panels[1].FieldConfig.Defaults.Mappings[0].Options, &states))
	engine := promqltest.NewTestEngine(t, false, time.Minute, 1_000_000)
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			storage := promqltest.LoadedStorage(t, "load 15s\n"+sample.ReplaceAllString(s.series, `  $1{instance="chat",$2} $3`))
			for name, want := range s.want {
				title, second := strings.CutSuffix(name, " B")
				letter := " A"
				if second {
					letter = " B"
				}
				evaluated, err := engine.NewInstantQuery(t.Context(), storage, nil, queries["stat "+title+letter].fill(".*"), time.Unix(2400, 0))
				require.NoError(t, err, name)
				vector, err := evaluated.Exec(t.Context()).Vector()
				require.NoError(t, err, name)
				got := shownBy(vector, title)
				if title == "State" {
					got = states[got].Text
				}
				assert.Equal(t, want, got, name)
			}
		})
	}
}

// shownBy is what a tile shows: the names of steps, or values, each with its
// workspace where it has one.
func shownBy(vector promql.Vector, title string) string {
	var shown []string
	for _, tile := range vector {
		if title == "Step" {
			shown = append(shown, tile.Metric.Get("step"))
			continue
		}
		shown = append(shown, strings.TrimSpace(fmt.Sprintf("%s %.4g", tile.Metric.Get("instance"), tile.F)))
	}
	slices.Sort(shown)
	return strings.Join(shown, ", ")
}
