package e2e

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// scrapeInterval is also that of evaluations.
const scrapeInterval = time.Minute / speed

// newClient asks a Prometheus, or what answers as one does.
func newClient(t *testing.T, url string) v1.API {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: url})
	if err != nil {
		t.Fatal(err)
	}
	return v1.NewAPI(client)
}

// awaitData waits until the query has a result.
func awaitData(t *testing.T, prometheus v1.API, query string) {
	t.Helper()
	eventually(t, "data for "+query, func() error {
		result, _, _, err := prometheus.Query(t.Context(), query, time.Now())
		if err == nil && !hasData(result) {
			err = fmt.Errorf("no data")
		}
		return err
	})
}

// hasData reports whether there is at least one sample that is a number.
func hasData(value model.Value) bool {
	switch value := value.(type) {
	case model.Vector:
		return slices.ContainsFunc(value, func(s *model.Sample) bool { return !math.IsNaN(float64(s.Value)) })
	case model.Matrix:
		return slices.ContainsFunc(value, func(s *model.SampleStream) bool {
			return slices.ContainsFunc(s.Values, func(p model.SamplePair) bool { return !math.IsNaN(float64(p.Value)) })
		})
	}
	return false
}

// firedAlerts returns the labels of all alerts that ever fired, sorted, as
// Prometheus recorded them.
func firedAlerts(t *testing.T, prometheus v1.API) []string {
	t.Helper()
	result, _, _, err := prometheus.Query(t.Context(), `count_over_time(ALERTS{alertstate="firing"}[1h])`, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var fired []string
	for _, sample := range result.(model.Vector) {
		labels := map[string]string{}
		for name, value := range sample.Metric {
			if name != "alertstate" {
				labels[string(name)] = string(value)
			}
		}
		fired = append(fired, labelText(labels))
	}
	slices.Sort(fired)
	return fired
}

// requireHealthyRules waits until every shipped rule was evaluated without error, and
// requires that "for" is shortened in them and no expression changed.
func requireHealthyRules(t *testing.T, prometheus v1.API) {
	t.Helper()
	var want []string
	for _, rule := range shippedRules(t) {
		want = append(want, ruleText(t, rule.Record+rule.Alert, rule.Expr, time.Duration(rule.For).Seconds()/speed))
	}
	eventually(t, "healthy rules", func() error {
		result, err := prometheus.Rules(t.Context(), nil)
		if err != nil {
			return err
		}
		var got []string
		for _, group := range result.Groups {
			for _, rule := range group.Rules {
				text, health, lastError := "", v1.RuleHealth(v1.RuleHealthUnknown), ""
				switch rule := rule.(type) {
				case v1.AlertingRule:
					text, health, lastError = ruleText(t, rule.Name, rule.Query, rule.Duration), rule.Health, rule.LastError
				case v1.RecordingRule:
					text, health, lastError = ruleText(t, rule.Name, rule.Query, 0), rule.Health, rule.LastError
				}
				if lastError != "" {
					t.Fatalf("%s: %s", text, lastError)
				}
				if health != v1.RuleHealthGood {
					return fmt.Errorf("the health of %s is %s", text, health)
				}
				got = append(got, text)
			}
		}
		requireLines(t, "rules", got, want)
		return nil
	})
}

// ruleText writes a rule in one way, whoever printed its expression.
func ruleText(t *testing.T, name, expr string, wait float64) string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s = %s for %gs", name, parsed, wait)
}

// labelText writes labels as PromQL does.
func labelText(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// shippedRules returns every rule of the shipped files.
func shippedRules(t *testing.T) (rules []rulefmt.Rule) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(alerts, "*.rules.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("alerts/ has no rules", err)
	}
	for _, file := range files {
		parsed, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, group := range parsed.Groups {
			rules = append(rules, group.Rules...)
		}
	}
	return rules
}

// eventually waits until check succeeds, and fails the test with its last error
// after a minute and a half.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}
