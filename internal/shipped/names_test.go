package shipped

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	rules       = "../../alerts/rocketchat-import.rules.yml"
	metricsPage = "../../docs/metrics.md"
)

// rule is a recording rule or an alert.
type rule struct{ Record, Alert, Expr string }

// rulesByName returns the rules of the shipped file. Two alerts may have one name.
func rulesByName(t *testing.T) map[string][]rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	require.NoError(t, yaml.Unmarshal([]byte(read(t, rules)), &file))
	byName := map[string][]rule{}
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			byName[r.Record+r.Alert] = append(byName[r.Record+r.Alert], r)
		}
	}
	require.Greater(t, len(byName), 15)
	return byName
}

// reference has the values of each label of each metric. Values that nobody can list are nil.
type reference map[string]map[string][]string

var (
	heading     = regexp.MustCompile("(?m)^### (rocketchat_import_\\w+)$|^- `(\\w+)`(.*)$|^(histogram)\\. ")
	quoted      = regexp.MustCompile("`([^`]*)`")
	named       = regexp.MustCompile(`(?:^|[^\w:.#-])(rocketchat_import[\w:]*)(?:\{([^}]*)\})?`)
	matcher     = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*\\?"((?:[^"\\]|\\[^"])*)\\?"`)
	grouping    = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)`)
	created     = regexp.MustCompile(`\blabel_(?:replace|join)\(`)
	newLabel    = regexp.MustCompile(`, "(\w+)", "`)
	ofTheScrape = []string{"job", "instance", "cluster", "namespace", "team"} // team is somebody's own
)

// theReference reads the list at the end of docs/metrics.md, and adds the recording rules, which
// have the labels of what they record.
func theReference(t *testing.T) reference {
	t.Helper()
	_, list, found := strings.Cut(read(t, metricsPage), "<!-- What follows is written by: make generate -->")
	require.True(t, found)
	known, metric := reference{}, ""
	for _, match := range heading.FindAllStringSubmatch(list, -1) {
		switch {
		case match[1] != "":
			metric = match[1]
			known[metric] = map[string][]string{}
		case match[4] != "":
			known[metric]["le"] = nil
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[metric+suffix] = known[metric]
			}
		default:
			var values []string
			for _, value := range quoted.FindAllStringSubmatch(match[3], -1) {
				values = append(values, value[1])
			}
			known[metric][match[2]] = values
		}
	}
	require.Greater(t, len(known), 30)
	recordings := rulesByName(t)
	maps.DeleteFunc(recordings, func(_ string, rules []rule) bool { return rules[0].Record == "" })
	for range 2 { // a recording may read another one
		for name, rules := range recordings {
			labels := map[string][]string{}
			for _, use := range named.FindAllStringSubmatch(rules[0].Expr, -1) {
				maps.Copy(labels, known[use[1]])
			}
			known[name] = labels
		}
	}
	return known
}

// check checks the names of metrics and labels, and the values of labels except steps, which a
// later server adds to, in a query, or of a series.
func (known reference) check(t *testing.T, where, expr string) (checked int) {
	t.Helper()
	labels := slices.Clone(ofTheScrape)
	if strings.Contains(expr, "ALERTS") {
		labels = append(labels, "alertname", "alertstate", "severity", "reason")
	}
	if created.MatchString(expr) {
		for _, match := range newLabel.FindAllStringSubmatch(expr, -1) {
			labels = append(labels, match[1])
		}
	}
	for _, use := range named.FindAllStringSubmatch(expr, -1) {
		name := use[1]
		of, found := known[name]
		if job := strings.HasPrefix(name, "rocketchat_import_exporter") || name == "rocketchat_import"; !found && (job || strings.HasSuffix(name, "_")) {
			continue // the name of a job, of a program, or of several metrics
		}
		if !assert.True(t, found, "%s: %s is not in docs/metrics.md", where, name) {
			continue
		}
		checked++
		for label := range of {
			labels = append(labels, label)
		}
		for _, m := range matcher.FindAllStringSubmatch(use[2], -1) {
			values, found := of[m[1]]
			assert.True(t, found || slices.Contains(ofTheScrape, m[1]), "%s: %s has no label %s", where, name, m[1])
			if len(values) > 0 && m[1] != "step" && !strings.ContainsAny(m[3], ".+*($…") {
				assert.Subset(t, append(values, ""), strings.Split(m[3], "|"), "%s: values of %s of %s", where, m[1], name)
			}
		}
	}
	for _, clause := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.FieldsFunc(clause[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			assert.Contains(t, labels, label, "%s: no metric in it has the label", where)
		}
	}
	return checked
}

func TestRulesUseMetricsAndLabelsThatExist(t *testing.T) {
	known := theReference(t)
	for name, rules := range rulesByName(t) {
		for _, r := range rules {
			assert.Positive(t, known.check(t, name, r.Expr)+strings.Count(r.Expr, "up{job="), name)
		}
	}
}

func TestTestsOfRulesUseMetricsAndLabelsThatExist(t *testing.T) {
	known := theReference(t)
	files, err := filepath.Glob("../../alerts/*.test.yml")
	require.NoError(t, err)
	checked := 0
	for _, path := range files {
		var file struct {
			Tests []struct {
				Name   string
				Series []struct{ Series string } `yaml:"input_series"`
				Exprs  []struct{ Expr string }   `yaml:"promql_expr_test"`
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, path)), &file))
		for _, test := range file.Tests {
			for _, s := range test.Series {
				checked += known.check(t, test.Name+": "+s.Series, s.Series)
			}
			for _, e := range test.Exprs {
				known.check(t, test.Name+": "+e.Expr, e.Expr)
			}
		}
	}
	assert.Greater(t, checked, 200)
}

func TestTheDashboardUsesMetricsAndLabelsThatExist(t *testing.T) {
	known := theReference(t)
	eachQuery(t, func(where, expr string) { known.check(t, where, expr) })
}

func TestTheDocsUseMetricsAndLabelsThatExist(t *testing.T) {
	known := theReference(t)
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	checked := 0
	for _, path := range append(files, "../../README.md") {
		text, _, _ := strings.Cut(read(t, path), "<!-- What follows is written by: make generate -->")
		for line := range strings.Lines(text) {
			for _, use := range named.FindAllString(line, -1) {
				checked += known.check(t, path+": "+use, use)
			}
		}
	}
	assert.Greater(t, checked, 50)
}
