package deploy

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus/alertmanager/pkg/labels"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// chartDirectory is where the container has its files.
const chartDirectory = "/etc/rocketchat-import-exporter"

func TestChartLints(t *testing.T) {
	everyValuesFile(t, func(t *testing.T, name string) {
		if out, err := helm(t, "lint", "--strict", chart, "--values", values(name)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestChartPodIsRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	everyValuesFile(t, func(t *testing.T, name string) {
		pod := render(t, name).pod(t)
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
			t.Errorf("the Pod does not meet the standard %q: %s", restricted.Level, result.ForbiddenDetail())
		}
		if readOnly := pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
			t.Error("the root file system can be written")
		}
		if mount := pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
			t.Error("the Pod has a token of Kubernetes, which it does not use")
		}
	})
}

func TestChartRefuses(t *testing.T) {
	tests := map[string]struct{ values, set, want string }{
		"an unknown value":                    {"one-workspace", "replica=1", "'replica' not allowed"},
		"an unknown value of a workspace":     {"one-workspace", "workspace.userid=x", "'userid' not allowed"},
		"an unknown value of one of many":     {"many-workspaces", "workspaces.acme.userid=x", "'userid' not allowed"},
		"a token":                             {"one-workspace", "workspace.auth_token=x", "'auth_token' not allowed"},
		"a token of one of many":              {"many-workspaces", "workspaces.acme.auth_token=x", "'auth_token' not allowed"},
		"a password for the proxy":            {"one-workspace", "workspace.http_config.proxy_url=http://me:x@proxy:3128", "/proxy_url'"},
		"a password in http_config":           {"one-workspace", "workspace.http_config.basic_auth.password=x", "'basic_auth' not allowed"},
		"a password in the URL":               {"one-workspace", "workspace.url=http://me:x@chat.example.com", "/workspace/url'"},
		"no URL":                              {"one-workspace", "workspace.url=null", "/workspace/url'"},
		"no user id":                          {"one-workspace", "workspace.user_id=null", "/workspace/user_id'"},
		"no Secret for the token":             {"one-workspace", "workspace.auth_token_secret=null", "/workspace/auth_token_secret'"},
		"the mode that wipes running imports": {"one-workspace", "workspace.file_data=unguarded", "/file_data'"},
		"a name that could be a path":         {"many-workspaces", "workspaces.a/b.url=http://x", "a/b"},
		"a digest that is none":               {"one-workspace", "image.digest=latest", "/image/digest'"},
		"a runbook address with an anchor":    {"one-workspace", "runbookURL=http://x#y", "/runbookURL'"},
		"an Alertmanager without receivers":   {"one-workspace", "alertmanagerConfig.enabled=true", "alertmanagerConfig.receivers has no"},
		"a token among further flags":         {"one-workspace", "extraArgs[0]=--rocketchat.auth-token=x", "/extraArgs/0'"},
		"a token among further variables":     {"one-workspace", "extraEnv[0].name=ROCKETCHAT_AUTH_TOKEN", "/extraEnv/0/name'"},
		"that mode among further flags":       {"one-workspace", "extraArgs[0]=--import.file-data=unguarded", "/extraArgs/0'"},
		"that mode among further variables":   {"one-workspace", "extraEnv[0].name=ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA", "/extraEnv/0/name'"},
		"a probe of another kind":             {"one-workspace", "livenessProbe.httpGet.path=/", "'httpGet' not allowed"},
		"a section that is null":              {"one-workspace", "serviceAccount=null", "'serviceAccount'"},
		"two replicas":                        {"one-workspace", "replicas=2", "/replicas'"},
		"one workspace beside many":           {"many-workspaces", "workspace.url=http://x,workspace.user_id=x,workspace.auth_token_secret.name=x", "not both"},
		"nothing to watch":                    {"one-workspace", "workspace=null", "nothing to watch"},
		"an empty list of workspaces":         {"many-workspaces", "workspaces=null", "nothing to watch"},
		"no image":                            {"one-workspace", "image.repository=", "set image.repository"},
		"TLS without a file":                  {"one-workspace", "webConfig.tls=true", "set webConfig.secret.name"},
		"authentication without a file":       {"one-workspace", "webConfig.authentication=true", "set webConfig.secret.name"},
		"a Prometheus without credentials":    {"one-workspace", "webConfig.authentication=true,webConfig.secret.name=x", "set monitoring.basicAuth"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "template", "r", chart, "--values="+values(test.values), "--set="+test.set)
			if err == nil || !strings.Contains(out, test.want) {
				t.Errorf("helm says (%v), want %q:\n%s", err, test.want, out)
			}
		})
	}
}

