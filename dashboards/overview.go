package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// overview answers at a glance: is an import running, in which step, how far,
// how fast, when will it end, is it stuck, what failed.
func overview(runbook runbooks) []panel {
	return []panel{
		stateTile(runbook), stepTile(), progressTile(), speedTile(),
		endTile(), unmovedTile(runbook), failedTile(runbook), alertsTile(runbook),
		workspaces(),
		firingAlerts(runbook),
	}
}

func stateTile(runbook runbooks) panel {
	return tile("State",
		"State of the newest import. With several workspaces: the most pressing of their states; the table below has them all.",
		now(fmt.Sprintf("max(%s)", stateCode()), "")).
		Mappings(mappings(allStates()...)).
		ColorMode(common.BigValueColorModeBackground).
		NoValue("not known").
		Links(runbook.section("RocketChatImportFailed", "RocketChatImportInterrupted", "RocketChatImportDisturbed", "RocketChatImportAwaitingStart"))
}

func stepTile() panel {
	return tile("Step",
		"The step of the newest import, by Rocket.Chat's own name for it. With several workspaces: each step that some workspace is in.",
		now("count by (step) ("+held("rocketchat_import_step")+" == 1)", "{{step}}")).
		TextMode(common.BigValueTextModeName).
		WithTransformation(dashboard.DataTransformerConfig{
			Id:      "renameByRegex",
			Options: map[string]any{"regex": "importer_(.+)", "renamePattern": "$1"},
		}).
		Thresholds(colored("text")).
		NoValue("no import yet")
}

func progressTile() panel {
	return tile("Progress",
		"Records handled, done or failed, of all records. With several workspaces: the running import that is the least far, or the least far of all when none runs.",
		now(fmt.Sprintf("min(%s and on (instance) %s)\nor min(%s)", handled(), inState("importing"), handled()), "")).
		Unit(units.PercentUnit).
		Decimals(1).
		Min(0).
		Max(1).
		Thresholds(colored("blue", threshold{1, "green"})).
		NoValue("no records yet")
}

func speedTile() panel {
	return tile("Speed",
		"Records handled, done or failed, per second, over the last five minutes, of all selected workspaces together.",
		now(sum(speed()), "")).
		Unit(units.RecordsPerSecond).
		Thresholds(colored("text")).
		NoValue("no records yet")
}

func endTile() panel {
	return tile("Time left",
		"How long the running import still takes at its present speed, and when it ends, by the clock of Prometheus. With several workspaces: the one that ends last. Without records moving there is no estimate.",
		now(fmt.Sprintf("max(%s)", untilDone()), "left"),
		now(fmt.Sprintf("(time() + max(%s)) * 1000", untilDone()), "ends")).
		Unit(units.Seconds).
		Decimals(1).
		TextMode(common.BigValueTextModeValueAndName).
		Thresholds(colored("text")).
		OverrideByQuery("B", []dashboard.DynamicConfigValue{property("unit", units.DatetimeLocalNotToday)}).
		NoValue("no estimate")
}

func unmovedTile(runbook runbooks) panel {
	return tile("No movement for",
		"For how long neither the count of records done nor the update time of a loading or running import has changed, as Prometheus saw it: to the minute, six hours at most. With several workspaces: the longest.",
		now(fmt.Sprintf("max(%s)", unmoved()), "")).
		Unit(units.Seconds).
		Decimals(0).
		Thresholds(colored("green", threshold{5 * 60, "yellow"}, threshold{15 * 60, "red"})).
		NoValue("nothing is running").
		Links(runbook.section("RocketChatImportStalled", "RocketChatImportPreparationStalled"))
}

func failedTile(runbook runbooks) panel {
	return tile("Records failed",
		"Records of the newest import that Rocket.Chat counts as failed, of all selected workspaces together. It counts failed users only.",
		now(sum(held("rocketchat_import_records_failed")), "")).
		Unit(units.LocaleFormat).
		Thresholds(colored("green", threshold{1, "yellow"}, threshold{100, "red"})).
		NoValue("none reported").
		Links(runbook.section("RocketChatImportRecordsFailing"))
}

