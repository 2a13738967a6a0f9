package deploy

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// What a value changes is written out; every other rule stays as it is shipped.
func TestChartChangesAlertsAsItsValuesSay(t *testing.T) {
	for name, test := range map[string]struct {
		set   string
		alert string // which changes, all of that name
		from  []string
		to    []string
	}{
		"stalled":            {"stalled=1h", "RocketChatImportStalled", []string{"> 15 * 60", "[15m]"}, []string{"> 3600", "[1h]"}},
		"preparationStalled": {"preparationStalled=90m", "RocketChatImportPreparationStalled", []string{"> 30 * 60", "[30m]"}, []string{"> 5400", "[90m]"}},
		"transferStalled":    {"transferStalled=1d", "RocketChatImportPreparationStalled", []string{"> 4 * 3600", "[4h]"}, []string{"> 86400", "[1d]"}},
		"awaitingStart":      {"awaitingStart=45s", "RocketChatImportAwaitingStart", []string{"> 24 * 3600"}, []string{"> 45"}},
		"failedRecords":      {"failedRecords=5", "RocketChatImportRecordsFailing", []string{">= 20"}, []string{">= 5"}},
		"failedShare":        {"failedShare=0.125", "RocketChatImportRecordsFailing", []string{"> 0.05", "more than 5 %"}, []string{"> 0.125", "more than 12.5 %"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := shippedRules(t, "http://localhost:10458/docs/runbooks.md")
			each(want, func(rule *monitoringv1.Rule) {
				if rule.Alert != test.alert {
					return
				}
				for i, from := range test.from {
					text := rule.Expr.StrVal + rule.Annotations["description"]
					require.Contains(t, text, from)
					rule.Expr.StrVal = strings.ReplaceAll(rule.Expr.StrVal, from, test.to[i])
					rule.Annotations["description"] = strings.ReplaceAll(rule.Annotations["description"], from, test.to[i])
				}
			})
			args := []string{"--values=" + values("many-workspaces"), "--set-json=prometheusRule.limits." + quotedUnlessNumber(test.set)}
			assert.Equal(t, want, one[*monitoringv1.PrometheusRule](t, renderChart(t, chart, "r", args...), "").Spec)
		})
	}
}

// quotedUnlessNumber makes the value of a setting JSON.
func quotedUnlessNumber(setting string) string {
	name, value, _ := strings.Cut(setting, "=")
	if strings.Trim(value, "0123456789.") != "" {
		value = `"` + value + `"`
	}
	return name + "=" + value
}

func TestChartLeavesOutAlertsAndLabelsTheOthers(t *testing.T) {
	const left = "RocketChatImportInterrupted" // two rules have this name
	got := one[*monitoringv1.PrometheusRule](t, render(t, "many-workspaces",
		"prometheusRule.disabled={"+left+"}", "prometheusRule.additionalLabels.team=chat"), "").Spec
	want := shippedRules(t, "http://localhost:10458/docs/runbooks.md")
	for i, group := range want.Groups {
		var rules []monitoringv1.Rule
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				rule.Labels["team"] = "chat"
			}
			if rule.Alert != left {
				rules = append(rules, rule)
			}
		}
		want.Groups[i].Rules = rules
	}
	assert.Equal(t, want, got)
}

// shippedRules are those of the repository, with links to an address.
func shippedRules(t *testing.T, runbooks string) (rules monitoringv1.PrometheusRuleSpec) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict([]byte(linked(t, "../alerts/rocketchat-import.rules.yml", runbooks)), &rules))
	return rules
}

func each(rules monitoringv1.PrometheusRuleSpec, do func(*monitoringv1.Rule)) {
	for _, group := range rules.Groups {
		for i := range group.Rules {
			do(&group.Rules[i])
		}
	}
}

// The operator drops a monitor whose timeout is above its interval.
func TestChartScrapesInTime(t *testing.T) {
	for _, test := range []struct{ set, interval, timeout string }{
		{"", "15s", "10s"},
		{"monitoring.interval=5s", "5s", "5s"},
		{"monitoring.interval=9s999ms", "9s999ms", "9s999ms"},
		{"monitoring.interval=2m", "2m", "10s"},
		{"monitoring.interval=1m30s,monitoring.scrapeTimeout=1m", "1m30s", "1m"},
		{"monitoring.interval=30s,monitoring.scrapeTimeout=30s", "30s", "30s"},
	} {
		r := render(t, "many-workspaces", test.set)
		probe := one[*monitoringv1.Probe](t, r, "").Spec
		endpoint := one[*monitoringv1.ServiceMonitor](t, r, "").Spec.Endpoints[0]
		assert.EqualValues(t, test.interval, probe.Interval)
		assert.EqualValues(t, test.timeout, probe.ScrapeTimeout)
		assert.Equal(t, probe.Interval, endpoint.Interval)
		assert.Equal(t, probe.ScrapeTimeout, endpoint.ScrapeTimeout)
	}
}

// A label that both have tells the exporter from others in the namespace. A sharded
// Prometheus goes by __tmp_hash where there is one, else by the address of the Pod.
func TestChartMarksWhatAnExporterShows(t *testing.T) {
	for _, file := range []string{"one-workspace", "many-workspaces"} {
		r := render(t, file, "fullnameOverride=watcher")
		marks := map[string]string{}
		for _, relabeling := range one[*monitoringv1.ServiceMonitor](t, r, "").Spec.Endpoints[0].RelabelConfigs {
			if relabeling.Replacement != nil {
				marks[relabeling.TargetLabel] = *relabeling.Replacement
			}
		}
		assert.Equal(t, "watcher", marks["exporter"])
		assert.Equal(t, "watcher", marks["__tmp_hash"])
	}
	probe := one[*monitoringv1.Probe](t, render(t, "many-workspaces", "fullnameOverride=watcher"), "")
	assert.Equal(t, map[string]string{"exporter": "watcher"}, probe.Spec.Targets.StaticConfig.Labels)
}
