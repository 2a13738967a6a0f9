package deploy

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
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
		"two replicas":                        {"one-workspace", "replicas=2", "/replicas'"},
		"one workspace beside many":           {"many-workspaces", "workspace.url=http://x,workspace.user_id=x,workspace.auth_token_secret.name=x", "not both"},
		"nothing to watch":                    {"one-workspace", "workspace=null", "nothing to watch"},
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

func TestChartStartsAPodAnewWhenItsConfigurationChanges(t *testing.T) {
	before := render(t, "many-workspaces").pod(t).Annotations
	if same := render(t, "many-workspaces", "dashboard.enabled=false").pod(t).Annotations; !maps.Equal(before, same) {
		t.Error("the Pod starts anew for something else too")
	}
	if changed := render(t, "many-workspaces", "workspaces.acme.timeout=9s").pod(t).Annotations; maps.Equal(before, changed) {
		t.Error("the Pod keeps the old configuration")
	}
}

func TestChartHoldsTheShippedRulesAndDashboard(t *testing.T) {
	r := render(t, "everything")
	var want monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(readFile(t, "../alerts/rocketchat-import.rules.yml")), &want); err != nil {
		t.Fatal(err)
	}
	shipped, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := yaml.Marshal(one[*monitoringv1.PrometheusRule](t, r).Spec); err != nil || !bytes.Equal(got, shipped) {
		t.Errorf("the rules are not those of the file (%v)", err)
	}
	configMap := r.configMap(t, "r-rocketchat-import-exporter-dashboard")
	if got := configMap.Data["rocketchat-import.json"]; len(configMap.Data) != 1 || got != readFile(t, "../dashboards/rocketchat-import.json") {
		t.Error("the dashboard is not the file")
	}
	// kubectl apply keeps the object in an annotation of limited size.
	if object, err := yaml.Marshal(configMap); err != nil || len(object) > 256*1024 {
		t.Errorf("the ConfigMap has %d bytes (%v), which is too much", len(object), err)
	}
}

// secrets are the Secrets that the values files name, with what is in them.
type secrets map[string]map[string]string

func newSecrets(certificate, key string) secrets {
	folder := chartDirectory + "/files/exporter-tls/"
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
	case volume.ConfigMap != nil:
		return r.configMap(t, volume.ConfigMap.Name).Data
	case volume.Secret != nil:
		return secret(volume.Secret.SecretName, volume.Secret.DefaultMode)
	case volume.Projected != nil:
		files := map[string]string{}
		for _, source := range volume.Projected.Sources {
			for _, item := range source.Secret.Items {
				files[item.Path] = secret(source.Secret.Name, volume.Projected.DefaultMode)[item.Key]
			}
		}
		return files
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