func alertsTile(runbook runbooks) panel {
	return tile("Alerts firing",
		"How many of the import alerts are firing for the selected workspaces.",
		now("count("+alerts("ALERTS", `alertstate="firing"`)+") or vector(0)", "")).
		Decimals(0).
		ColorMode(common.BigValueColorModeBackground).
		Thresholds(colored("green", threshold{1, "red"})).
		NoValue("no data").
		Links([]link{runbook.page()})
}

func workspaces() panel {
	return workspaceTable("Workspaces",
		"One line for each selected workspace: what the last scrape met, where its newest import is, how far and how fast. Given up: Rocket.Chat was restarted under the import or dropped it, so that it will never finish.",
		column{title: "Scrape", width: 95, expr: scrapeCode(), properties: coded(scrapeCodes...)},
		column{title: "State", width: 105, expr: stateCode(), properties: coded(allStates()...)},
		column{title: "Step", width: 150, label: "step", expr: maxBy("instance, step", held("rocketchat_import_step")+" == 1"), properties: []dashboard.DynamicConfigValue{
			property("mappings", withoutPrefix("importer_"))}},
		column{title: "Given up", width: 75, expr: maxBy("instance", held("rocketchat_import_operation_valid")) + " unless on (instance) " + inState("done"), properties: coded(
			code{0, "", "yes", "red"}, code{1, "", "no", "text"})},
		column{title: "Progress", width: 120, expr: handled(), properties: []dashboard.DynamicConfigValue{
			gaugeCell(), property("unit", units.PercentUnit), property("decimals", 0), property("min", 0), property("max", 1),
			thresholds("blue", threshold{1, "green"})}},
		column{title: "Done", width: 80, expr: maxBy("instance", held("rocketchat_import_records_completed")), properties: exact()},
		column{title: "Total", width: 80, expr: maxBy("instance", held("rocketchat_import_records_expected")), properties: exact()},
		column{title: "Failed", width: 70, expr: maxBy("instance", held("rocketchat_import_records_failed")), properties: []dashboard.DynamicConfigValue{
			property("unit", units.LocaleFormat), coloredText(), thresholds("text", threshold{1, "yellow"}, threshold{100, "red"})}},
		column{title: "Speed", width: 95, expr: speed(), properties: []dashboard.DynamicConfigValue{
			property("unit", units.RecordsPerSecond)}},
		column{title: "Time left", width: 85, expr: untilDone(), properties: []dashboard.DynamicConfigValue{
			property("unit", units.Seconds), property("decimals", 1)}},
		column{title: "Unmoved for", width: 95, expr: unmoved(), properties: []dashboard.DynamicConfigValue{
			property("unit", units.Seconds), property("decimals", 0), coloredText(),
			thresholds("text", threshold{5 * 60, "yellow"}, threshold{15 * 60, "red"})}},
	)
}

// exact shows a column of counts with all their digits.
func exact() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("unit", units.LocaleFormat)}
}

// coded shows a column of codes as text in the codes' colours.
func coded(codes ...code) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{coloredText(), property("mappings", mappings(codes...))}
}

func firingAlerts(runbook runbooks) panel {
	since := alerts("ALERTS_FOR_STATE") + " and ignoring (alertstate) " + alerts("ALERTS", `alertstate="firing"`)
	return newTable("Firing alerts",
		"The import alerts that fire now, and since when their condition has held. What to do about each is in the runbooks.",
		rows("1000 * "+maxBy("instance, alertname, severity", since))).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true},
			"indexByName":   map[string]int{"instance": 0, "alertname": 1, "severity": 2, "Value": 3},
			"renameByName":  map[string]string{"instance": "Workspace", "alertname": "Alert", "severity": "Severity", "Value": "Since"},
		}}).
		OverrideByName("Since", []dashboard.DynamicConfigValue{property("unit", units.DateTimeFromNow)}).
		NoValue("no alert is firing").
		Links([]link{runbook.page()}).
		Height(5)
}

// alerts selects one of Prometheus's own series about alerts.
func alerts(metric string, matchers ...string) string {
	return selector(metric, append([]string{`alertname=~"RocketChatImport.*"`}, matchers...)...)
}
