package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"rocketchat_import_exporter/test/rig"
)

// oddNames are releases and values that Helm accepts.
var oddNames = map[string]struct{ release, set, want string }{
	"an ordinary release":                    {"import", "", "import-rocketchat-import-exporter"},
	"a release that is called as it is":      {"rocketchat-import-exporter", "", "rocketchat-import-exporter"},
	"a digit first":                          {"1chat", "", "exporter-1chat-rocketchat-import-exporter"},
	"a dot":                                  {"my.release", "", "my-release-rocketchat-import-exporter"},
	"the longest release":                    {strings.Repeat("a", 53), "", strings.Repeat("a", 53) + "-rocketcha"},
	"the longest release, a digit first":     {strings.Repeat("1", 53), "", "exporter-" + strings.Repeat("1", 53)},
	"a release that YAML reads as nothing":   {"null", "fullnameOverride=null", "null-rocketchat-import-exporter"},
	"a release that YAML reads as a number":  {"1e3", "fullnameOverride=null", "exporter-1e3-rocketchat-import-exporter"},
	"another part":                           {"r", "nameOverride=importer", "r-importer"},
	"another part, upper case and _":         {"r", "nameOverride=My_Chart", "r-my-chart"},
	"another part with what no label has":    {"r", "nameOverride=-Ünser Import/1-", "r---nser-import-1"},
	"another part of that alone":             {"r", "nameOverride=+++", "r"},
	"another name, a digit first":            {"r", "fullnameOverride=1chat", "exporter-1chat"},
	"another name of that alone":             {"r", "fullnameOverride=---", "exporter"},
	"another name that is too long":          {"r", "fullnameOverride=" + strings.Repeat("x", 62) + "-x", strings.Repeat("x", 62)},
	"another name that YAML reads as a bool": {"r", "fullnameOverride=yes", "yes"},
}

// Kubernetes's own rules judge what becomes of them.
func TestChartMakesNamesThatKubernetesAccepts(t *testing.T) {
	for name, test := range oddNames {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"everything", "many-workspaces"} {
				r := renderChart(t, chart, test.release, "--values="+values(file), "--set="+strings.TrimSuffix("nameOverride=,"+test.set, ","))
				assert.Equal(t, test.want, one[*corev1.Service](t, r, "").Name)
				requireValidNames(t, r)
			}
		})
	}
}

func TestChartOfAnyVersionHasValidLabels(t *testing.T) {
	for _, version := range []string{"0.1.0+abc", "1.2.3-rc.1+exp.sha.5114f85", "0.1.0-" + strings.Repeat("a", 80), "0.1.0-a-+b"} {
		r := renderChart(t, chartOfVersion(t, version), "r", "--values="+values("one-workspace"), "--set=image.tag=")
		requireValidNames(t, r)
		assert.Regexp(t, `^registry.example.com/rocketchat_import_exporter:[\w][\w.-]{0,127}$`, r.pod(t).Spec.Containers[0].Image)
	}
}

// chartOfVersion is a copy of the chart with another version, also of the exporter.
func chartOfVersion(t *testing.T, version string) string {
	t.Helper()
	folder := copyOfChart(t, filepath.Join(t.TempDir(), "chart"))
	file := filepath.Join(folder, "Chart.yaml")
	rig.WriteFile(t, file, regexp.MustCompile(`(?m)^(version|appVersion): .*`).ReplaceAllString(rig.ReadFile(t, file), `$1: "`+version+`"`))
	return folder
}

