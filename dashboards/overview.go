package main

import (
	"fmt"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// overview answers at a glance. A phone stacks the tiles in this order. The first row is
// 5 + 4 + 5 + 5 + 5 wide, the second 3 * 8.
func overview(runbook runbooks) []panel {
	last := "topk(1, " + timeLeft + ")"
	critical := `count(ALERTS{` + firing + `,severity="critical"})`
	return []panel{
		tile("State",
			"State of the newest import, or why it is not known. With several workspaces: the most pressing; the table below has them all. "+
				"Stalled: it runs or loads, and Rocket.Chat has not saved it for long. Interrupted: Rocket.Chat gave it up, and it will never finish. "+
				"Aborted: it ended before its end. Set back: getImportFileData was called in a wrong step; do not press start. "+
				"Ended: it is done, and either Rocket.Chat was restarted since, or it was aborted while the exporter did not look.",
			now("max("+stateCode+")", "")).
			Mappings(mappings(stateCodes...)).
			ColorMode(common.BigValueColorModeBackground).Thresholds(colored(grey)).Span(5).
			Links(runbook.section("RocketChatImportStalled", "RocketChatImportFailed", "RocketChatImportInterrupted", "RocketChatImportAborted",
				"RocketChatImportDisturbed", "RocketChatImportAwaitingStart", "RocketChatImportFinished")),

		tile("Alerts firing",
			"How many critical alerts and warnings are firing for the selected workspaces; one that has the cause of another does not count. Red: one is critical. "+
				"The table below has them all. "+
				"Not known: no exporter is scraped, or nothing shows that Prometheus has loaded the rules.",
			now("count("+causes+") and on () "+critical, ""),
			now("(count("+causes+") or on () 0 * count("+lately("rocketchat_import:answered:bool{}")+")) unless on () "+critical, "")).
			Decimals(0).
			ColorMode(common.BigValueColorModeBackground).Thresholds(colored(grey, from(0, "green"), from(1, "orange"))).
			OverrideByQuery("A", settings{thresholds("red")}).
			Links(runbook.page()).Span(4),

		tile("Step",
			"The step of the newest import, by Rocket.Chat's own name for it. With several workspaces: the three steps that most of them are in, and how many are.",
			now(`label_replace(count_values by (step) ("n", topk(3, count by (step) (`+held("rocketchat_import_step{}")+` == 1))), "many", " × $1", "n", "([2-9]|..+)")`+
				"\nor on () count by (step) (label_replace("+inState("none")+`, "step", "none", "", ""))`+
				"\nor on () label_replace(vector(0), \"step\", \"not known\", \"\", \"\")", "{{step}}{{many}}")).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeName).Thresholds(colored(grey, from(1, "text"))).
			WithTransformation(rename("/^importer_/", "")).Span(5),

		tile("Progress",
			"Records handled, done or failed, of all records. A finished import is 100 %: Rocket.Chat may not save its last counts. One that may have been aborted is what was saved. "+
				"With several workspaces: the running imports that are the least far, or the least far of all where none runs.",
			now(orNothing("bottomk(3, "+progress+" and on (workspace) "+inState("importing")+")\nor on () bottomk(3, "+progress+")", allSeen), called)).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeValueAndName).Text(nameBesideValue).
			Unit(units.PercentUnit).Decimals(1).Min(0).Max(1).Span(5).
			Mappings(nothing("no records yet")).Thresholds(colored(grey, from(0, "blue"), from(1, "green"))),

		tile("Time left",
			"How long the running import still takes at its speed of the last 5 minutes, and when it ends. With several workspaces: the one that ends last. "+
				"There is no estimate before an import has run, and moved, for 5 minutes.",
			now(last, called),
			now("1000 * (time() + "+last+")", "ends")).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeValueAndName).Text(nameBesideValue).
			WithTransformation(rename("/^(.{20}).{3,}$/", "$1…")). // two lines would not fit
			Unit(units.Seconds).Decimals(1).
			OverrideByQuery("B", settings{property("unit", "time:HH:mm")}).
			NoValue("no estimate").Span(5),

		tile("No movement for",
			"How long ago Rocket.Chat last saved a loading or running import, by its own clock. Red: it is stalled. With several workspaces: the longest. "+
				"Downloads of pending files save nothing for a long time, so they are never red.",
			now("(\n"+orNothing("topk(3, "+unmoved+")", allRest("importing|loading"))+"\n)\nunless on () "+stalled, called),
			now("topk(3, "+stalled+")", called)).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeValueAndName).Text(nameBesideValue).
			Unit(units.Seconds).Decimals(0).Mappings(append(nothing("nothing is running"), moving)).
			OverrideByQuery("B", colorOf(dashboard.FieldColorModeIdFixed, "red")).
			Links(runbook.section("RocketChatImportStalled", "RocketChatImportPreparationStalled")),

		tile("Speed",
			"Records handled, done or failed, per second, over the last five minutes, by all running imports together.",
			now(orNothing("sum("+speed+")", allRest("importing")), "")).
			Unit(units.RecordsPerSecond).Mappings(nothing("no import runs")),

		tile("Records failed",
			"Records of the newest import that Rocket.Chat counts as failed, of all selected workspaces together. "+
				"It counts them for imports by import.run, and in the newest versions for downloads of pending files. For an import that was started from the page it never does.",
			now(orNothing("sum("+failures+")", allSeen), "")).
			Unit(units.LocaleFormat).Mappings(nothing("none counted")).
			Thresholds(colored(grey, from(0, "text"), from(1, "orange"), from(100, "red"))).
			Links(runbook.section("RocketChatImportRecordsFailing")),

		workspaceTable(), firingAlerts(runbook),
	}
}

