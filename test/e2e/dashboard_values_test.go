package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An import as Prometheus has it after 40 minutes of scrapes each 15 s. Series
// and values are in the notation of promtool's tests.
type situation struct {
	name   string
	series map[string]string
	want   map[string]string // by query of the dashboard: its values, by label or alone
}

// always is a value in all scrapes.
const always = "x160"

var (
	good      = map[string]string{`up{job="rocketchat_import"}`: "1" + always, `rocketchat_import_up`: "1" + always}
	importing = state("importing", "importer_importing_messages")
	loading   = state("loading", "importer_preparing_users")
	done      = state("done", "importer_done")
)

// state has the other states too, as the exporter has, and the step.
func state(name, step string) map[string]string {
	series := map[string]string{}
	if step != "" {
		series[`rocketchat_import_step{step="`+step+`"}`] = "1" + always
	}
	for _, other := range []string{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"} {
		series[`rocketchat_import_state{state="`+other+`"}`] = "0" + always
	}
	series[`rocketchat_import_state{state="`+name+`"}`] = "1" + always
	return series
}

// saved is an import that was last saved so many seconds before 40 minutes.
func saved(ago int) map[string]string {
	return map[string]string{
		`rocketchat_import_server_time_seconds`:                 "1000000+15" + always,
		`rocketchat_import_operation_updated_timestamp_seconds`: fmt.Sprintf("%d%s", 1000000+2400-ago, always),
	}
}

func valid(value string) map[string]string {
	return map[string]string{`rocketchat_import_operation_valid`: value + always}
}

func counts(completed, expected string) map[string]string {
	return map[string]string{`rocketchat_import_records_completed`: completed + always, `rocketchat_import_records_expected`: expected + always}
}

func incident(kind string) map[string]string {
	return map[string]string{`rocketchat_import_incidents_total{kind="` + kind + `"}`: "0x120 1x40"}
}

func together(parts ...map[string]string) map[string]string {
	series := map[string]string{}
	for _, part := range parts {
		maps.Copy(series, part)
	}
	return series
}

