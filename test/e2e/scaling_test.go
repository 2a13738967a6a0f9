package e2e

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"rocketchat_import_exporter/demo/rulescale"
)

// speed is how many times faster than shipped everything goes here: a minute of
// the rules is a second of the test.
const speed = 60

// The scaling works on text. Prometheus's own parsers see every duration scaled,
// and nothing else changed.
func TestScalingChangesEveryDurationOfTheRulesAndNothingElse(t *testing.T) {
	for _, file := range shipped(t, "*.rules.yml") {
		text := read(t, file)
		before, after := parseRules(t, text), parseRules(t, rulescale.YAML(text, 1.0/speed))
		if len(before) != len(after) {
			t.Fatalf("%d rules became %d", len(before), len(after))
		}
		for i, rule := range before {
			scaled := after[i]
			if got, want := printed(t, scaled.Expr, 1), printed(t, rule.Expr, 1.0/speed); got != want {
				t.Errorf("%s%s became\n%s\nwant\n%s", rule.Alert, rule.Record, got, want)
			}
			if scaled.For != scaledField(rule.For) || scaled.KeepFiringFor != scaledField(rule.KeepFiringFor) {
				t.Errorf("%s: for %s became %s", rule.Alert, rule.For, scaled.For)
			}
		}
	}
}

func TestScalingChangesEveryDurationOfTheDashboard(t *testing.T) {
	for _, query := range loadDashboard(t) {
		expr := query.fill("chat")
		if got, want := printed(t, rulescale.Expr(expr, 1.0/speed), 1), printed(t, expr, 1.0/speed); got != want {
			t.Errorf("%s became\n%s\nwant\n%s", query.name, got, want)
		}
	}
}

// Seconds are not scaled, so no rule may compare with them.
func TestNoAlertComparesWithATimeInSeconds(t *testing.T) {
	allowed := map[float64]bool{0: true, 1: true, 0.05: true, 3: true, 100: true}
	for _, file := range shipped(t, "*.rules.yml") {
		for _, rule := range parseRules(t, read(t, file)) {
			parser.Inspect(parse(t, rule.Expr), func(node parser.Node, _ []parser.Node) error {
				if number, ok := node.(*parser.NumberLiteral); ok && !allowed[number.Val] {
					t.Errorf("%s%s holds the number %v: if it is a time, scaling changes what the rule means; if not, allow it here",
						rule.Alert, rule.Record, number.Val)
				}
				return nil
			})
		}
	}
}

func parseRules(t *testing.T, text string) []rulefmt.Rule {
	t.Helper()
	file, errs := rulefmt.Parse([]byte(text), false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var rules []rulefmt.Rule
	for _, group := range file.Groups {
		if group.Interval != 0 || group.QueryOffset != nil {
			t.Errorf("the group %s has times of its own, which this test does not look at", group.Name)
		}
		rules = append(rules, group.Rules...)
	}
	return rules
}

func parse(t *testing.T, expr string) parser.Expr {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%v in %s", err, expr)
	}
	return parsed
}

// printed parses the expression, scales the durations of what it found, and prints
// that.
func printed(t *testing.T, expr string, factor float64) string {
	t.Helper()
	tree := parse(t, expr)
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			node.OriginalOffset = scaledDuration(node.OriginalOffset, factor)
		case *parser.MatrixSelector:
			node.Range = scaledDuration(node.Range, factor)
		case *parser.SubqueryExpr:
			node.Range = scaledDuration(node.Range, factor)
			node.Step = scaledDuration(node.Step, factor)
			node.OriginalOffset = scaledDuration(node.OriginalOffset, factor)
		}
		return nil
	})
	return tree.String()
}

func scaledDuration(d time.Duration, factor float64) time.Duration {
	if d < 0 {
		return -rulescale.Duration(-d, factor)
	}
	return rulescale.Duration(d, factor)
}

func scaledField(d model.Duration) model.Duration {
	return model.Duration(rulescale.Duration(time.Duration(d), 1.0/speed))
}