// requireValidNames judges names and labels as the API server does.
func requireValidNames(t *testing.T, r release) {
	t.Helper()
	deployment := one[*appsv1.Deployment](t, r, "")
	labels := []map[string]string{deployment.Spec.Template.Labels, deployment.Spec.Selector.MatchLabels}
	for _, object := range r.objects {
		object := object.(metav1.Object)
		assert.Empty(t, validation.IsDNS1123Subdomain(object.GetName()), object.GetName())
		labels = append(labels, object.GetLabels())
	}
	service := one[*corev1.Service](t, r, "").Name
	assert.Empty(t, validation.IsDNS1035Label(service), service)
	for _, labels := range labels {
		for label, value := range labels {
			assert.Empty(t, validation.IsValidLabelValue(value), "%s: %s", label, value)
		}
	}
	assert.Subset(t, deployment.Spec.Template.Labels, deployment.Spec.Selector.MatchLabels)
	assert.Equal(t, one[*corev1.Service](t, r, "").Spec.Selector, deployment.Spec.Selector.MatchLabels)
}

func TestChartIsPartOfAnother(t *testing.T) {
	umbrella := umbrellaChart(t)
	out, err := helm(t, "lint", "--strict", umbrella)
	assert.NoError(t, err, out)
	r := renderChart(t, umbrella, "r")
	requireValidNames(t, r)
	assert.Equal(t, "r-exporter-eu", one[*appsv1.Deployment](t, r, "").Name)
}

// umbrellaChart makes a chart that has this one twice, under other names, and has
// switched one of them off.
func umbrellaChart(t *testing.T) string {
	t.Helper()
	umbrella := filepath.Join(t.TempDir(), "umbrella")
	copyOfChart(t, filepath.Join(umbrella, "charts", "rocketchat-import-exporter"))
	dependency := func(alias string) map[string]any {
		return map[string]any{"name": "rocketchat-import-exporter", "version": "0.1.0", "alias": alias, "condition": alias + ".enabled"}
	}
	write := func(file string, content any) {
		text, err := yaml.Marshal(content)
		require.NoError(t, err)
		rig.WriteFile(t, filepath.Join(umbrella, file), string(text))
	}
	write("Chart.yaml", map[string]any{
		"apiVersion": "v2", "name": "umbrella", "version": "1.0.0",
		"dependencies": []any{dependency("Exporter_EU"), dependency("exporter-us")},
	})
	part := func(enabled bool) map[string]any {
		var part map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(rig.ReadFile(t, values("one-workspace"))), &part))
		part["enabled"] = enabled
		return part
	}
	write("values.yaml", map[string]any{"global": map[string]any{"region": "eu"}, "Exporter_EU": part(true), "exporter-us": part(false)})
	rig.WriteFile(t, filepath.Join(umbrella, "templates", "NOTES.txt"), "")
	return umbrella
}

// YAML reads some of these as something else than text.
func TestChartQuotesTheNamesOfWorkspaces(t *testing.T) {
	for _, name := range []string{"null", "true", "1e3", "0x1", "12", "no"} {
		file := filepath.Join(t.TempDir(), "values.yaml")
		rig.WriteFile(t, file, "image: {repository: x}\nmonitoring: {enabled: true}\nworkspaces:\n  '"+name+"': {url: http://x, user_id: '1e3', auth_token_secret: {name: '12', key: 'null'}}\n")
		r := renderChart(t, chart, "r", "--values="+file)
		text := one[*corev1.ConfigMap](t, r, "r-rocketchat-import-exporter").Data["config.yml"]
		assert.Contains(t, text, `"`+name+`":`)
		var config struct{ Workspaces map[string]map[string]string }
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), &config))
		assert.Equal(t, map[string]map[string]string{name: {
			"url": "http://x", "user_id": "1e3", "auth_token_file": chartDirectory + "/secrets/12/null",
		}}, config.Workspaces)
		assert.Equal(t, "12", r.pod(t).Spec.Volumes[1].Secret.SecretName)
		assert.Equal(t, []string{name}, one[*monitoringv1.Probe](t, r, "").Spec.Targets.StaticConfig.Targets)
	}
}

// copyOfChart copies the chart into a folder.
func copyOfChart(t *testing.T, folder string) string {
	t.Helper()
	require.NoError(t, os.CopyFS(folder, os.DirFS(chart)))
	return folder
}
