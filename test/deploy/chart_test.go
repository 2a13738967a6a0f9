package deploy

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"rocketchat_import_exporter/test/rig"
)

// chartDirectory is where the container has its files.
const chartDirectory = "/etc/rocketchat-import-exporter"

func TestChartLintsAndItsPodIsRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	restricted := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	files, err := filepath.Glob(values("*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "-values.yaml")
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "lint", "--strict", chart, "--values", values(name))
			assert.NoError(t, err, out)
			pod := render(t, name).pod(t)
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
			assert.True(t, result.Allowed, result.ForbiddenDetail())
			assert.Equal(t, new(true), pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem)
			assert.Equal(t, new(false), pod.Spec.AutomountServiceAccountToken, "the exporter does not call Kubernetes")
		})
	}
}

func TestChartRefuses(t *testing.T) {
	for name, test := range map[string]struct{ values, set, want string }{
		"an unknown value":                      {"one-workspace", "replica=1", "'replica' not allowed"},
		"a token":                               {"one-workspace", "workspace.auth_token=x", "'auth_token' not allowed"},
		"a token of one of many":                {"many-workspaces", "workspaces.acme.auth_token=x", "'auth_token' not allowed"},
		"a password for the proxy":              {"one-workspace", "workspace.http_config.proxy_url=http://me:x@proxy:3128", "/proxy_url'"},
		"a password in http_config":             {"one-workspace", "workspace.http_config.basic_auth.password=x", "'basic_auth' not allowed"},
		"a password in the URL":                 {"one-workspace", "workspace.url=http://me:x@chat.example.com", "/workspace/url'"},
		"no URL":                                {"one-workspace", "workspace.url=null", "/workspace/url'"},
		"no user id":                            {"one-workspace", "workspace.user_id=null", "/workspace/user_id'"},
		"no Secret for the token":               {"one-workspace", "workspace.auth_token_secret=null", "/workspace/auth_token_secret'"},
		"the mode that wipes running imports":   {"one-workspace", "workspace.file_data=unguarded", "/file_data'"},
		"a name that could be a path":           {"many-workspaces", "workspaces.a/b.url=http://x", "a/b"},
		"a digest that is none":                 {"one-workspace", "image.digest=latest", "/image/digest'"},
		"a runbook address with an anchor":      {"one-workspace", "runbookURL=http://x#y", "/runbookURL'"},
		"an Alertmanager without receivers":     {"one-workspace", "alertmanagerConfig.enabled=true", "alertmanagerConfig.receivers has no"},
		"a token among further flags":           {"one-workspace", "extraArgs[0]=--rocketchat.auth-token=x", "extraArgs must not set --rocketchat.auth-token: set the value auth_token_secret"},
		"a token among further variables":       {"one-workspace", "extraEnv[0].name=ROCKETCHAT_AUTH_TOKEN", "extraEnv must not set ROCKETCHAT_AUTH_TOKEN"},
		"that mode among further flags":         {"many-workspaces", "extraArgs[0]=--import.file-data=unguarded", "that mode wipes a running import"},
		"that mode among further variables":     {"one-workspace", "extraEnv[0].name=ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA", "extraEnv must not set ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA"},
		"a flag that the chart sets":            {"many-workspaces", "extraArgs[0]=--config.auto-reload-interval=60s", "extraArgs must not set --config.auto-reload-interval: set the value reloadInterval"},
		"a flag of the one workspace":           {"one-workspace", "extraArgs[0]=--rocketchat.timeout=8s", "set the value workspace.timeout"},
		"a flag twice":                          {"many-workspaces", "extraArgs={--rocketchat.timeout=8s,--rocketchat.timeout=9s}", "extraArgs has --rocketchat.timeout twice"},
		"a flag in two pieces":                  {"many-workspaces", "extraArgs={--rocketchat.timeout,8s}", `extraArgs has "8s": write a flag with its value as one item`},
		"a duration that the exporter has not":  {"one-workspace", "workspace.timeout=1d", "/workspace/timeout'"},
		"an interval that the operator has not": {"one-workspace", "monitoring.interval=30s1m", "/monitoring/interval'"},
		"an interval that is too short":         {"one-workspace", "monitoring.interval=4999ms", "monitoring.interval is 4999ms: the alerts work from 5s to 2m"},
		"an interval that is too long":          {"one-workspace", "monitoring.interval=2m1s", "monitoring.interval is 2m1s: the alerts work from 5s to 2m"},
		"an interval of no time":                {"one-workspace", "monitoring.interval=0", "/monitoring/interval'"},
		"a timeout above the interval":          {"one-workspace", "monitoring.scrapeTimeout=16s", "monitoring.scrapeTimeout is 16s: it must not be above monitoring.interval, which is 15s"},
		"an alert to leave out that is none":    {"many-workspaces", "prometheusRule.disabled={RocketChatImportFinished,Nothing}", "prometheusRule.disabled names alerts that are not there: Nothing"},
		"another severity for all alerts":       {"many-workspaces", "prometheusRule.additionalLabels.severity=info", "prometheusRule.additionalLabels must not have severity"},
		"a limit of no time":                    {"many-workspaces", "prometheusRule.limits.stalled=0m", "/prometheusRule/limits/stalled'"},
		"a probe of another kind":               {"one-workspace", "livenessProbe.httpGet.path=/", "'httpGet' not allowed"},
		"a section that is null":                {"one-workspace", "serviceAccount=null", "'serviceAccount'"},
		"two replicas":                          {"one-workspace", "replicas=2", "/replicas'"},
		"one workspace beside many":             {"many-workspaces", "workspace.url=http://x,workspace.user_id=x,workspace.auth_token_secret.name=x", "not both: --reuse-values keeps the old workspace, so use --reset-then-reuse-values --set workspace=null"},
		"nothing to watch":                      {"one-workspace", "workspace=null", "nothing to watch"},
		"an empty list of workspaces":           {"many-workspaces", "workspaces=null", "nothing to watch"},
		"no image":                              {"one-workspace", "image.repository=", "set image.repository"},
		"TLS without a file":                    {"one-workspace", "webConfig.tls=true", "set webConfig.secret.name"},
		"authentication without a file":         {"one-workspace", "webConfig.authentication=true", "set webConfig.secret.name"},
		"a Prometheus without credentials":      {"one-workspace", "webConfig.authentication=true,webConfig.secret.name=x", "set monitoring.basicAuth"},
		"a Prometheus without its values":       {"one-workspace", "webConfig.authentication=true,webConfig.secret.name=x,monitoring.tlsConfig=null", "set monitoring.basicAuth"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "template", "r", chart, "--values="+values(test.values), "--set="+test.set)
			assert.Error(t, err)
			assert.Contains(t, out, test.want)
		})
	}
}