// The exporter itself takes up a changed list of workspaces. It reads http_config
// only when it starts.
func TestChartTakesUpAChangedConfiguration(t *testing.T) {
	many := render(t, "many-workspaces").pod(t)
	if !slices.Contains(many.Spec.Containers[0].Args, "--config.auto-reload-interval=30s") {
		t.Errorf("the exporter does not reload: %q", many.Spec.Containers[0].Args)
	}
	if changed := render(t, "many-workspaces", "workspaces.acme.timeout=9s").pod(t); !maps.Equal(many.Annotations, changed.Annotations) {
		t.Error("a Pod with many workspaces starts anew")
	}
	before := render(t, "everything").pod(t).Annotations
	if changed := render(t, "everything", "workspace.http_config.proxy_url=http://proxy").pod(t).Annotations; maps.Equal(before, changed) {
		t.Error("a Pod keeps the old http_config")
	}
}

// OpenShift assigns user ids.
func TestChartLeavesOutSecurityFieldsThatAreNull(t *testing.T) {
	pod := render(t, "one-workspace", "podSecurityContext.runAsUser=null", "podSecurityContext.runAsGroup=null", "podSecurityContext.fsGroup=null",
		"securityContext.readOnlyRootFilesystem=null").pod(t)
	context := pod.Spec.SecurityContext
	if context.RunAsUser != nil || context.RunAsGroup != nil || context.FSGroup != nil || context.RunAsNonRoot == nil {
		t.Errorf("the Pod has %+v", context)
	}
	if pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem != nil {
		t.Error("the container keeps a field that is null")
	}
}

func TestChartPassesOnWhatAUserSets(t *testing.T) {
	pod := render(t, "everything").pod(t)
	container := pod.Spec.Containers[0]
	for what, ok := range map[string]bool{
		"digest":            strings.HasSuffix(container.Image, "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
		"label":             pod.Labels["team"] == "chat" && pod.Labels["app.kubernetes.io/name"] == "importer",
		"annotation":        pod.Annotations["example.com/owner"] == "chat",
		"priority":          pod.Spec.PriorityClassName == "monitoring",
		"service account":   pod.Spec.ServiceAccountName == "r-importer",
		"argument":          slices.Contains(container.Args, "--web.enable-lifecycle"),
		"variable":          len(container.Env) == 1 && container.Env[0].Name == "NO_PROXY",
		"volume":            slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/extra" }),
		"probes":            container.LivenessProbe.PeriodSeconds == 20 && container.ReadinessProbe.FailureThreshold == 5,
		"affinity":          pod.Spec.Affinity != nil && len(pod.Spec.TopologySpreadConstraints) == 1 && len(pod.Spec.Tolerations) == 1,
		"pull secret":       len(pod.Spec.ImagePullSecrets) == 1,
		"another name":      one[*appsv1.Deployment](t, render(t, "one-workspace", "fullnameOverride=watcher")).Name == "watcher",
		"version":           strings.HasSuffix(render(t, "one-workspace", "image.tag=").pod(t).Spec.Containers[0].Image, ":"+strings.TrimSpace(readFile(t, "../VERSION"))),
		"the release alone": render(t, "one-workspace").pod(t).Labels["app.kubernetes.io/instance"] == "r",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, pod)
		}
	}
}

func TestChartHoldsTheShippedFiles(t *testing.T) {
	for file, shipped := range map[string]string{
		"rocketchat-import.rules.yml": "../alerts/", "alertmanager.yml": "../alerts/", "rocketchat-import.json": "../dashboards/",
	} {
		copied := filepath.Join(chart, "files", file)
		if info, err := os.Lstat(copied); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s is no file that a packed chart has (%v)", copied, err)
		}
		if readFile(t, copied) != readFile(t, shipped+file) {
			t.Errorf("%s is stale: run make generate", copied)
		}
	}
	configMap := render(t, "everything").configMap(t, "r-importer-dashboard")
	if got := configMap.Data["rocketchat-import.json"]; len(configMap.Data) != 1 || got != readFile(t, "../dashboards/rocketchat-import.json") {
		t.Error("the dashboard is not the file")
	}
	// kubectl apply keeps the object in an annotation of limited size.
	if object, err := yaml.Marshal(configMap); err != nil || len(object) > 256*1024 {
		t.Errorf("the ConfigMap has %d bytes (%v), which is too much", len(object), err)
	}
}

