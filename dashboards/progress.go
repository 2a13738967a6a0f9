package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// progress shows how imports moved through the time range.
func progress(runbook runbooks) []panel {
	return []panel{
		stateTimeline(),
		ratioGraph(), throughputGraph(runbook),
		doneGraph(runbook), failedGraph(runbook),
	}
}

func stateTimeline() panel {
	return timeline("State over time",
		"The state of each workspace's newest import. From importing or done back to loading or ready: some other program disturbed the import.",
		overTime(stateCode(), "{{instance}}")).
		Mappings(mappings(allStates()...)).
		NoValue("no import yet")
}

func ratioGraph() panel {
	return graph("Progress over time",
		"Records handled, done or failed, of all records. A line that falls within one import tells of a total that grew: records were added, or staged a second time.",
		overTime(handled(), "{{instance}}")).
		Unit(units.PercentUnit).
		Max(1).
		NoValue("no import yet").
		Span(half)
}

func throughputGraph(runbook runbooks) panel {
	return graph("Throughput",
		"Records handled, done or failed, per second, over five minutes. Rocket.Chat saves its count every 50 records, or every 500 messages.",
		overTime(speed(), "{{instance}}")).
		Unit(units.RecordsPerSecond).
		NoValue("no import yet").
		Links(runbook.section("RocketChatImportStalled")).
		Span(half)
}

func doneGraph(runbook runbooks) panel {
	return graph("Records done",
		"Records done, and dashed the records that the import has in all.",
		overTime(maxBy("instance", held("rocketchat_import_records_completed")), "{{instance}} done"),
		overTime(maxBy("instance", held("rocketchat_import_records_expected")), "{{instance}} total")).
		OverrideByQuery("B", []dashboard.DynamicConfigValue{
			property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 8}}),
			property("custom.lineWidth", 1),
			property("custom.fillOpacity", 0),
		}).
		Decimals(0).
		NoValue("no import yet").
		Links(runbook.section("RocketChatImportDisturbed")).
		Span(half)
}

func failedGraph(runbook runbooks) panel {
	return graph("Records failed",
		"Records that Rocket.Chat counts as failed. It counts failed users only, and some servers do not tell.",
		overTime(maxBy("instance", held("rocketchat_import_records_failed")), "{{instance}}")).
		Decimals(0).
		NoValue("none reported").
		Links(runbook.section("RocketChatImportRecordsFailing")).
		Span(half)
}
