package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// progressPanels show how imports moved through the time range.
func progressPanels(runbook runbooks) []panel {
	return []panel{
		timeline("State over time",
			"The state of each workspace's newest import, or why it is not known.",
			stateCode, stateCodes),

		graph("Progress over time",
			"Records handled, done or failed, of all records. A line that falls within one import shows that its total grew: records were added, or staged a second time.",
			overTime(progress, called)).
			Unit(units.PercentUnit).Max(1).NoValue("no import yet"),

		graph("Throughput",
			"Records handled, done or failed, per second, over five minutes. Rocket.Chat saves its count every 50 records or every 500 messages, and before 6.3 every 500 records.",
			overTime(speed, called)).
			Unit(units.RecordsPerSecond).NoValue("no import runs").Links(runbook.section("RocketChatImportStalled")),

		graph("Records done",
			"Records done, and dashed the records that the import has in all. Rocket.Chat may not save the last counts: a finished import may end below its total.",
			overTime(maxBy("workspace", held("rocketchat_import_records_completed{}")), called+" done"),
			overTime(maxBy("workspace", held("rocketchat_import_records_expected{}")), called+" total")).
			Unit(units.LocaleFormat).
			OverrideByQuery("B", settings{
				dashed, colorOf(dashboard.FieldColorModeIdFixed, "text")[0],
				property("custom.lineWidth", 1),
				// A name for each dashed line too would not fit.
				property("custom.hideFrom", map[string]bool{"legend": true, "tooltip": false, "viz": false}),
			}).
			NoValue("no import yet").Links(runbook.section("RocketChatImportDisturbed", "RocketChatImportAborted")),

		graph("Records failed",
			"Records that Rocket.Chat counts as failed. It counts them for imports by import.run, and in the newest versions for downloads of pending files. "+
				"For an import that was started from the page it never does.",
			overTime(maxBy("workspace", held("rocketchat_import_records_failed{}"))+" > 0", called)).
			Unit(units.LocaleFormat).
			ColorScheme(colors(dashboard.FieldColorModeIdShades, "red")).
			NoValue("none counted").Links(runbook.section("RocketChatImportRecordsFailing")),

		lines("Running for",
			"How long ago each running import was first seen to run, by Rocket.Chat's clock. Nothing is drawn for one that was not seen before it started.",
			overTime(maxBy("workspace", held("rocketchat_import_server_time_seconds{}")+" - "+held("rocketchat_import_operation_started_timestamp_seconds{}"))+
				" and on (workspace) "+inState("importing"), called)).
			Unit(units.Seconds).NoValue("no import runs"),

		graph("Instances of Rocket.Chat",
			"Instances that answered within 10 minutes, and dashed those that answered for the first time. One that is started ends a running import.",
			overTime(maxBy("workspace", "rocketchat_import_server_instances{}"), called),
			overTime(maxBy("workspace", "increase(rocketchat_import_server_instances_seen_total{}[$__rate_interval])"), called+" new")).
			OverrideByQuery("B", settings{dashed}).
			NoValue("answers name no instance").Links(runbook.section("RocketChatImportSeveralInstances", "RocketChatImportAborted")),
	}
}