// A key without its value, as people leave one behind, is null. The schema requires what must not be.
func TestChartIsRenderedWithoutEachValueThatItDoesNotRequire(t *testing.T) {
	type schema struct {
		Required   []string
		Properties map[string]schema
	}
	var all map[string]any
	var root schema
	require.NoError(t, yaml.Unmarshal([]byte(rig.ReadFile(t, filepath.Join(chart, "values.yaml"))), &all))
	require.NoError(t, yaml.Unmarshal([]byte(rig.ReadFile(t, filepath.Join(chart, "values.schema.json"))), &root))
	kept := []string{"enabled", "repository", "workspaces", "receivers"} // what is rendered at all, or refused in words
	var nulls []string
	var walk func(map[string]any, schema, string)
	walk = func(values map[string]any, s schema, prefix string) {
		for key, value := range values {
			if section, ok := value.(map[string]any); ok && slices.Contains(s.Required, key) {
				walk(section, s.Properties[key], prefix+key+".")
			} else if !slices.Contains(slices.Concat(s.Required, kept), key) {
				nulls = append(nulls, prefix+key+"=null")
			}
		}
	}
	walk(all, root, "")
	require.Greater(t, len(nulls), 40)
	r := renderChart(t, chart, "r", "--values="+values("everything"), "--values="+values("many-workspaces"), "--set="+strings.Join(nulls, ","))
	assert.NotContains(t, r.text, "%!")
}

