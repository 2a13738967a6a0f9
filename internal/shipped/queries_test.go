package shipped

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	selectors    = regexp.MustCompile(`([A-Za-z_:][A-Za-z0-9_:]*)\{([^}]*)\}`)
	headings     = regexp.MustCompile(`(?m)^#+ (rocketchat_import_\w+)$`)
	records      = regexp.MustCompile(`record: (\S+)`)
	placeholders = regexp.MustCompile(`\$\w+|\$\{\w+\}`)
	subqueries   = regexp.MustCompile(`\[[^]]*:[^]]*\]`)
	allFlags     = regexp.MustCompile(`_flagged\{[^}]*instance=~"\$instance"\}`)
	apart        = regexp.MustCompile(`(by|on) \(([^)]*)\)`)
	rareFlags    = regexp.MustCompile(`_flagged\{[^}]*flag=~?"(email_taken|excluded)`)
)

// metricsOfThePage returns the metrics that the generated page of metrics has, except
// those of the exporter itself.
func metricsOfThePage(t *testing.T) []string {
	t.Helper()
	var metrics []string
	for _, match := range headings.FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		switch name := match[1]; {
		case strings.HasPrefix(name, "rocketchat_import_exporter_"):
		case strings.HasSuffix(name, "_duration_seconds") && strings.Contains(name, "_api_"): // a histogram
			metrics = append(metrics, name+"_bucket", name+"_sum", name+"_count")
		default:
			metrics = append(metrics, name)
		}
	}
	require.GreaterOrEqual(t, len(metrics), 25)
	return metrics
}

func TestEverySelectorIsOfAMetricThatExistsAndOfTheChosenWorkspaces(t *testing.T) {
	known := append(metricsOfThePage(t), "up", "ALERTS", "ALERTS_FOR_STATE")
	for _, match := range records.FindAllStringSubmatch(read(t, rules), -1) {
		known = append(known, match[1])
	}
	eachQuery(t, func(where, expr string) {
		assert.Regexp(t, selectors, expr, where)
		for _, match := range selectors.FindAllStringSubmatch(expr, -1) {
			assert.Contains(t, known, match[1], where)
			assert.Contains(t, match[2], `cluster=~"$cluster",namespace=~"$namespace",instance=~"$instance"`, where)
		}
	})
}

// Two namespaces, or two clusters, may have a workspace of the same name.
func TestNoQueryTakesWorkspacesOfTheSameNameForOne(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		for _, match := range apart.FindAllStringSubmatch(expr, -1) {
			if strings.Contains(match[2], "instance") {
				assert.Contains(t, match[2], "cluster, namespace, instance", where)
			}
		}
		assert.NotContains(t, expr, "(workspace", where)
	})
	for _, p := range panels(t, "") {
		for _, target := range p.Targets {
			if strings.Contains(target.LegendFormat, "{{instance}}") {
				assert.Contains(t, target.LegendFormat, "{{instance}} {{namespace}} {{cluster}}", p.Title)
			}
		}
	}
}

func TestEveryMetricIsShown(t *testing.T) {
	var shown []string
	eachQuery(t, func(_, expr string) {
		for _, match := range selectors.FindAllStringSubmatch(expr, -1) {
			shown = append(shown, match[1])
		}
	})
	for _, metric := range metricsOfThePage(t) {
		assert.True(t, slices.Contains(shown, metric), "no panel shows %s", metric)
	}
}

func TestQueriesUseNoOtherPlaceholdersAndNoSubqueries(t *testing.T) {
	eachQuery(t, func(where, expr string) {
		assert.Subset(t, []string{"$cluster", "$namespace", "$instance", "$__rate_interval", "$1"}, placeholders.FindAllString(expr, -1), where)
		assert.NotRegexp(t, subqueries, expr, where)
		assert.Equal(t, strings.Count(expr, "("), strings.Count(expr, ")"), where)
	})
}

// Servers from 3.14 on never set these flags.
func TestRareFlagsShowOnlyWhereTheyAreSet(t *testing.T) {
	rare := 0
	eachQuery(t, func(where, expr string) {
		assert.NotRegexp(t, allFlags, expr, where)
		if rareFlags.MatchString(expr) {
			rare++
			assert.Regexp(t, `> 0(, "key",.*)?$`, expr, where)
		}
	})
	assert.Positive(t, rare)
}

// eachQuery visits the queries of all panels and of the annotations.
func eachQuery(t *testing.T, visit func(where, expr string)) {
	t.Helper()
	for _, annotation := range load(t).Annotations.List {
		visit(annotation.Name, annotation.Expr)
	}
	for _, p := range panels(t, "") {
		for _, target := range p.Targets {
			visit(p.Title+" "+target.RefID, target.Expr)
		}
	}
}
