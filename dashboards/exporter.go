package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// exporterPanels show what the exporter costs Rocket.Chat, and how well it sees.
func exporterPanels(runbook runbooks) []panel {
	return []panel{
		scrapeTimeline(runbook),
		requestsGraph(), bytesGraph(), latencyGraph(),
		failuresGraph(runbook), headroomGraph(runbook), durationGraph(),
	}
}

func scrapeTimeline(runbook runbooks) panel {
	return timeline("Scrapes",
		"What each scrape met. Unauthorized: the token is wrong or expired. Forbidden: its user lacks the permission run-import. No answer: see the failures by reason below. Exporter down: Prometheus cannot reach the exporter itself.",
		overTime(scrapeCode(), "{{instance}}")).
		Mappings(mappings(scrapeCodes...)).
		NoValue("no exporter is scraped").
		Links(runbook.section("RocketChatImportAuthFailure", "RocketChatImportScrapeFailing", "RocketChatImportExporterDown")).
		Height(6)
}

func requestsGraph() panel {
	return graph("Requests to Rocket.Chat",
		"API calls per second that the exporter made, by endpoint and HTTP status; none where no answer came.",
		overTime(perSecond("instance, endpoint, code", "rocketchat_import_api_requests_total"), "{{instance}} {{endpoint}} {{code}}")).
		Unit(units.RequestsPerSecond).
		NoValue("no requests yet").
		Span(third)
}

func bytesGraph() panel {
	return graph("Bytes from Rocket.Chat",
		"Bytes per second of Rocket.Chat's replies to the exporter. A peak at getImportFileData is one reading of the selection.",
		overTime(perSecond("instance, endpoint", "rocketchat_import_api_response_bytes_total"), "{{instance}} {{endpoint}}")).
		Unit(units.BytesPerSecondSI).
		NoValue("no requests yet").
		Span(third)
}

func latencyGraph() panel {
	buckets := perSecond("instance, endpoint, le", "rocketchat_import_api_request_duration_seconds_bucket")
	mean := perSecond("instance, endpoint", "rocketchat_import_api_request_duration_seconds_sum") + "\n/ " +
		perSecond("instance, endpoint", "rocketchat_import_api_request_duration_seconds_count")
	return graph("Latency of Rocket.Chat",
		"Time that Rocket.Chat took to answer the exporter: the mean, and the 95th percentile as far as the histogram's buckets tell.",
		overTime(mean, "{{instance}} {{endpoint}} mean"),
		overTime(fmt.Sprintf("histogram_quantile(0.95, %s)", buckets), "{{instance}} {{endpoint}} p95")).
		Unit(units.Seconds).
		NoValue("no requests yet").
		Span(third)
}

func failuresGraph(runbook runbooks) panel {
	increase := fmt.Sprintf("sum by (instance, reason) (increase(%s[$__rate_interval])) > 0",
		selector("rocketchat_import_scrape_failures_total"))
	return graph("Failures by reason",
		"Scrapes, and readings of the selection, that failed. Reasons without a failure are not drawn.",
		overTime(increase, "{{instance}} {{reason}}")).
		DrawStyle(common.GraphDrawStyleBars).
		FillOpacity(60).
		LineWidth(1).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).
		Decimals(1).
		NoValue("no failures").
		Links(runbook.section("RocketChatImportScrapeFailing", "RocketChatImportAuthFailure", "RocketChatImportRateLimited")).
		Span(third)
}

func headroomGraph(runbook runbooks) panel {
	return graph("Rate limit headroom",
		"Calls that Rocket.Chat still allows in the present minute, by endpoint, as its last reply said; by default it allows 10. Nothing is drawn for a user exempt from the limit.",
		overTime(selector("rocketchat_import_api_rate_limit_remaining"), "{{instance}} {{endpoint}}")).
		Thresholds(colored("red", threshold{2, "transparent"})).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeArea)).
		Decimals(0).
		NoValue("no limit reported").
		Links(runbook.section("RocketChatImportRateLimited")).
		Span(third)
}

func durationGraph() panel {
	return graph("Scrape duration",
		"How long each snapshot of a workspace took, the wait for a selection included. Above the scrape timeout, dashed at Prometheus's default of 10 s, the scrape fails.",
		overTime(selector("rocketchat_import_scrape_duration_seconds"), "{{instance}}")).
		Unit(units.Seconds).
		Thresholds(colored("transparent", threshold{10, "red"})).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
		NoValue("no exporter is scraped").
		Span(third)
}