// Each flag that concerns a workspace, the list of them or the log has a value.
func TestChartHasAValueForEachFlag(t *testing.T) {
	help := rig.Output(t, exec.Command(rig.BuildExporter(t, ".."), "--help"))
	flags := regexp.MustCompile(`(?m)^ +--((?:rocketchat|import|config|log)\.[a-z.-]+|web\.config\.file)`).FindAllStringSubmatch(help, -1)
	assert.Greater(t, len(flags), 10)
	for _, flag := range flags {
		out, err := helm(t, "template", "r", chart, "--values="+values("one-workspace"), "--set=extraArgs[0]=--"+flag[1]+"=x")
		assert.Error(t, err)
		assert.Contains(t, out, "extraArgs must not set --"+flag[1])
	}
}

// The exporter itself takes up a changed list of workspaces. It reads http_config
// only when it starts.
func TestChartTakesUpAChangedConfiguration(t *testing.T) {
	many := render(t, "many-workspaces").pod(t)
	assert.Contains(t, many.Spec.Containers[0].Args, "--config.auto-reload-interval=30s")
	assert.Contains(t, render(t, "many-workspaces", "reloadInterval=1m").pod(t).Spec.Containers[0].Args, "--config.auto-reload-interval=1m")
	assert.Equal(t, many.Annotations, render(t, "many-workspaces", "workspaces.acme.timeout=9s").pod(t).Annotations)
	assert.NotEqual(t, render(t, "everything").pod(t).Annotations,
		render(t, "everything", "workspace.http_config.proxy_url=http://proxy").pod(t).Annotations)
}

// The variables of envFrom cannot be seen, and a flag wins over its variable.
func TestChartSetsTheModeWhateverEnvFromBrings(t *testing.T) {
	for name, test := range map[string]struct{ values, set, want string }{
		"one workspace":              {"one-workspace", "", "on-change"},
		"its own mode":               {"one-workspace", "workspace.file_data=never", "never"},
		"many workspaces":            {"many-workspaces", "", "on-change"},
		"another for all the others": {"many-workspaces", "extraArgs={--import.file-data=never}", "never"},
	} {
		t.Run(name, func(t *testing.T) {
			var modes []string
			for _, arg := range render(t, test.values, test.set).pod(t).Spec.Containers[0].Args {
				if mode, found := strings.CutPrefix(arg, "--import.file-data="); found {
					modes = append(modes, mode)
				}
			}
			assert.Equal(t, []string{test.want}, modes)
		})
	}
}

// OpenShift assigns user ids.
func TestChartLeavesOutSecurityFieldsThatAreNull(t *testing.T) {
	pod := render(t, "one-workspace", "podSecurityContext.runAsUser=null", "podSecurityContext.runAsGroup=null", "podSecurityContext.fsGroup=null",
		"securityContext.readOnlyRootFilesystem=null").pod(t)
	seccomp := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	assert.Equal(t, &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: seccomp}, pod.Spec.SecurityContext)
	assert.Nil(t, pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem)
}

