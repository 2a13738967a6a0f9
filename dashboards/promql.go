package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// In this package's PromQL, {} selects the chosen workspaces, and {label="value"}
// narrows it further: expand adds the matcher. An expression that stands for one
// value for each workspace has no label except instance.
//
// The dashboard uses no recording rule, so it works for people who load none.

var matchers = strings.NewReplacer(`{}`, `{instance=~"$instance"}`, `{`, `{instance=~"$instance",`)

func expand(expr string) string { return matchers.Replace(expr) }

// lately bridges failed scrapes: all that describes the import is absent in
// them, so it takes the last value of five minutes.
func lately(selector string) string { return "last_over_time(" + selector + "[5m])" }

// held is lately for what may vanish while scrapes are good, such as the counts
// of an old import when a new one begins: what has vanished is not bridged.
func held(selector string) string {
	return "(" + selector + " or " + lately(selector) + " unless on (instance) (rocketchat_import_up{} == 1))"
}

func maxBy(label, expr string) string { return "max by (" + label + ") (" + expr + ")" }

// inState has a series for each workspace whose newest import is in the state,
// which is a regular expression.
func inState(state string) string {
	return `(` + lately(`rocketchat_import_state{state=~"`+state+`"}`) + ` == 1)`
}

// inStep is inState for steps.
func inStep(step string) string {
	return `(` + lately(`rocketchat_import_step{step=~"`+step+`"}`) + ` == 1)`
}

const (
	// everyWorkspace has a series for each workspace: 1 if its scrape was good.
	everyWorkspace = `max by (instance) (rocketchat_import_up{} or up{job="rocketchat_import"})`

	// allSeen has one series, unless a scrape of a workspace fails.
	allSeen = `(min(rocketchat_import_up{} or up{job="rocketchat_import"}) == 1)`
)

// orNothing is -1 where expr is empty and it is known that there is nothing to
// show, which is where known has one series.
func orNothing(expr, known string) string { return expr + "\nor on () 0 * " + known + " - 1" }

// allRest has one series where it is known that no workspace is in the states.
func allRest(states string) string {
	return `(min(max by (instance) (rocketchat_import_state{state!~"` + states + `"})) == 1 and on () ` + allSeen + `)`
}

// idle is how many seconds ago Rocket.Chat last saved the import, by its own
// clock, or by Prometheus's where its answers have no Date header.
func idle() string {
	const updated = `last_over_time(rocketchat_import_operation_updated_timestamp_seconds{}[5m])`
	return "max by (instance) (" + lately("rocketchat_import_server_time_seconds{}") + " - " + updated + " or time() - " + updated + ")"
}

// unmoved is idle for imports that run or load.
func unmoved() string {
	return "(clamp_min(" + idle() + ", 0)\nand on (instance) " + inState("importing|loading") + ")"
}

// stalled is idle where RocketChatImportStalled or
// RocketChatImportPreparationStalled fires, by the conditions of these alerts.
func stalled() string {
	return "(\n  " + strings.Join([]string{
		idle() + " > 15 * 60 and on (instance) " + inState("importing") +
			"\n  unless on (instance) " + pending() + " unless on (instance) " + savedIn("15m"),
		idle() + " > 30 * 60 and on (instance) " + inState("loading") +
			"\n  unless on (instance) " + inStep("importer_(uploading|downloading_file)") + " unless on (instance) " + savedIn("30m"),
		idle() + " > 4 * 3600 and on (instance) " + inState("loading") +
			" unless on (instance) " + savedIn("4h"),
	}, "\n  or ") + "\n)"
}

// pending has a series for each download of files or avatars. It saves nothing
// for a long time.
func pending() string { return lately(`rocketchat_import_operation_info{importer=~"pending-.+"}`) }

// savedIn has a series for each import that was saved within the window. It is
// right when the clocks disagree.
func savedIn(window string) string {
	const updated = `rocketchat_import_operation_updated_timestamp_seconds{}`
	return "(max_over_time(" + updated + "[" + window + "]) > min_over_time(" + updated + "[" + window + "]))"
}

