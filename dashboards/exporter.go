package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// exporterPanels show what the exporter costs Rocket.Chat, and how well it sees.
func exporterPanels(runbook runbooks) []panel {
	const duration = "rocketchat_import_api_request_duration_seconds"
	return []panel{
		timeline("Scrapes",
			"What each scrape met. Unauthorized: the token is wrong or expired. Forbidden: its user lacks the permission run-import. "+
				"No answer: see the failures by reason below. Exporter down: Prometheus cannot reach the exporter itself.",
			highest(scrapeCodes), scrapeCodes).
			Links(runbook.section("RocketChatImportAuthFailure", "RocketChatImportScrapeFailing", "RocketChatImportExporterDown", "RocketChatImportConfigReloadFailed")),

		bursts("Failures by reason",
			"Scrapes that failed, per minute. Red: token or permission was refused.",
			"reason", "rocketchat_import_scrape_failures_total{}").
			ColorScheme(colors(dashboard.FieldColorModeIdShades, "orange")).
			OverrideByRegexp("/(unauthorized|forbidden)$/", colorOf(dashboard.FieldColorModeIdShades, "red")).
			NoValue("no failures").Links(runbook.section("RocketChatImportScrapeFailing", "RocketChatImportAuthFailure", "RocketChatImportRateLimited")),

		bursts("Reads of the selection",
			"Calls of getImportFileData per minute by result. Waiting: Rocket.Chat is still preparing the file. Not sent: nothing was asked, since somebody could have pressed start.",
			"result", "rocketchat_import_selection_reads_total{}").
			OverrideByRegexp("/ (failed|not_sent)$/", colorOf(dashboard.FieldColorModeIdShades, "orange")).
			NoValue("no reads"),

		exporterGraph("Requests to Rocket.Chat",
			"API calls per minute that the exporter made, by endpoint and HTTP status; none where no answer came. By default Rocket.Chat allows 10 per minute and endpoint.",
			overTime(perMinute("workspace, endpoint, code", "rocketchat_import_api_requests_total{}"), called+" {{endpoint}} {{code}}")).
			Unit(units.RequestsPerMinute),

		exporterGraph("Rate limit headroom",
			"Calls that Rocket.Chat still allows in the present minute, by endpoint: the fewest that it said lately. By default it allows 10. "+
				"Nothing is drawn for a user exempt from the limit.",
			overTime("min_over_time(rocketchat_import_api_rate_limit_remaining{}[$__rate_interval])", called+" {{endpoint}}")).
			Thresholds(colored("red", from(2, "transparent"))).
			ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeArea)).
			NoValue("no limit reported").Links(runbook.section("RocketChatImportRateLimited")),

		exporterGraph("Latency of Rocket.Chat",
			"Time that Rocket.Chat took to answer the exporter: the mean of each workspace, "+
				"and dashed the 95th percentile of all selected ones, as far as the histogram's buckets tell.",
			overTime(perSecond("workspace, endpoint", duration+"_sum{}")+"\n/ "+perSecond("workspace, endpoint", duration+"_count{}"), called+" {{endpoint}}"),
			overTime("histogram_quantile(0.95, "+perSecond("endpoint, le", duration+"_bucket{}")+")", "{{endpoint}} p95")).
			OverrideByQuery("B", settings{dashed}).
			Unit(units.Seconds),

		exporterGraph("Bytes from Rocket.Chat",
			"Bytes per second of Rocket.Chat's replies to the exporter. A peak at getImportFileData is one reading of the selection.",
			overTime(perSecond("workspace, endpoint", "rocketchat_import_api_response_bytes_total{}"), called+" {{endpoint}}")).
			Unit(units.BytesPerSecondSI),

		exporterGraph("Scrape duration",
			"How long each snapshot of a workspace took, the wait for a selection included. Above the scrape timeout, dashed at Prometheus's default of 10 s, the scrape fails.",
			overTime("rocketchat_import_scrape_duration_seconds{}", called)).
			Unit(units.Seconds).
			Thresholds(colored("transparent", from(10, "red"))).
			ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
			NoValue("no exporter is scraped"),

		besideNames(lines("Clock of Rocket.Chat",
			"How far Rocket.Chat's clock is ahead of Prometheus's. A difference does no harm: ages are by Rocket.Chat's clock alone. "+
				"An answer that several scrapes share makes it fall behind by some seconds.",
			overTime("rocketchat_import_server_time_seconds{} - timestamp(rocketchat_import_server_time_seconds{})", called))).
			Unit(units.Seconds).NoValue("answers have no Date header"),

		bursts("Incidents",
			"Imports that were set back, and imports that were aborted, per minute.",
			"kind", "rocketchat_import_incidents_total{}").
			Height(6).Span(24).NoValue("no incidents").Links(runbook.section("RocketChatImportDisturbed", "RocketChatImportAborted")),
	}
}

// exporterGraph has a line for each workspace and endpoint, called by what it answers.
func exporterGraph(title, description string, queries ...query) *timeseries.PanelBuilder {
	return besideNames(graph(title, description, queries...)).
		WithTransformation(rename("/getCurrentImportOperation/", "operation")).
		WithTransformation(rename("/getImportFileData/", "selection")).
		NoValue("no requests yet")
}

// besideNames puts the legend beside a graph. It may be so wide that the graph keeps its room.
func besideNames(graph *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return graph.Legend(legend(common.LegendPlacementRight).Width(220))
}

// bursts draws what happens now and then, per minute. What does not happen is not drawn.
func bursts(title, description, label, counter string) *timeseries.PanelBuilder {
	return exporterGraph(title, description, overTime(perMinute("workspace, "+label, counter)+" > 0", called+" {{"+label+"}}")).
		DrawStyle(common.GraphDrawStyleBars).FillOpacity(60).LineWidth(1).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).Unit("suffix: /min")
}