func TestChartPassesOnWhatAUserSets(t *testing.T) {
	all := render(t, "everything")
	pod := all.pod(t)
	container := pod.Spec.Containers[0]
	assert.Regexp(t, "@sha256:(0123456789abcdef){4}$", container.Image)
	assert.Equal(t, map[string]string{
		"team": "chat", "cost-center": "chat", "app.kubernetes.io/name": "importer", "app.kubernetes.io/instance": "r",
	}, pod.Labels)
	assert.Equal(t, "chat", pod.Annotations["example.com/owner"])
	assert.Equal(t, "monitoring", pod.Spec.PriorityClassName)
	assert.Equal(t, "r-importer", pod.Spec.ServiceAccountName)
	assert.Contains(t, container.Args, "--web.enable-lifecycle")
	assert.Equal(t, []corev1.EnvVar{{Name: "NO_PROXY", Value: ".svc"}}, container.Env)
	assert.Contains(t, container.VolumeMounts, corev1.VolumeMount{Name: "extra", MountPath: "/extra", ReadOnly: true})
	assert.EqualValues(t, 20, container.LivenessProbe.PeriodSeconds)
	assert.EqualValues(t, 5, container.ReadinessProbe.FailureThreshold)
	assert.NotNil(t, pod.Spec.Affinity)
	assert.Len(t, pod.Spec.TopologySpreadConstraints, 1)
	assert.Len(t, pod.Spec.Tolerations, 1)
	assert.Len(t, pod.Spec.ImagePullSecrets, 1)
	assert.Equal(t, new(int64(60)), pod.Spec.TerminationGracePeriodSeconds)
	assert.Equal(t, new(int32(0)), one[*appsv1.Deployment](t, all, "").Spec.RevisionHistoryLimit)
	assert.Equal(t, []corev1.HostAlias{{IP: "192.0.2.1", Hostnames: []string{"chat.example.com"}}}, pod.Spec.HostAliases)
	assert.Equal(t, corev1.DNSNone, pod.Spec.DNSPolicy)
	assert.Equal(t, []string{"192.0.2.53"}, pod.Spec.DNSConfig.Nameservers)
	assert.Equal(t, "proxy", container.EnvFrom[0].ConfigMapRef.Name)
	assert.Equal(t, "wait", pod.Spec.InitContainers[0].Name)
	assert.Equal(t, map[string]string{"example.com/owner": "chat"}, one[*corev1.Service](t, all, "").Annotations)
	for _, object := range all.objects {
		assert.Equal(t, "chat", object.(metav1.Object).GetLabels()["cost-center"], "%T", object)
	}

	ofVersion := render(t, "one-workspace", "image.tag=", "fullnameOverride=watcher")
	assert.Equal(t, "watcher", one[*appsv1.Deployment](t, ofVersion, "").Name)
	version := strings.TrimSpace(rig.ReadFile(t, "../VERSION"))
	assert.Equal(t, "registry.example.com/rocketchat_import_exporter:"+version, ofVersion.pod(t).Spec.Containers[0].Image)
}

func TestChartHoldsTheDashboard(t *testing.T) {
	configMap := one[*corev1.ConfigMap](t, render(t, "everything"), "r-importer-dashboard")
	dashboard := linked(t, "../dashboards/rocketchat-import.json", "https://runbooks.example.com/rocketchat")
	require.Equal(t, map[string]string{"rocketchat-import.json": dashboard}, configMap.Data)
	object, err := yaml.Marshal(configMap)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(object), 256*1024, "kubectl apply keeps the object in an annotation of limited size")
}

// linked is a shipped file whose links lead to the runbooks at an address.
func linked(t *testing.T, file, runbooks string) string {
	t.Helper()
	shipped := rig.ReadFile(t, file)
	const address = "http://localhost:10458/docs/runbooks.md#"
	require.Contains(t, shipped, address)
	return strings.ReplaceAll(shipped, strings.TrimSuffix(address, "#"), runbooks)
}

func TestChartLinksAlertsToRunbooks(t *testing.T) {
	for name, test := range map[string]struct{ values, set, want string }{
		"of the exporter":          {"many-workspaces", "runbookURL=", "http://localhost:10458/docs/runbooks.md"},
		"of the exporter over TLS": {"many-workspaces", "webConfig.tls=true,webConfig.secret.name=x", "https://localhost:10458/docs/runbooks.md"},
		"elsewhere":                {"many-workspaces", "runbookURL=https://runbooks.example.com/", "https://runbooks.example.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			want := shippedRules(t, test.want)
			assert.Equal(t, want, one[*monitoringv1.PrometheusRule](t, render(t, test.values, test.set), "").Spec)
		})
	}
}

func TestChartWithoutItsFilesIsNotRendered(t *testing.T) {
	for _, file := range []string{"files/rocketchat-import.rules.yml", "files/rocketchat-import.json", "files/alertmanager.yml"} {
		broken := copyOfChart(t, filepath.Join(t.TempDir(), "chart"))
		require.NoError(t, os.Remove(filepath.Join(broken, file)))
		out, err := helm(t, "template", "r", broken, "--values="+values("everything"))
		assert.Error(t, err)
		assert.Contains(t, out, "the chart has no "+file)
	}
}

