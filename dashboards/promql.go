package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// In this package's PromQL, {} selects the chosen workspaces. "by (workspace)" and "on (workspace)" stand
// for the labels that tell workspaces apart: two clusters or namespaces may have one of the same name.
// An expression that stands for one value for each workspace has no other label.
// The dashboard uses no recording rule, so it works for people who load none.

const chosen = `cluster=~"$cluster",namespace=~"$namespace",instance=~"$instance"`

// complete writes out what the PromQL of this package abbreviates.
var complete = strings.NewReplacer(`{}`, `{`+chosen+`}`, `{`, `{`+chosen+`,`, `(workspace`, `(cluster, namespace, instance`)

// called is how a legend calls a workspace. The labels that it lacks leave a space at the end, which nobody sees.
const called = "{{instance}} {{namespace}} {{cluster}}"

// lately bridges failed scrapes, which lack all that describes the import.
func lately(selector string) string { return "last_over_time(" + selector + "[5m])" }

// incident has a series for each workspace whose newest import has had one of the kind, also
// where the exporter was restarted since and has forgotten it.
func incident(kind string) string {
	return `last_over_time(rocketchat_import_operation_incident{kind="` + kind + `"}[1d]) and on (workspace, operation_id) ` + held("rocketchat_import_operation_info{}")
}

// grown has a series for about a minute after a counter has grown.
func grown(counter string) string {
	return lately(counter) + " > last_over_time(" + counter + "[5m] offset 1m)"
}

// held is lately for what may vanish while scrapes are good, such as the counts
// of an old import when a new one begins: what has vanished is not bridged.
func held(selector string) string {
	return "(" + selector + " or " + lately(selector) + " unless on (workspace) (rocketchat_import_up{} == 1))"
}

func maxBy(label, expr string) string { return "max by (" + label + ") (" + expr + ")" }

// inState has a series for each workspace whose newest import is in the state, a regular expression.
func inState(state string) string { return in("state", state) }

// inStep is inState for steps.
func inStep(step string) string { return in("step", step) }

func in(label, value string) string {
	return `(` + lately(`rocketchat_import_`+label+`{`+label+`=~"`+value+`"}`) + ` == 1)`
}

// savedIn has a series for each import that was saved within the window, whatever the clocks say.
func savedIn(window string) string {
	return "(max_over_time(" + updated + "[" + window + "]) > min_over_time(" + updated + "[" + window + "]))"
}

// orNothing is -1 where expr is empty and known has one series: there is nothing to show.
func orNothing(expr, known string) string { return expr + "\nor on () 0 * " + known + " - 1" }

// allRest has one series where it is known that no workspace is in the states.
func allRest(states string) string {
	return `(min(max by (workspace) (rocketchat_import_state{state!~"` + states + `"})) == 1 and on () ` + allSeen + `)`
}

const (
	// everyWorkspace has a series for each workspace: 1 if its scrape was good.
	everyWorkspace = `max by (workspace) (rocketchat_import_up{} or up{job="rocketchat_import"})`

	// allSeen has one series, unless a scrape of a workspace fails.
	allSeen = `(min(rocketchat_import_up{} or up{job="rocketchat_import"}) == 1)`

	updated = `rocketchat_import_operation_updated_timestamp_seconds{}`

	firing = `alertname=~"RocketChatImport.*",alertstate="firing"`

	// troubles are the alerts that fire, except those that only inform.
	troubles = `ALERTS{` + firing + `,severity!="info"}`

	// causes are the troubles without those that have the cause of another one.
	causes = troubles + ` unless on (workspace, alertname) label_replace(` +
		`ALERTS{alertname=~"RocketChatImport(AuthFailure|RateLimited)",alertstate="firing"}, "alertname", "RocketChatImportScrapeFailing", "", "")`
)

