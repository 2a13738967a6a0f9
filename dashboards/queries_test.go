package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	selectors    = regexp.MustCompile(`([A-Za-z_:][A-Za-z0-9_:]*)\{([^}]*)\}`)
	headings     = regexp.MustCompile(`(?m)^#+ (rocketchat_import_\w+)$`)
	records      = regexp.MustCompile(`record: (\S+)`)
	placeholders = regexp.MustCompile(`\$\w+|\$\{\w+\}`)
)

// metricsOfThePage are the metrics that the generated page of metrics has, except
// those of the exporter itself.
func metricsOfThePage(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var metrics []string
	for _, match := range headings.FindAllStringSubmatch(string(page), -1) {
		switch name := match[1]; {
		case strings.HasPrefix(name, "rocketchat_import_exporter_"):
		case strings.HasSuffix(name, "_duration_seconds") && strings.Contains(name, "_api_"): // a histogram
			metrics = append(metrics, name+"_bucket", name+"_sum", name+"_count")
		default:
			metrics = append(metrics, name)
		}
	}
	if len(metrics) < 25 {
		t.Fatalf("docs/metrics.md has only %q", metrics)
	}
	return metrics
}

func TestEveryMetricIsOneThatExists(t *testing.T) {
	known := append(metricsOfThePage(t), "up", "ALERTS", "ALERTS_FOR_STATE")
	for _, match := range records.FindAllStringSubmatch(ruleFile(t), -1) {
		known = append(known, match[1])
	}
	eachQuery(t, func(where, expr string) {
		found := selectors.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s selects nothing", where)
		}
		for _, match := range found {
			if !slices.Contains(known, match[1]) {
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
	for _, metric := range metricsOfThePage(t) {
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
	if got := expand(held(`m{type="users"}`)); got != want {
		t.Errorf("held: %s", got)
	}
}

func TestNoQueryIsASubquery(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		if regexp.MustCompile(`\[[^]]*:[^]]*\]`).MatchString(expr) {
			t.Errorf("%s: %s", where, expr)
		}
	})
}

func TestEveryStateHasACode(t *testing.T) {
	for _, state := range []string{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"} {
		if !slices.ContainsFunc(importCodes(), func(c code) bool { return strings.Contains(c.expr, `state=~"`+state+`"`) }) {
			t.Errorf("the state %s has no code", state)
		}
	}
}

// The maximum over many workspaces is shown, so the order of the codes is that in
// which they need a person.
func TestTheMorePressingHasTheHigherCode(t *testing.T) {
	order := []string{"done", "importing", "error", "interrupted", "aborted", "set back", "stalled", "exporter down", "no answer", "forbidden", "unauthorized"}
	last := -1
	for i, c := range stateCodes() {
		if c.number != i {
			t.Errorf("code %d is %s, the %dth", c.number, c.text, i)
		}
		place := slices.Index(order, c.text)
		if place >= 0 && place < last {
			t.Errorf("%s comes after %s", c.text, order[last])
		}
		last = max(last, place)
		pressing := place >= slices.Index(order, "error")
		if bad := strings.Contains(c.color, "red") || strings.Contains(c.color, "orange"); pressing && !bad {
			t.Errorf("%s is %s", c.text, c.color)
		}
	}
	if last != len(order)-1 {
		t.Errorf("the codes end with %s", order[last])
	}
}

// eachQuery visits the queries of all panels and of the annotations.
func eachQuery(t *testing.T, visit func(where, expr string)) {
	t.Helper()
	board := load(t)
	for _, annotation := range board.Annotations.List {
		visit(annotation.Name, annotation.Expr)
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			visit(p.Title+" "+target.RefID, target.Expr)
		}
	}
}