func firingAlerts(runbook runbooks) panel {
	since := "1000 * " + maxBy("workspace, alertname, severity", `ALERTS_FOR_STATE{alertname=~"RocketChatImport.*"} and ignoring (alertstate) ALERTS{`+firing+`}`)
	// Numbers sort the severities. The table shows the names.
	severities := map[string]dashboard.ValueMappingResult{}
	for i, severity := range []struct{ name, color string }{{"critical", "red"}, {"warning", "orange"}, {"info", "blue"}} {
		number := strconv.Itoa(i + 1)
		since = fmt.Sprintf("label_replace(%s, \"severity\", %q, \"severity\", %q)", since, number, severity.name)
		severities[number] = shown(severity.name, severity.color, int32(i))
	}
	return newTable("Firing alerts",
		"The import alerts that fire now, the most severe first. Since: when the condition began to hold, or when Prometheus was started after that. "+
			"The page of runbooks says what to do about each; the exporter serves it at /docs/runbooks.md.",
		rows(withLink(since))).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true},
			"indexByName":   map[string]int{"instance": 0, "namespace": 1, "cluster": 2, "alertname": 3, "severity": 4, "Value": 5, toNamespace: 6, toCluster: 7},
			"renameByName":  map[string]string{"instance": "Workspace", "namespace": "Namespace", "cluster": "Cluster", "alertname": "Alert", "severity": "Severity", "Value": "Since"},
		}}).
		OverrideByName("Workspace", showAlone("Workspace")).
		OverrideByName(toNamespace, hidden).OverrideByName(toCluster, hidden).
		OverrideByName("Alert", settings{property("mappings", without("RocketChatImport"))}).
		OverrideByName("Severity", settings{coloredText, property("mappings", texts(severities))}).
		OverrideByName("Since", settings{property("unit", units.DateTimeFromNow)}).
		SortBy(sortBy("Severity", false)).
		NoValue("no alert is firing, or no rules are loaded").Links(runbook.page()).Height(8)
}

func workspaceTable() panel {
	count := func(title, metric string) column {
		return column{title: title, width: 75, expr: maxBy("workspace", held(metric)), unit: units.LocaleFormat}
	}
	return perWorkspace("Workspaces",
		"One line for each selected workspace, the most pressing first: where its newest import is, how far and how fast, and what the last scrape met. "+
			"A click on its name shows it alone.",
		column{title: "State", width: 115, expr: stateCode, mappings: mappings(stateCodes...), properties: settings{
			property("custom.align", "left"), property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"})}},
		column{title: "Step", width: 150, label: "step", expr: maxBy("workspace, step", held("rocketchat_import_step{}")+" == 1"),
			mappings: without("importer_")},
		column{title: "Progress", width: 140, expr: progress, unit: units.PercentUnit, properties: settings{
			property("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
			property("decimals", 1), property("min", 0), property("max", 1), thresholds("text", from(0, "blue"), from(1, "green"))}},
		column{title: "Time left", width: 85, expr: timeLeft, unit: units.Seconds, properties: settings{property("decimals", 1)}},
		column{title: "Unmoved for", width: 105, expr: unmoved, unit: units.Seconds, mappings: values{moving},
			properties: settings{property("decimals", 0), coloredText, thresholds("text")}},
		column{title: "Speed", width: 90, expr: speed, unit: units.RecordsPerSecond},
		count("Done", "rocketchat_import_records_completed{}"),
		count("Total", "rocketchat_import_records_expected{}"),
		column{title: "Failed", width: 65, expr: failures, unit: units.LocaleFormat,
			properties: settings{coloredText, thresholds("text", from(1, "orange"), from(100, "red"))}},
		column{title: "Scrape", width: 115, expr: highest(scrapeCodes), mappings: mappings(scrapeCodes...),
			properties: settings{property("custom.align", "left"), coloredText}},
	).
		SortBy(sortBy("State", true)).
		Height(11)
}
