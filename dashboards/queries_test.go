package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Everything that the exporter, the rule file and Prometheus itself provide.
var knownMetrics = strings.Fields(`
	rocketchat_import_up
	rocketchat_import_auth_failure
	rocketchat_import_scrape_failures_total
	rocketchat_import_scrape_duration_seconds
	rocketchat_import_users
	rocketchat_import_channels
	rocketchat_import_messages
	rocketchat_import_contacts
	rocketchat_import_users_by_flag
	rocketchat_import_channels_by_flag
	rocketchat_import_waiting
	rocketchat_import_state
	rocketchat_import_step
	rocketchat_import_operation_info
	rocketchat_import_operation_valid
	rocketchat_import_operation_created_timestamp_seconds
	rocketchat_import_operation_updated_timestamp_seconds
	rocketchat_import_operation_records
	rocketchat_import_records_expected
	rocketchat_import_records_completed
	rocketchat_import_records_failed
	rocketchat_import_api_requests_total
	rocketchat_import_api_request_duration_seconds_bucket
	rocketchat_import_api_request_duration_seconds_sum
	rocketchat_import_api_request_duration_seconds_count
	rocketchat_import_api_response_bytes_total
	rocketchat_import_api_rate_limit_remaining
	rocketchat_import:progress:ratio
	rocketchat_import:records:rate5m
	rocketchat_import:remaining:seconds
	up
	ALERTS
	ALERTS_FOR_STATE
`)

var (
	selectors    = regexp.MustCompile(`([A-Za-z_:][A-Za-z0-9_:]*)\{([^}]*)\}`)
	placeholders = regexp.MustCompile(`\$\w+|\$\{\w+\}`)
)

func TestEveryMetricIsOneThatExists(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		found := selectors.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s selects nothing", where)
		}
		for _, match := range found {
			if !slices.Contains(knownMetrics, match[1]) {
				t.Errorf("%s uses %s", where, match[1])
			}
		}
	})
}

func TestEveryMetricIsShown(t *testing.T) {
	shown := map[string]bool{}
	eachQuery(t, func(_, expr string) {
		for _, match := range selectors.FindAllStringSubmatch(expr, -1) {
			shown[match[1]] = true
		}
	})
	for _, metric := range knownMetrics {
		if !shown[metric] {
			t.Errorf("%s is not on the dashboard", metric)
		}
	}
}

func TestEverySelectorKeepsToTheChosenWorkspaces(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		for _, match := range selectors.FindAllStringSubmatch(expr, -1) {
			if !strings.Contains(match[2], `instance=~"$instance"`) {
				t.Errorf("%s: %s", where, match[0])
			}
		}
	})
}

func TestQueriesUseNoOtherPlaceholders(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		for _, placeholder := range placeholders.FindAllString(expr, -1) {
			if placeholder != "$instance" && placeholder != "$__rate_interval" {
				t.Errorf("%s holds %s", where, placeholder)
			}
		}
	})
}

func TestParenthesesAreBalanced(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		if strings.Count(expr, "(") != strings.Count(expr, ")") {
			t.Errorf("%s: %s", where, expr)
		}
	})
}

func TestAGaugeIsHeldOnlyWhileScrapesFail(t *testing.T) {
	const want = `(m{instance=~"$instance",type="users"}` +
		` or last_over_time(m{instance=~"$instance",type="users"}[5m])` +
		` unless on (instance) (rocketchat_import_up{instance=~"$instance"} == 1))`
	if got := held("m", `type="users"`); got != want {
		t.Errorf("held: %s", got)
	}
}

func TestEveryStateHasACodeOfItsOwn(t *testing.T) {
	numbers := map[int]bool{}
	var names []string
	for _, state := range allStates() {
		if numbers[state.number] {
			t.Errorf("code %d is given twice", state.number)
		}
		numbers[state.number] = true
		names = append(names, state.name)
	}
	for _, state := range []string{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"} {
		if !slices.Contains(names, state) {
			t.Errorf("the state %s has no code", state)
		}
	}
}

// eachQuery visits the queries of all panels and of the annotations.
func eachQuery(t *testing.T, visit func(where, expr string)) {
	t.Helper()
	board := load(t)
	for _, annotation := range board.Annotations.List {
		visit("annotation", annotation.Expr)
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			visit(p.Title+" "+target.RefID, target.Expr)
		}
	}
}