// A tile shows -1 as a word where nothing is running, or nothing has records.
var situations = []situation{
	{"nothing is scraped", nil,
		map[string]string{"State": "", "Step": "not known", "Progress": "", "No movement for": "", "Speed": "", "Alerts firing": ""}},
	{"the exporter is down", map[string]string{`up{job="rocketchat_import"}`: "0" + always},
		map[string]string{"State": "exporter down", "Step": "not known", "Progress": "", "No movement for": "", "Speed": ""}},
	{"Rocket.Chat does not answer", map[string]string{`up{job="rocketchat_import"}`: "1" + always, `rocketchat_import_up`: "0" + always},
		map[string]string{"State": "no answer", "Step": "not known", "No movement for": "", "Records failed": ""}},
	{"the token is refused", map[string]string{`up{job="rocketchat_import"}`: "1" + always, `rocketchat_import_up`: "0" + always,
		`rocketchat_import_auth_failure{reason="unauthorized"}`: "1" + always, `rocketchat_import_auth_failure{reason="forbidden"}`: "0" + always},
		map[string]string{"State": "unauthorized", "Step": "not known"}},
	{"no import yet", together(good, state("none", "")),
		map[string]string{"State": "no import yet", "Step": "none", "Progress": "-1", "No movement for": "-1", "Speed": "-1", "Records failed": "-1"}},
	{"importing", together(good, importing, saved(10), valid("1"), counts("0+50", "20000")),
		map[string]string{"State": "importing", "Step": "importer_importing_messages", "Progress": "chat 0.4", "No movement for": "chat 10", "Time left": "chat 3600"}},
	{"one failed scrape", together(good, importing, saved(40), valid("1"), counts("500", "2000"),
		map[string]string{`rocketchat_import_up`: "1x159 0", `rocketchat_import_records_completed`: "500x159 stale", `rocketchat_import_operation_valid`: "1x159 stale",
			`rocketchat_import_server_time_seconds`: "1000000+15x159 stale", `rocketchat_import_operation_updated_timestamp_seconds`: "1002345x159 stale",
			`rocketchat_import_state{state="importing"}`: "1x159 stale", `rocketchat_import_step{step="importer_importing_messages"}`: "1x159 stale"}),
		map[string]string{"State": "importing", "Step": "importer_importing_messages", "Progress": "chat 0.25", "No movement for": "chat 40"}},
	{"stalled", together(good, importing, saved(26*60), valid("1"), counts("500", "2000")),
		map[string]string{"State": "stalled", "No movement for": "", "No movement for B": "chat 1560", "Progress": "chat 0.25", "Time left": ""}},
	{"stalled, and the answers have no Date header", together(good, importing, valid("1"),
		map[string]string{`rocketchat_import_operation_updated_timestamp_seconds`: "600" + always}),
		map[string]string{"State": "stalled", "No movement for B": "chat 1800"}},
	{"pending files save nothing for an hour", together(good, importing, saved(3600), valid("1"),
		map[string]string{`rocketchat_import_operation_info{importer="pending-files"}`: "1" + always}),
		map[string]string{"State": "importing", "No movement for": "chat 3600", "No movement for B": ""}},
	{"loading for 20 minutes", together(good, loading, saved(20*60), valid("1")),
		map[string]string{"State": "loading", "No movement for": "chat 1200", "Speed": "-1", "Progress": "-1"}},
	{"the preparation stalls", together(good, loading, saved(31*60), valid("1")), map[string]string{"State": "stalled", "No movement for B": "chat 1860"}},
	{"uploading for an hour", together(good, state("loading", "importer_uploading"), saved(3600), valid("1")), map[string]string{"State": "loading"}},
	{"uploading for five hours", together(good, state("loading", "importer_uploading"), saved(5*3600), valid("1")), map[string]string{"State": "stalled"}},
	{"finished", together(good, done, saved(600), valid("1"), counts("1000", "1466")),
		map[string]string{"State": "done", "Progress": "chat 1", "No movement for": "-1", "Speed": "-1"}},
	{"finished, and Rocket.Chat was restarted", together(good, done, saved(600), valid("0"), counts("1000", "1466")), map[string]string{"State": "ended", "Progress": "chat 1"}},
	{"aborted", together(good, done, saved(600), valid("0"), counts("250", "1000"), incident("aborted")), map[string]string{"State": "aborted", "Progress": "chat 0.25"}},
	{"set back", together(good, state("ready", "importer_user_selection"), saved(600), valid("1"), incident("set_back")), map[string]string{"State": "set back"}},
	{"failed", together(good, state("error", "importer_import_failed"), saved(600), valid("1")), map[string]string{"State": "error"}},
	{"failed, and Rocket.Chat was restarted", together(good, state("error", "importer_import_failed"), saved(600), valid("0")), map[string]string{"State": "error"}},
	{"interrupted", together(good, state("error", "importer_importing_users"), saved(600), valid("0")), map[string]string{"State": "interrupted"}},
	{"a step that the exporter does not know", together(good, state("none", ""), map[string]string{`rocketchat_import_state{state="none"}`: "0" + always}),
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
			load := "load 15s\n"
			for series, values := range s.series {
				name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
				load += fmt.Sprintf("  %s{instance=\"chat\",%s} %s\n", name, labels, values)
			}
			storage := promqltest.LoadedStorage(t, load)
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
	for _, sample := range vector {
		if title == "Step" {
			shown = append(shown, sample.Metric.Get("step"))
			continue
		}
		shown = append(shown, strings.TrimSpace(fmt.Sprintf("%s %.4g", sample.Metric.Get("instance"), sample.F)))
	}
	slices.Sort(shown)
	return strings.Join(shown, ", ")
}
