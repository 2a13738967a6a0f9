package main

import (
	"fmt"
	"strings"
)

// byInstance restricts a selector to the chosen workspaces.
const byInstance = `instance=~"$instance"`

// Recorded by the shipped rule file.
const (
	progressRatio = "rocketchat_import:progress:ratio"
	recordsRate   = "rocketchat_import:records:rate5m"
	timeRemaining = "rocketchat_import:remaining:seconds"
)

// selector selects a metric of the chosen workspaces; matchers narrow it further.
func selector(metric string, matchers ...string) string {
	return metric + "{" + strings.Join(append([]string{byInstance}, matchers...), ",") + "}"
}

// held is a gauge of the import as last scraped. Such gauges vanish while
// scrapes fail; then, and only then, their last value of five minutes is used.
// One that vanished from a good scrape is gone, and stays gone.
func held(metric string, matchers ...string) string {
	return fmt.Sprintf("(%s or %s unless on (instance) (%s == 1))",
		selector(metric, matchers...), lately(metric, matchers...), selector("rocketchat_import_up"))
}

// inState holds one series for each workspace whose newest import is in one of
// the given states; it is made for the right side of "and on (instance)".
func inState(states ...string) string {
	return fmt.Sprintf("(%s == 1)",
		lately("rocketchat_import_state", fmt.Sprintf(`state=~"%s"`, strings.Join(states, "|"))))
}

func maxBy(label, expr string) string { return fmt.Sprintf("max by (%s) (%s)", label, expr) }

func sum(expr string) string { return fmt.Sprintf("sum(%s)", expr) }

// perSecond is the rate of a counter, summed by labels.
func perSecond(labels, metric string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", labels, selector(metric))
}

// handled is the part of each workspace's records that is done or failed, 0 to
// 1. The rule has a hole after a failed scrape, and ends it one evaluation late;
// the last value bridges it for as long as the import has a total.
func handled() string {
	return fmt.Sprintf("(%s and on (instance) %s)",
		maxBy("instance", lately(progressRatio)), held("rocketchat_import_records_expected"))
}

// speed is the records handled per second in each workspace.
func speed() string { return maxBy("instance", selector(recordsRate)) }

// untilDone is the estimated seconds to the end, for each running import that
// has an estimate and still moves.
func untilDone() string {
	return fmt.Sprintf("(%s and on (instance) %s and on (instance) (%s > 0))",
		maxBy("instance", lately(timeRemaining)), inState("importing"), selector(recordsRate))
}

// lately bridges the holes of failed scrapes with the last value of five minutes.
func lately(metric string, matchers ...string) string {
	return fmt.Sprintf("last_over_time(%s[5m])", selector(metric, matchers...))
}

// unmoved is for how many seconds neither the update time nor the completed
// count of a running import has changed. It asks when Prometheus last saw
// another value than the present one, minute by minute, or else when it first
// saw this one: Rocket.Chat's own clock has no part in it.
func unmoved() string {
	const window = "[6h:1m]"
	var changed, seen []string
	for _, metric := range []string{
		"rocketchat_import_operation_updated_timestamp_seconds",
		"rocketchat_import_records_completed",
	} {
		then, present := lately(metric), fmt.Sprintf("last_over_time(%s[5m] @ end())", selector(metric))
		changed = append(changed, fmt.Sprintf("max_over_time(timestamp(%s != %s)%s)", then, present, window))
		seen = append(seen, fmt.Sprintf("min_over_time(timestamp(%s)%s)", then, window))
	}
	return fmt.Sprintf("(time() - (\n  max by (instance) (%s)\n  or\n  min by (instance) (%s)\n))\nand on (instance) %s",
		strings.Join(changed, "\n    or "), strings.Join(seen, "\n    or "), inState("loading", "importing"))
}
