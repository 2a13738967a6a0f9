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
	return []panel{
		stateTile(runbook), alertsTile(runbook), stepTile(), progressTile(), timeLeftTile(),
		unmovedTile(runbook), speedTile(), failedTile(runbook),
		workspaceTable(),
		firingAlerts(runbook),
	}
}

func stateTile(runbook runbooks) panel {
	return tile("State",
		"State of the newest import, or why it is not known. With several workspaces: the most pressing; the table below has them all. "+
			"Stalled: it runs or loads, and Rocket.Chat has not saved it for long. Interrupted: Rocket.Chat gave it up, and it will never finish. "+
			"Aborted: it ended before its end. Set back: another program called getImportFileData. "+
			"Ended: it is done, and either Rocket.Chat was restarted since, or it was aborted while the exporter did not look.",
		now("max("+stateCode()+")", "")).
		Mappings(mappings(stateCodes()...)).
		ColorMode(common.BigValueColorModeBackground).
		Thresholds(colored(grey)).
		NoValue("not known").
		Links(runbook.section("RocketChatImportStalled", "RocketChatImportFailed", "RocketChatImportInterrupted", "RocketChatImportAborted",
			"RocketChatImportDisturbed", "RocketChatImportAwaitingStart", "RocketChatImportFinished")).
		Span(5)
}

func alertsTile(runbook runbooks) panel {
	return tile("Alerts firing",
		"How many critical alerts and warnings are firing for the selected workspaces. The table below also has those that only inform. Not known: no exporter is scraped, or nothing shows that Prometheus has loaded the rules.",
		now("count("+troubles+")\nor on () 0 * count(rocketchat_import_up{} and on () "+lately("rocketchat_import:idle:seconds{}")+")", "")).
		Decimals(0).
		ColorMode(common.BigValueColorModeBackground).
		Thresholds(colored(grey, threshold{0, "green"}, threshold{1, "red"})).
		NoValue("not known").
		Links(runbook.page()).
		Span(4)
}

func stepTile() panel {
	const step = `rocketchat_import_step{}`
	return tile("Step",
		"The step of the newest import, by Rocket.Chat's own name for it. With several workspaces: the three steps that most of them are in.",
		now("topk(3, count by (step) ("+held(step)+" == 1))"+
			"\nor on () count by (step) (label_replace("+inState("none")+`, "step", "none", "", ""))`+
			"\nor on () label_replace(vector(0), \"step\", \"not known\", \"\", \"\")", "{{step}}")).
		Orientation(common.VizOrientationHorizontal).
		TextMode(common.BigValueTextModeName).
		WithTransformation(rename("importer_(.+)", "$1")).
		NoValue("not known").
		Span(5)
}

func progressTile() panel {
	return tile("Progress",
		"Records handled, done or failed, of all records. A finished import is 100 %: Rocket.Chat does not save its last counts. "+
			"With several workspaces: the running imports that are the least far, or the least far of all where none runs.",
		now(orNothing("bottomk(3, "+progress()+" and on (instance) "+inState("importing")+")\nor on () bottomk(3, "+progress()+")", allSeen), "{{instance}}")).
		Orientation(common.VizOrientationHorizontal).
		Unit(units.PercentUnit).
		Decimals(1).
		Min(0).
		Max(1).
		Mappings([]dashboard.ValueMapping{nothing("no records yet")}).
		Thresholds(colored("text", threshold{0, "blue"}, threshold{1, "green"})).
		NoValue("not known").
		Span(5)
}

func timeLeftTile() panel {
	last := "topk(1, " + timeLeft() + ")"
	return tile("Time left",
		"How long the running import still takes at its speed of the last 5 minutes, and when it ends. With several workspaces: the one that ends last. "+
			"There is no estimate before an import has run, and moved, for 5 minutes.",
		now(last, "{{instance}}"),
		now("1000 * (time() + "+last+")", "{{instance}}")).
		Orientation(common.VizOrientationHorizontal).
		TextMode(common.BigValueTextModeValueAndName).
		// Beside a name, Grafana would make the value too small.
		Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(12).ValueSize(24)).
		Unit(units.Seconds).
		Decimals(1).
		OverrideByQuery("B", []dashboard.DynamicConfigValue{property("unit", "time:[ends] HH:mm")}).
		NoValue("no estimate").
		Span(5)
}

func unmovedTile(runbook runbooks) panel {
	return tile("No movement for",
		"How long ago Rocket.Chat last saved a loading or running import, by its own clock. Red: it is stalled. With several workspaces: the longest. "+
			"Downloads of pending files save nothing for a long time, so they are never red.",
		now("(\n"+orNothing("topk(3, "+unmoved()+")", allRest("importing|loading"))+"\n)\nunless on () "+stalled(), "{{instance}}"),
		now("topk(3, "+stalled()+")", "{{instance}}")).
		Orientation(common.VizOrientationHorizontal).
		Unit(units.Seconds).
		Decimals(0).
		Mappings([]dashboard.ValueMapping{nothing("nothing is running"), moving()}).
		OverrideByQuery("B", []dashboard.DynamicConfigValue{property("color", fixed("red"))}).
		NoValue("not known").
		Links(runbook.section("RocketChatImportStalled", "RocketChatImportPreparationStalled")).
		Span(third)
}

