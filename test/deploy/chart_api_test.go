package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// kubeconfigVariable names the kubeconfig of a cluster for tests, with the operator's CRDs.
	kubeconfigVariable = "DEPLOY_TEST_KUBECONFIG"
	// helmVariable names a Helm other than the pinned one.
	helmVariable = "DEPLOY_TEST_HELM"
)

// step is an installation or an upgrade, that one with a flag.
type step struct{ chart, values, set, flag string }

// A real API server has rules and defaults of its own. No image has to exist: it is enough that a
// Pod is admitted.
func TestChartLivesOnARealAPI(t *testing.T) {
	if os.Getenv(kubeconfigVariable) == "" {
		t.Skip("set " + kubeconfigVariable + " to the kubeconfig of a cluster for tests, with the operator's CRDs; kubectl is needed too")
	}
	kubectl(t, "kind: PriorityClass\napiVersion: scheduling.k8s.io/v1\nmetadata: {name: monitoring}\nvalue: 1\n", "apply", "-f", "-")
	const importer = "nameOverride=importer" // of "everything": a selector cannot change
	lives := map[string]struct {
		release string
		steps   []step
	}{
		"one workspace every value and back": {"import", []step{{chart, "one-workspace", importer, ""}, {chart, "everything", "", ""}, {chart, "one-workspace", importer, ""}}},
		"one workspace then many":            {"many", []step{{chart, "one-workspace", "", ""}, {chart, "many-workspaces", "workspace=null", "--reset-then-reuse-values"}, {chart, "many-workspaces", "workspaces.acme.timeout=9s", ""}}},
		"a part of another":                  {"umbrella", []step{{umbrellaChart(t), "", "", ""}, {umbrellaChart(t), "", "exporter-us.enabled=true,global.region=us", ""}}},
		"a new version":                      {"version", []step{{chartOfVersion(t, "0.1.0+abc"), "one-workspace", "image.tag=", ""}, {chartOfVersion(t, "0.2.0-rc.1+def"), "one-workspace", "image.tag=", ""}}},
		"no monitoring":                      {"plain", []step{{chart, "no-monitoring", "", ""}, {chart, "no-monitoring", "image.tag=0.2.0", ""}}},
	}
	for name, odd := range oddNames {
		life := lives[name]
		life.release = odd.release
		for _, file := range []string{"everything", "many-workspaces"} {
			life.steps = append(life.steps, step{chart, file, strings.TrimSuffix("nameOverride=,"+odd.set, ","), ""})
		}
		lives[name] = life
	}
	for name, life := range lives {
		t.Run(name, func(t *testing.T) {
			namespace := "deploy-test-" + strings.Trim(regexp.MustCompile("[^a-z0-9]+").ReplaceAllString(strings.ToLower(name), "-"), "-")
			kubectl(t, "kind: Namespace\napiVersion: v1\nmetadata: {name: "+namespace+", labels: {pod-security.kubernetes.io/enforce: restricted}}\n", "apply", "-f", "-")
			t.Cleanup(func() { kubectl(t, "", "delete", "namespace", namespace, "--wait=false") })
			helm := func(args ...string) string {
				out, err := helm(t, append(args, "--namespace="+namespace)...)
				require.NoError(t, err, out)
				return out
			}
			args := func(step step, command ...string) []string {
				command = append(command, life.release, step.chart, "--set="+step.set)
				if step.values != "" {
					command = append(command, "--values="+values(step.values))
				}
				return command
			}
			for _, step := range life.steps {
				said := kubectl(t, helm(args(step, "template")...), "create", "--dry-run=server", "--validate=strict", "--namespace="+namespace, "-f", "-")
				assert.NotContains(t, said, "Warning")
			}
			for _, step := range life.steps {
				helm(args(step, strings.Fields("upgrade --install "+step.flag)...)...)
				requireAdmitted(t, namespace)
			}
			helm("rollback", life.release, "1")
			requireAdmitted(t, namespace)
			assert.Contains(t, helm("status", life.release), "STATUS: deployed")
			helm("uninstall", life.release)
			assert.EventuallyWithT(t, func(c *assert.CollectT) {
				left := kubectl(t, "", "get", everyKind, "--namespace="+namespace, "--output=name")
				assert.Empty(c, strings.NewReplacer("configmap/kube-root-ca.crt\n", "", "serviceaccount/default\n", "").Replace(left))
			}, 2*time.Minute, time.Second)
		})
	}
}

// requireAdmitted requires that each Deployment of a namespace gets a Pod of what it is now.
func requireAdmitted(t *testing.T, namespace string) {
	t.Helper()
	const fields = `{range .items[*]}{.metadata.generation} {.status.observedGeneration} {.status.updatedReplicas}{"\n"}{end}`
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		for line := range strings.Lines(kubectl(t, "", "get", "deployments", "--namespace="+namespace, "--output=jsonpath="+fields)) {
			var generation, observed, pods int
			_, _ = fmt.Sscan(line, &generation, &observed, &pods)
			assert.Equal(c, []int{generation, 1}, []int{observed, pods})
		}
	}, 2*time.Minute, time.Second)
}

// everyKind is what the chart makes, what the cluster makes of that, and Helm's Secrets.
const everyKind = "deployments,replicasets,pods,services,endpointslices,configmaps,secrets,serviceaccounts,networkpolicies," +
	"servicemonitors,probes,prometheusrules,alertmanagerconfigs"

// kubectl returns what kubectl of the PATH says.
func kubectl(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("kubectl", args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+os.Getenv(kubeconfigVariable))
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