// The operator writes matchers, and the names of fields, in another form.
func TestChartRoutesAsTheShippedAlertmanagerDoes(t *testing.T) {
	shipped := strings.NewReplacer(
		"group_by", "groupBy", "group_wait", "groupWait", "group_interval", "groupInterval", "repeat_interval", "repeatInterval",
		"inhibit_rules", "inhibitRules", "source_matchers", "sourceMatch", "target_matchers", "targetMatch",
	).Replace(rig.ReadFile(t, "../alerts/alertmanager.yml"))
	shipped = regexp.MustCompile(`(\w+) (=~|!=|=) ("[^"]+"|\w+)`).ReplaceAllString(shipped, `{name: $1, matchType: "$2", value: $3}`)
	var want monitoringv1alpha1.AlertmanagerConfigSpec
	require.NoError(t, yaml.Unmarshal([]byte(shipped), &want))
	got := one[*monitoringv1alpha1.AlertmanagerConfig](t, render(t, "everything"), "").Spec
	var route monitoringv1alpha1.Route // of these alerts alone
	require.NoError(t, json.Unmarshal(want.Route.Routes[0].Raw, &route))
	assert.Equal(t, route, *got.Route)
	assert.Equal(t, want.InhibitRules, got.InhibitRules)
}

// The arguments of the container, with the files of its volumes, start the real
// exporter. It watches simulated workspaces, and the kubelet's probes succeed.
func TestChartRunsTheExporterSoThatItWatches(t *testing.T) {
	exporter := rig.BuildExporter(t, "..")
	plain, overTLS := rig.RocketChat(t, "", httptest.NewServer), rig.RocketChat(t, "/chat", httptest.NewTLSServer)
	proxy := rig.RocketChat(t, "/chat", httptest.NewServer) // answers for globex, whose host does not exist
	pair := overTLS.TLS.Certificates[0]                     // of the exporter too
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	const tls = "tls_server_config: {cert_file: " + chartDirectory + "/secrets/exporter-tls/tls.crt, " +
		"key_file: " + chartDirectory + "/secrets/exporter-tls/tls.key}\n"
	secrets := map[string]map[string]string{ // that the values files name
		"rocketchat-import": {"token": rig.Token, "auth-token": rig.Token, "acme": rig.Token},
		"globex-token":      {"token": rig.Token + "\n"},
		"chat-ca":           {"ca.crt": certificate},
		"exporter-tls":      {"tls.crt": certificate, "tls.key": key},
		"exporter-web":      {"web.yml": tls + "basic_auth_users: {prometheus: " + webPasswordHash + "}\n", "tls.yml": tls},
	}
	for name, test := range map[string]struct {
		values, scheme string
		pages, set     []string
	}{
		"one workspace":      {"one-workspace", "http", []string{"/metrics"}, []string{"workspace.url=" + plain.URL}},
		"TLS and basic auth": {"everything", "https", []string{"/metrics"}, []string{"workspace.url=" + overTLS.URL + "/chat"}},
		"TLS": {"everything", "https", []string{"/metrics"}, []string{
			"workspace.url=" + overTLS.URL + "/chat", "webConfig.secret.key=tls.yml", "webConfig.authentication=false",
		}},
		"many workspaces": {"many-workspaces", "http", []string{"/probe?target=acme", "/probe?target=globex"}, []string{
			"workspaces.acme.url=" + plain.URL, "workspaces.globex.url=http://globex.invalid/chat",
			"workspaces.globex.user_id=" + rig.UserID, "workspaces.globex.http_config.proxy_url=" + proxy.URL,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := render(t, test.values, test.set...)
			assert.NotContains(t, r.text, rig.Token)
			moved := strings.NewReplacer(chartDirectory, t.TempDir())
			r.mount(t, secrets, moved)
			container := r.pod(t).Spec.Containers[0]
			var args []string
			for _, arg := range container.Args {
				args = append(args, moved.Replace(arg))
			}
			_, address := requireWatching(t, exporter, nil, args, test.scheme, test.pages...)
			requireProbe(t, container.LivenessProbe, address)
			requireProbe(t, container.ReadinessProbe, address)
		})
	}
}