func TestChartLinksAlertsToRunbooks(t *testing.T) {
	for name, test := range map[string]struct{ values, set, want string }{
		"of the exporter":          {"many-workspaces", "runbookURL=", "http://localhost:10458/docs/runbooks.md"},
		"of the exporter over TLS": {"everything", "runbookURL=", "https://localhost:10458/docs/runbooks.md"},
		"elsewhere":                {"everything", "runbookURL=https://runbooks.example.com/", "https://runbooks.example.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			shipped := strings.ReplaceAll(readFile(t, "../alerts/rocketchat-import.rules.yml"), "docs/runbooks.md#", test.want+"#")
			var want monitoringv1.PrometheusRuleSpec
			if err := yaml.UnmarshalStrict([]byte(shipped), &want); err != nil {
				t.Fatal(err)
			}
			got := one[*monitoringv1.PrometheusRule](t, render(t, test.values, test.set)).Spec
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the rules are not those of the file:\n%+v", got)
			}
		})
	}
}

func TestChartWithoutItsFilesIsNotRendered(t *testing.T) {
	for _, file := range []string{"rocketchat-import.rules.yml", "rocketchat-import.json", "alertmanager.yml"} {
		broken := filepath.Join(t.TempDir(), "chart")
		if err := os.CopyFS(broken, os.DirFS(chart)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(broken, "files", file)); err != nil {
			t.Fatal(err)
		}
		out, err := helm(t, "template", "r", broken, "--values="+values("everything"))
		if err == nil || !strings.Contains(out, "the chart has no files/"+file) {
			t.Errorf("without %s helm says (%v)\n%s", file, err, out)
		}
	}
}