// ended has a series for each import that is done and not valid: it was aborted,
// or Rocket.Chat was restarted since it finished.
func ended() string {
	return "(" + lately("rocketchat_import_operation_valid{}") + " == 0 and on (instance) " + inStep("importer_done") + ")"
}

// aborted has a series for each import that the exporter saw end as aborted, for
// a day.
func aborted() string {
	return "(" + ended() + ` and on (instance) increase(rocketchat_import_incidents_total{kind="aborted"}[1d]) > 0)`
}

// handled is the number of records done or failed.
func handled() string {
	completed := lately("rocketchat_import_records_completed{}")
	return "(" + completed + " + (" + lately("rocketchat_import_records_failed{}") + " or 0 * " + completed + "))"
}

// progress is the part of the records that is handled, 0 to 1. Rocket.Chat does
// not save the last counts, so a finished import is 1, and an aborted one is not.
func progress() string {
	return "max by (instance) (\n  (" + inState("done") + " unless on (instance) " + aborted() + ")" +
		"\n  or on (instance)\n  clamp_max(" + handled() + " / (" + lately("rocketchat_import_records_expected{}") + " > 0), 1)" +
		" and on (instance) " + held("rocketchat_import_records_completed{}") + "\n)"
}

// speed is the number of records handled per second by each running import.
func speed() string {
	const completed = `rate(rocketchat_import_records_completed{}[5m])`
	return "max by (instance) (" + completed + " + (rate(rocketchat_import_records_failed{}[5m]) or 0 * " + completed + ")" +
		" and on (instance) " + inState("importing") + ")"
}

// timeLeft is the estimated seconds to the end of each import that has run, and
// moved, for five minutes.
func timeLeft() string {
	return "(max by (instance) (clamp_min(" + lately("rocketchat_import_records_expected{}") + " - " + handled() + ", 0))" +
		"\n/ (" + speed() + " > 0)" +
		"\nand on (instance) min_over_time(rocketchat_import_state{state=\"importing\"}[5m]) == 1" +
		"\nand on (instance) last_over_time(rocketchat_import_state{state=\"importing\"}[5m] offset 5m) == 1)"
}

// perMinute is the growth of a counter per minute, summed by labels.
func perMinute(labels, counter string) string {
	return "60 * sum by (" + labels + ") (rate(" + counter + "[$__rate_interval]))"
}

// perSecond is perMinute per second.
func perSecond(labels, counter string) string {
	return "sum by (" + labels + ") (rate(" + counter + "[$__rate_interval]))"
}

const firing = `ALERTS{alertname=~"RocketChatImport.*",alertstate="firing"}`

// troubles are the alerts that fire, except those that only inform.
const troubles = `ALERTS{alertname=~"RocketChatImport.*",alertstate="firing",severity!="info"}`

// now asks for the value at the end of the time range. A legend may be empty.
func now(expr, legend string) *prometheus.DataqueryBuilder {
	return newQuery(expr, legend).Instant()
}

// overTime asks for the values through the whole time range.
func overTime(expr, legend string) *prometheus.DataqueryBuilder {
	return newQuery(expr, legend).Range()
}

// rows asks for the values at the end of the time range, one table row for each
// series and one column for each of its labels.
func rows(expr string) *prometheus.DataqueryBuilder {
	return newQuery(expr, "").Instant().Format(prometheus.PromQueryFormatTable)
}

func newQuery(expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(dataSource()).
		EditorMode(prometheus.QueryEditorModeCode).
		Expr(expand(expr)).
		LegendFormat(legend)
}

// targets names the queries of one panel A, B, C and so on.
func targets(queries []*prometheus.DataqueryBuilder) []cog.Builder[variants.Dataquery] {
	named := make([]cog.Builder[variants.Dataquery], 0, len(queries))
	for i, query := range queries {
		named = append(named, query.RefId(refID(i)))
	}
	return named
}

func refID(i int) string { return string(rune('A' + i)) }