// mount writes the files of the container's volumes, as the kubelet does. The Pod
// does not start without its Secrets, their keys and its ConfigMap.
func (r release) mount(t *testing.T, secrets map[string]map[string]string, moved *strings.Replacer) {
	t.Helper()
	spec := r.pod(t).Spec
	volumes := map[string]corev1.Volume{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = volume
	}
	for _, mount := range spec.Containers[0].VolumeMounts {
		assert.True(t, mount.ReadOnly, mount.Name)
		assert.Empty(t, mount.SubPath, "such a file does not follow changes")
		var files map[string]string
		volume := volumes[mount.Name]
		switch {
		case volume.ConfigMap != nil:
			files = one[*corev1.ConfigMap](t, r, volume.ConfigMap.Name).Data
		case volume.Secret != nil:
			require.Contains(t, secrets, volume.Secret.SecretName)
			assert.Equal(t, new(int32(0o440)), volume.Secret.DefaultMode)
			files = secrets[volume.Secret.SecretName]
		default:
			require.NotNil(t, volume.EmptyDir, mount.Name)
		}
		for name, content := range files {
			rig.WriteFile(t, filepath.Join(moved.Replace(mount.MountPath), name), moved.Replace(content))
		}
	}
}

// requireProbe probes as the kubelet does, which has no password.
func requireProbe(t *testing.T, probe *corev1.Probe, address string) {
	t.Helper()
	if probe.TCPSocket != nil {
		connection, err := net.Dial("tcp", address)
		require.NoError(t, err)
		connection.Close()
		return
	}
	rig.Get(t, strings.ToLower(string(probe.HTTPGet.Scheme))+"://"+address+probe.HTTPGet.Path)
}

const chart = "kubernetes"

// helmBinary builds Helm as tools/helm/go.mod pins it, once, unless the variable names another.
var helmBinary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(helmVariable); path != "" {
		return path, nil
	}
	cmd := exec.Command("go", "tool", "-modfile=../tools/helm/go.mod", "-n", "helm")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	return strings.TrimSpace(string(path)), err
})

// helm returns what Helm writes, with its warnings only if it fails. It knows
// nothing of this machine but the cluster for tests.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	binary, err := helmBinary()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=" + os.Getenv(kubeconfigVariable)}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		out = append(out, exit.Stderr...)
	}
	return string(out), err
}

// values is a values file of the chart's folder ci.
func values(name string) string { return filepath.Join(chart, "ci", name+"-values.yaml") }

// release is what the chart makes of values.
type release struct {
	text    string
	objects []runtime.Object
}

// render renders the chart and decodes every object into its type of the API.
// An unknown kind or field fails the test.
func render(t *testing.T, name string, set ...string) release {
	t.Helper()
	args := []string{"--values=" + values(name)}
	for _, value := range set {
		args = append(args, "--set="+value)
	}
	return renderChart(t, chart, "r", args...)
}

// renderChart is render for any chart, name of a release and arguments.
func renderChart(t *testing.T, chart, name string, args ...string) release {
	t.Helper()
	text, err := helm(t, append([]string{"template", name, chart, "--namespace=monitoring"}, args...)...)
	require.NoError(t, err, text)
	scheme := runtime.NewScheme()
	schemes := runtime.NewSchemeBuilder(appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme,
		monitoringv1.AddToScheme, monitoringv1alpha1.AddToScheme)
	require.NoError(t, schemes.AddToScheme(scheme))
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	r := release{text: text}
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		require.NoError(t, err)
		object, _, err := decoder.Decode(document, nil, nil)
		require.NoError(t, err, string(document))
		r.objects = append(r.objects, object)
	}
}

// one is the only object of a type that has the name, or any name if that is empty.
func one[T metav1.Object](t *testing.T, r release, name string) T {
	t.Helper()
	var found []T
	for _, object := range r.objects {
		if object, ok := object.(T); ok && (name == "" || object.GetName() == name) {
			found = append(found, object)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func (r release) pod(t *testing.T) corev1.PodTemplateSpec {
	t.Helper()
	return one[*appsv1.Deployment](t, r, "").Spec.Template
}
