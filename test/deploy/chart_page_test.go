package deploy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

// The command of README, with the values of the page that README names.
func TestChartIsInstalledByTheCommandOfThePages(t *testing.T) {
	page := rig.ReadFile(t, "../docs/kubernetes.md")
	command := regexp.MustCompile("`helm install (.+?)`").FindStringSubmatch(rig.ReadFile(t, "../README.md"))
	require.NotNil(t, command)
	assert.Contains(t, page, "helm install "+command[1]+"\n")
	file := filepath.Join(t.TempDir(), "values.yaml")
	var text string
	for _, block := range yamlBlock.FindAllStringSubmatch(page, 2) { // values.yaml, and what the next section adds
		text += strings.ReplaceAll(block[1], "\n   ", "\n") + "\n"
	}
	rig.WriteFile(t, file, text)
	args := strings.Fields(strings.NewReplacer("deploy/kubernetes", chart, "values.yaml", file).Replace(command[1]))
	r := renderChart(t, args[1], args[0], args[2:]...)
	// Decoding refuses what the operator does not know, which Helm 3 lets pass.
	assert.Len(t, one[*monitoringv1alpha1.AlertmanagerConfig](t, r, "").Spec.Receivers, 3)
}

var yamlBlock = regexp.MustCompile("(?s)```yaml(\n.*?)```")

// Helm prints the notes of an installation only.
func TestNotesSayWhereTheLinksOfAlertsLead(t *testing.T) {
	for set, want := range map[string]string{
		"webConfig.tls=true,webConfig.secret.name=x": "The links in alerts lead to https://localhost:10458/docs/runbooks.md\n",
		"prometheusRule.enabled=false":               "Load the alerts, once for each Prometheus",
		"runbookURL=https://runbooks.example.com":    "",
	} {
		out, err := helm(t, "install", "r", chart, "--dry-run=client", "--values="+values("many-workspaces"), "--set="+set)
		require.NoError(t, err, out)
		_, notes, found := strings.Cut(out, "\nNOTES:\n")
		require.True(t, found)
		assert.Contains(t, notes, want)
		assert.Equal(t, strings.HasPrefix(want, "The links"), strings.Contains(notes, "The links in alerts"), set)
	}
}