var (
	// idle is how many seconds ago Rocket.Chat last saved the import, by its own
	// clock, or by Prometheus's where its answers have no Date header.
	idle = maxBy("workspace", lately("rocketchat_import_server_time_seconds{}")+" - "+lately(updated)+" or time() - "+lately(updated))

	// unmoved is idle for imports that run or load.
	unmoved = "(clamp_min(" + idle + ", 0)\nand on (workspace) " + inState("importing|loading") + ")"

	// stalled is idle where RocketChatImportStalled or
	// RocketChatImportPreparationStalled fires, by the conditions of these alerts.
	// Downloads of files or avatars, and uploads, save nothing for a long time.
	stalled = "(\n  " + idle + " > 15 * 60 and on (workspace) " + inState("importing") +
		"\n  unless on (workspace) " + lately(`rocketchat_import_operation_info{importer=~"pending-.+"}`) +
		" unless on (workspace) " + savedIn("15m") +
		"\n  or " + idle + " > 30 * 60 and on (workspace) " + inState("loading") +
		"\n  unless on (workspace) " + inStep("importer_(uploading|downloading_file)") + " unless on (workspace) " + savedIn("30m") +
		"\n  or " + idle + " > 4 * 3600 and on (workspace) " + inState("loading") + " unless on (workspace) " + savedIn("4h") + "\n)"

	// invalid is followed by the steps for which it has a series, where Rocket.Chat has given the import up.
	invalid = lately("rocketchat_import_operation_valid{}") + " == 0 and on (workspace) "

	// nothingStaged has a series for each import that waits for its start without anything to
	// import, as the exporter's page says.
	nothingStaged = inStep("importer_user_selection") + " and on (workspace) (\n  " +
		lately("rocketchat_import_operation_valid{}") + " == 0" +
		"\n  or " + held("rocketchat_import_users{}") + " + on (workspace) " + held("rocketchat_import_channels{}") +
		" + on (workspace) " + held("rocketchat_import_messages{}") + " == 0 unless on (workspace) " + held("rocketchat_import_contacts{}") + " > 0" +
		"\n  or " + expected + " <= on (workspace) (" + lately(`rocketchat_import_operation_records{type="messages"}`) + " or on (workspace) 0 * " + expected + ")" +
		" unless on (workspace) " + held("rocketchat_import_users{}") + "\n)"

	// ended has a series for each import that is done, while nobody knows whether it finished:
	// it was aborted, or Rocket.Chat was restarted since.
	ended = lately("rocketchat_import_operation_finished{}") + " == 0 and on (workspace) " + inStep("importer_done")

	aborted = incident("aborted")

	// setBack is what RocketChatImportDisturbed says: as long as the import can be started or runs, and for an hour more.
	setBack = incident("set_back") + ` and on (workspace) max_over_time(rocketchat_import_state{state=~"loading|ready|importing"}[1h]) == 1`

	// failures are the failed records of each import that counts them. One that was started from
	// Rocket.Chat's page has 0 whatever failed.
	failures = maxBy("workspace", held("rocketchat_import_records_failed{}")+" > 0 or "+held("rocketchat_import_records_failed{}")+
		" and on (workspace) "+held(`rocketchat_import_operation_info{importer=~"api|pending-.+"}`))

	completed = lately("rocketchat_import_records_completed{}")
	expected  = lately("rocketchat_import_records_expected{}")

	// handled is the number of records done or failed.
	handled = "(" + completed + " + (" + lately("rocketchat_import_records_failed{}") + " or 0 * " + completed + "))"

	// progress is the part of the records that is handled, 0 to 1. Rocket.Chat may not save the last
	// counts, so a finished import is 1. One that may have been aborted is what was saved.
	progress = maxBy("workspace", "\n  "+held("rocketchat_import_operation_finished{}")+" == 1"+
		"\n  or on (workspace)\n  clamp_max("+handled+" / ("+expected+" > 0), 1)"+
		" and on (workspace) "+held("rocketchat_import_records_completed{}")+"\n")

	// speed is the number of records handled per second by each running import.
	speed = maxBy("workspace", "rate(rocketchat_import_records_completed{}[5m])"+
		" + (rate(rocketchat_import_records_failed{}[5m]) or 0 * rate(rocketchat_import_records_completed{}[5m]))"+
		" and on (workspace) "+inState("importing"))

	// timeLeft is the estimated seconds to the end of imports that have run, and moved, for five minutes.
	timeLeft = "(" + maxBy("workspace", "clamp_min("+expected+" - "+handled+", 0)") +
		"\n/ (" + speed + " > 0)" +
		"\nand on (workspace) min_over_time(rocketchat_import_state{state=\"importing\"}[5m]) == 1" +
		"\nand on (workspace) last_over_time(rocketchat_import_state{state=\"importing\"}[5m] offset 5m) == 1)"
)

// perSecond is the growth of a counter per second, summed by labels.
func perSecond(labels, counter string) string {
	return "sum by (" + labels + ") (rate(" + counter + "[$__rate_interval]))"
}

func perMinute(labels, counter string) string { return "60 * " + perSecond(labels, counter) }

type query = *prometheus.DataqueryBuilder

// now asks for the value at the end of the time range. A legend may be empty.
func now(expr, legend string) query { return newQuery(expr, legend).Instant() }

// overTime asks for the values through the whole time range.
func overTime(expr, legend string) query { return newQuery(expr, legend).Range() }

// rows is now for a table: one row for each series and one column for each of its labels.
func rows(expr string) query { return now(expr, "").Format(prometheus.PromQueryFormatTable) }

func newQuery(expr, legend string) query {
	return prometheus.NewDataqueryBuilder().
		Datasource(dataSource).EditorMode(prometheus.QueryEditorModeCode).
		Expr(complete.Replace(expr)).LegendFormat(legend)
}

// targets names the queries of one panel A, B, C and so on.
func targets(queries []query) []cog.Builder[variants.Dataquery] {
	var named []cog.Builder[variants.Dataquery]
	for i, q := range queries {
		named = append(named, q.RefId(refID(i)))
	}
	return named
}

func refID(i int) string { return string(rune('A' + i)) }