func TestChartRoutesAsTheShippedAlertmanagerDoes(t *testing.T) {
	var shipped struct {
		Route        map[string]any
		InhibitRules []any `json:"inhibit_rules"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "../alerts/alertmanager.yml")), &shipped); err != nil {
		t.Fatal(err)
	}
	shipped.Route["matchers"] = []any{`alertname =~ "RocketChatImport.+"`}
	spec := one[*monitoringv1alpha1.AlertmanagerConfig](t, render(t, "everything")).Spec
	for what, pair := range map[string]struct{ got, want any }{
		"route":       {spec.Route, operatorForm(t, "", shipped.Route)},
		"inhibitions": {spec.InhibitRules, operatorForm(t, "", shipped.InhibitRules)},
	} {
		got, gotErr := yaml.Marshal(pair.got)
		want, wantErr := yaml.Marshal(pair.want)
		if err := errors.Join(gotErr, wantErr); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s (%v)\n%s\nwant\n%s", what, err, got, want)
		}
	}
}

// operatorForm converts a part of Alertmanager's configuration to the form of
// the operator's API. Key is where the value is.
func operatorForm(t *testing.T, key string, value any) any {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		converted := map[string]any{}
		for key, value := range value {
			name := map[string]string{
				"group_by": "groupBy", "group_wait": "groupWait", "group_interval": "groupInterval", "repeat_interval": "repeatInterval",
				"source_matchers": "sourceMatch", "target_matchers": "targetMatch",
			}[key]
			converted[cmp.Or(name, key)] = operatorForm(t, key, value)
		}
		return converted
	case []any:
		converted := []any{}
		for _, element := range value {
			converted = append(converted, operatorForm(t, key, element))
		}
		return converted
	case string:
		if !strings.HasSuffix(key, "matchers") {
			return value
		}
		matcher, err := labels.ParseMatcher(value)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"name": matcher.Name, "matchType": matcher.Type.String(), "value": matcher.Value}
	default:
		return value
	}
}

// secrets are the Secrets that the values files name, with what is in them.
type secrets map[string]map[string]string

func newSecrets(certificate, key string) secrets {
	folder := chartDirectory + "/secrets/exporter-tls/"
	tls := "tls_server_config:\n  cert_file: " + folder + "tls.crt\n  key_file: " + folder + "tls.key\n"
	return secrets{
		"rocketchat-import": {"token": watcherToken, "auth-token": watcherToken, "acme": watcherToken},
		"globex-token":      {"token": watcherToken + "\n"},
		"chat-ca":           {"ca.crt": certificate},
		"exporter-tls":      {"tls.crt": certificate, "tls.key": key},
		"exporter-web":      {"web.yml": tls + "basic_auth_users:\n  " + webUser + ": " + webPasswordHash + "\n", "tls.yml": tls},
	}
}

// certificate returns a test server's certificate and key, as PEM.
func certificate(t *testing.T, server *httptest.Server) (certificate, key string) {
	t.Helper()
	pair := server.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", pair.Certificate[0]), encode("PRIVATE KEY", der)
}

// The arguments of the container, with the files of its volumes, start the real
// exporter. It watches simulated workspaces, and the kubelet's probes succeed.
func TestChartRunsTheExporterSoThatItWatches(t *testing.T) {
	exporter := exporterBinary(t)
	plain, overTLS := simulatedRocketChat(t, "", httptest.NewServer), simulatedRocketChat(t, "/chat", httptest.NewTLSServer)
	proxy := simulatedRocketChat(t, "/chat", httptest.NewServer) // answers for globex, whose host does not exist
	existing := newSecrets(certificate(t, overTLS))
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
			"workspaces.globex.user_id=" + watcherID, "workspaces.globex.http_config.proxy_url=" + proxy.URL,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := render(t, test.values, test.set...)
			moved := strings.NewReplacer(chartDirectory, t.TempDir())
			r.mount(t, existing, moved)
			container := r.pod(t).Spec.Containers[0]
			var args []string
			for _, arg := range container.Args {
				args = append(args, moved.Replace(arg))
			}
			requireWatching(t, exporter, nil, args, test.scheme, test.pages...)
			address, _ := startExporter(t, exporter, nil, args, test.scheme)
			for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
				if err := try(probe, address); err != nil {
					t.Errorf("the probe %+v fails: %v", probe.ProbeHandler, err)
				}
			}
			if strings.Contains(r.text, watcherToken) {
				t.Error("the objects hold the token")
			}
		})
	}
}

// mount writes the files of the container's volumes, as the kubelet does.
func (r release) mount(t *testing.T, existing secrets, moved *strings.Replacer) {
	t.Helper()
	spec := r.pod(t).Spec
	volumes := map[string]corev1.VolumeSource{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = volume.VolumeSource
	}
	for _, mount := range spec.Containers[0].VolumeMounts {
		if !mount.ReadOnly || mount.SubPath != "" {
			t.Errorf("the mount of %s can be written, or does not follow changes", mount.Name)
		}
		for name, content := range r.files(t, volumes[mount.Name], existing) {
			writeFile(t, filepath.Join(moved.Replace(mount.MountPath), name), moved.Replace(content))
		}
	}
}

// files are the files of a volume. The Pod does not start without its Secrets,
// their keys and its ConfigMap.
func (r release) files(t *testing.T, volume corev1.VolumeSource, existing secrets) map[string]string {
	t.Helper()
	secret := func(name string, mode *int32) map[string]string {
		if existing[name] == nil || mode == nil || *mode != 0o440 {
			t.Fatalf("no value names the Secret %q, or others can read it", name)
		}
		return existing[name]
	}
	switch {
	case volume.EmptyDir != nil:
		return nil
	case volume.ConfigMap != nil:
		return r.configMap(t, volume.ConfigMap.Name).Data
	case volume.Secret != nil:
		return secret(volume.Secret.SecretName, volume.Secret.DefaultMode)
	default:
		t.Fatalf("a volume has no files: %v", volume)
		return nil
	}
}

// try probes as the kubelet does: it accepts any certificate and has no password.
func try(probe *corev1.Probe, address string) error {
	if probe.TCPSocket != nil {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	status, _, err := get(strings.ToLower(string(probe.HTTPGet.Scheme))+"://"+address+probe.HTTPGet.Path, "", "")
	if err == nil && status != http.StatusOK {
		err = errors.New(http.StatusText(status))
	}
	return err
}
