package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// overview answers at a glance: is an import running, in which step, how far,
// when will it end, is it stuck, how fast, what failed. A phone stacks the tiles
// in this order. The first row is 5 + 4 + 5 + 5 + 5 wide, the second 3 * 8.
func overview(runbook runbooks) []panel {
	last := "topk(1, " + timeLeft + ")"
	return []panel{
		tile("State",
			"State of the newest import, or why it is not known. With several workspaces: the most pressing; the table below has them all. "+
				"Stalled: it runs or loads, and Rocket.Chat has not saved it for long. Interrupted: Rocket.Chat gave it up, and it will never finish. "+
				"Aborted: it ended before its end. Set back: another program called getImportFileData. "+
				"Ended: it is done, and either Rocket.Chat was restarted since, or it was aborted while the exporter did not look.",
			now("max("+stateCode+")", "")).
			Mappings(mappings(stateCodes...)).
			ColorMode(common.BigValueColorModeBackground).Thresholds(colored(grey)).Span(5).
			Links(runbook.section("RocketChatImportStalled", "RocketChatImportFailed", "RocketChatImportInterrupted", "RocketChatImportAborted",
				"RocketChatImportDisturbed", "RocketChatImportAwaitingStart", "RocketChatImportFinished")),

		tile("Alerts firing",
			"How many critical alerts and warnings are firing for the selected workspaces. The table below also has those that only inform. "+
				"Not known: no exporter is scraped, or nothing shows that Prometheus has loaded the rules.",
			now("count("+troubles+")\nor on () 0 * count(rocketchat_import_up{} and on () "+lately("rocketchat_import:idle:seconds{}")+")", "")).
			Decimals(0).
			ColorMode(common.BigValueColorModeBackground).Thresholds(colored(grey, from(0, "green"), from(1, "red"))).
			Links(runbook.page()).Span(4),

		tile("Step",
			"The step of the newest import, by Rocket.Chat's own name for it. With several workspaces: the three steps that most of them are in.",
			now("topk(3, count by (step) ("+held("rocketchat_import_step{}")+" == 1))"+
				"\nor on () count by (step) (label_replace("+inState("none")+`, "step", "none", "", ""))`+
				"\nor on () label_replace(vector(0), \"step\", \"not known\", \"\", \"\")", "{{step}}")).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeName).
			WithTransformation(rename("importer_(.+)", "$1")).Span(5),

		tile("Progress",
			"Records handled, done or failed, of all records. A finished import is 100 %: Rocket.Chat does not save its last counts. "+
				"With several workspaces: the running imports that are the least far, or the least far of all where none runs.",
			now(orNothing("bottomk(3, "+progress+" and on (instance) "+inState("importing")+")\nor on () bottomk(3, "+progress+")", allSeen), "{{instance}}")).
			Orientation(common.VizOrientationHorizontal).
			Unit(units.PercentUnit).Decimals(1).Min(0).Max(1).Span(5).
			Mappings(nothing("no records yet")).Thresholds(colored("text", from(0, "blue"), from(1, "green"))),

		tile("Time left",
			"How long the running import still takes at its speed of the last 5 minutes, and when it ends. With several workspaces: the one that ends last. "+
				"There is no estimate before an import has run, and moved, for 5 minutes.",
			now(last, "{{instance}}"),
			now("1000 * (time() + "+last+")", "{{instance}}")).
			Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeValueAndName).
			// Beside a name, Grafana would make the value too small.
			Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(12).ValueSize(24)).
			Unit(units.Seconds).Decimals(1).
			OverrideByQuery("B", settings{property("unit", "time:[ends] HH:mm")}).
			NoValue("no estimate").Span(5),

		tile("No movement for",
			"How long ago Rocket.Chat last saved a loading or running import, by its own clock. Red: it is stalled. With several workspaces: the longest. "+
				"Downloads of pending files save nothing for a long time, so they are never red.",
			now("(\n"+orNothing("topk(3, "+unmoved+")", allRest("importing|loading"))+"\n)\nunless on () "+stalled, "{{instance}}"),
			now("topk(3, "+stalled+")", "{{instance}}")).
			Orientation(common.VizOrientationHorizontal).
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
			now(orNothing("sum("+held("rocketchat_import_records_failed{}")+")", allSeen), "")).
			Unit(units.LocaleFormat).Mappings(nothing("none reported")).
			Thresholds(colored("text", from(1, "orange"), from(100, "red"))).
			Links(runbook.section("RocketChatImportRecordsFailing")),

		workspaceTable(),

		newTable("Firing alerts",
			"The import alerts that fire now, and since when their condition has held. The page of runbooks says what to do about each; the exporter serves it at /docs/runbooks.md.",
			rows("1000 * "+maxBy("instance, alertname, severity", `ALERTS_FOR_STATE{alertname=~"RocketChatImport.*"}`+
				` and ignoring (alertstate) ALERTS{alertname=~"RocketChatImport.*",alertstate="firing"}`))).
			WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
				"excludeByName": map[string]bool{"Time": true},
				"indexByName":   map[string]int{"instance": 0, "alertname": 1, "severity": 2, "Value": 3},
				"renameByName":  map[string]string{"instance": "Workspace", "alertname": "Alert", "severity": "Severity", "Value": "Since"},
			}}).
			OverrideByName("Severity", settings{coloredText, property("mappings", texts(map[string]dashboard.ValueMappingResult{
				"critical": shown("critical", "red", 0), "warning": shown("warning", "orange", 1), "info": shown("info", "blue", 2),
			}))}).
			OverrideByName("Since", settings{property("unit", units.DateTimeFromNow)}).
			NoValue("no alert is firing").Links(runbook.page()).Height(6),
	}
}

func workspaceTable() panel {
	count := func(title, metric string, more ...dashboard.DynamicConfigValue) column {
		return column{title: title, width: 90, expr: maxBy("instance", held(metric)), unit: units.LocaleFormat, properties: more}
	}
	return perWorkspace("Workspaces",
		"One line for each selected workspace, the most pressing first: where its newest import is, how far and how fast, and what the last scrape met. "+
			"A click on its name shows it alone.",
		column{title: "State", width: 120, expr: stateCode, mappings: mappings(stateCodes...), properties: settings{
			property("custom.align", "left"), property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"})}},
		column{title: "Step", width: 160, label: "step", expr: maxBy("instance, step", held("rocketchat_import_step{}")+" == 1"),
			mappings: values{shortStep}},
		column{title: "Progress", width: 150, expr: progress, unit: units.PercentUnit, properties: settings{
			property("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
			property("decimals", 0), property("min", 0), property("max", 1), thresholds("text", from(0, "blue"), from(1, "green"))}},
		column{title: "Time left", width: 90, expr: timeLeft, unit: units.Seconds, properties: settings{property("decimals", 1)}},
		column{title: "Unmoved for", width: 110, expr: unmoved, unit: units.Seconds, mappings: values{moving},
			properties: settings{property("decimals", 0), coloredText, thresholds("text")}},
		column{title: "Speed", width: 95, expr: speed, unit: units.RecordsPerSecond},
		count("Done", "rocketchat_import_records_completed{}"),
		count("Total", "rocketchat_import_records_expected{}"),
		count("Failed", "rocketchat_import_records_failed{}", coloredText, thresholds("text", from(1, "orange"), from(100, "red"))),
		column{title: "Scrape", width: 120, expr: highest(scrapeCodes), mappings: mappings(scrapeCodes...),
			properties: settings{property("custom.align", "left"), coloredText}},
	).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName("State").Desc(true)}).
		Height(8)
}