func speedTile() panel {
	return tile("Speed",
		"Records handled, done or failed, per second, over the last five minutes, by all running imports together.",
		now(orNothing("sum("+speed()+")", allRest("importing")), "")).
		Unit(units.RecordsPerSecond).
		Mappings([]dashboard.ValueMapping{nothing("no import runs")}).
		NoValue("not known").
		Span(third)
}

func failedTile(runbook runbooks) panel {
	return tile("Records failed",
		"Records of the newest import that Rocket.Chat counts as failed, of all selected workspaces together. "+
			"It counts them for imports by import.run, and in the newest versions for downloads of pending files. For an import that was started from the page it never does.",
		now(orNothing("sum("+held("rocketchat_import_records_failed{}")+")", allSeen), "")).
		Unit(units.LocaleFormat).
		Mappings([]dashboard.ValueMapping{nothing("none reported")}).
		Thresholds(colored("text", threshold{1, "orange"}, threshold{100, "red"})).
		NoValue("not known").
		Links(runbook.section("RocketChatImportRecordsFailing")).
		Span(third)
}

func workspaceTable() panel {
	count := func(title, metric string) column {
		return column{title: title, width: 90, expr: maxBy("instance", held(metric)), unit: units.LocaleFormat}
	}
	failed := count("Failed", "rocketchat_import_records_failed{}")
	failed.properties = []dashboard.DynamicConfigValue{coloredText(), thresholds("text", threshold{1, "orange"}, threshold{100, "red"})}
	return perWorkspace("Workspaces",
		"One line for each selected workspace, the most pressing first: where its newest import is, how far and how fast, and what the last scrape met. A click on its name shows it alone.",
		column{title: "State", width: 120, expr: stateCode(), mappings: mappings(stateCodes()...), properties: []dashboard.DynamicConfigValue{
			property("custom.align", "left"), property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"})}},
		column{title: "Step", width: 160, label: "step", expr: maxBy("instance, step", held("rocketchat_import_step{}")+" == 1"),
			mappings: []dashboard.ValueMapping{withoutPrefix("importer_")}},
		column{title: "Progress", width: 150, expr: progress(), unit: units.PercentUnit, properties: []dashboard.DynamicConfigValue{
			property("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
			property("decimals", 0), property("min", 0), property("max", 1), thresholds("text", threshold{0, "blue"}, threshold{1, "green"})}},
		column{title: "Time left", width: 90, expr: timeLeft(), unit: units.Seconds, properties: []dashboard.DynamicConfigValue{property("decimals", 1)}},
		column{title: "Unmoved for", width: 110, expr: unmoved(), unit: units.Seconds, mappings: []dashboard.ValueMapping{moving()},
			properties: []dashboard.DynamicConfigValue{property("decimals", 0), coloredText(), thresholds("text")}},
		column{title: "Speed", width: 95, expr: speed(), unit: units.RecordsPerSecond},
		count("Done", "rocketchat_import_records_completed{}"),
		count("Total", "rocketchat_import_records_expected{}"),
		failed,
		column{title: "Scrape", width: 120, expr: scrapeCode(), mappings: mappings(scrapeCodes()...), properties: []dashboard.DynamicConfigValue{
			property("custom.align", "left"), coloredText()}},
	).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName("State").Desc(true)}).
		Height(8)
}

func firingAlerts(runbook runbooks) panel {
	const since = `ALERTS_FOR_STATE{alertname=~"RocketChatImport.*"} and ignoring (alertstate) ` + firing
	return newTable("Firing alerts",
		"The import alerts that fire now, and since when their condition has held. The page of runbooks says what to do about each; the exporter serves it at /docs/runbooks.md.",
		rows("1000 * "+maxBy("instance, alertname, severity", since))).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true},
			"indexByName":   map[string]int{"instance": 0, "alertname": 1, "severity": 2, "Value": 3},
			"renameByName":  map[string]string{"instance": "Workspace", "alertname": "Alert", "severity": "Severity", "Value": "Since"},
		}}).
		OverrideByName("Severity", []dashboard.DynamicConfigValue{coloredText(), property("mappings", severities())}).
		OverrideByName("Since", []dashboard.DynamicConfigValue{property("unit", units.DateTimeFromNow)}).
		NoValue("no alert is firing").
		Links(runbook.page()).
		Height(6)
}

func severities() []dashboard.ValueMapping {
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText,
		Options: map[string]dashboard.ValueMappingResult{
			"critical": shown("critical", "red", 0), "warning": shown("warning", "orange", 1), "info": shown("info", "blue", 2),
		},
	}}}
}
