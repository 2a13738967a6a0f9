package deploy

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const (
	chartFolder    = "kubernetes"
	chartNamespace = "monitoring"
	// chartName is what a release called "r" calls its objects.
	chartName = "r-rocketchat-import-exporter"
	// chartDirectory is where the container has its files.
	chartDirectory = "/etc/rocketchat-import-exporter"
	chartPort      = 10458

	chartUserID = "aobEdbYhXfu5hkeqG"
	chartToken  = "a-token-that-must-not-show"
)

// The values files in the folder ci of the chart.
const (
	chartOne        = "one-workspace"
	chartMany       = "many-workspaces"
	chartEverything = "everything"
	chartUnwatched  = "no-monitoring"
)

func TestChartLints(t *testing.T) {
	for _, values := range []string{chartOne, chartMany, chartEverything, chartUnwatched} {
		t.Run(values, func(t *testing.T) {
			if out, err := chartHelm(t, "lint", "--strict", chartFolder, "--values", chartValues(values)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestChartHasATestForEachOfItsValuesFiles(t *testing.T) {
	files, err := filepath.Glob(chartValues("*"))
	if err != nil {
		t.Fatal(err)
	}
	tested := []string{chartValues(chartEverything), chartValues(chartMany), chartValues(chartUnwatched), chartValues(chartOne)}
	if !slices.Equal(files, tested) {
		t.Errorf("there are %v", files)
	}
}

func TestChartMakesWhatIsAskedFor(t *testing.T) {
	tests := map[string][]string{
		chartUnwatched:  {"Deployment", "Service"},
		chartOne:        {"Deployment", "Service", "ServiceMonitor"},
		chartMany:       {"ConfigMap", "ConfigMap", "Deployment", "Probe", "PrometheusRule", "Service", "ServiceMonitor"},
		chartEverything: {"ConfigMap", "ConfigMap", "Deployment", "PrometheusRule", "Service", "ServiceMonitor"},
	}
	for values, want := range tests {
		t.Run(values, func(t *testing.T) {
			if kinds := slices.Sorted(slices.Values(renderChart(t, values).kinds)); !slices.Equal(kinds, want) {
				t.Errorf("the chart makes %v, want %v", kinds, want)
			}
		})
	}
}

func TestChartPodIsRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	for _, values := range []string{chartOne, chartMany, chartEverything, chartUnwatched} {
		t.Run(values, func(t *testing.T) {
			r := renderChart(t, values)
			pod := r.deployment.Spec.Template
			if result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
				t.Errorf("the Pod security standard %q is not met: %s", restricted.Level, result.ForbiddenDetail())
			}
			if s := r.container(t).SecurityContext; s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				t.Error("the root file system can be written")
			}
			if user := pod.Spec.SecurityContext.RunAsUser; user == nil || *user != 65534 {
				t.Error("the user is not that of the image")
			}
			if mount := pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
				t.Error("the Pod has a token of Kubernetes, which it does not use")
			}
		})
	}
}

func TestChartRunsOneExporterAtATime(t *testing.T) {
	spec := renderChart(t, chartOne).deployment.Spec
	if *spec.Replicas != 1 || spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("there are %d replicas, replaced by %s", *spec.Replicas, spec.Strategy.Type)
	}
}

func TestChartStartsAPodAnewWhenItsConfigurationChanges(t *testing.T) {
	before := renderChart(t, chartMany).deployment.Spec.Template
	same := renderChart(t, chartMany, "dashboard.enabled=false").deployment.Spec.Template
	changed := renderChart(t, chartMany, "workspaces.acme.timeout=9s").deployment.Spec.Template
	if !maps.Equal(before.Annotations, same.Annotations) {
		t.Error("the Pod starts anew for something else too")
	}
	if maps.Equal(before.Annotations, changed.Annotations) {
		t.Error("the Pod goes on with the configuration before")
	}
}

// The values that would bring one in are refused: see TestChartRefuses.
func TestChartHoldsNoSecret(t *testing.T) {
	for _, values := range []string{chartOne, chartMany, chartEverything, chartUnwatched} {
		t.Run(values, func(t *testing.T) {
			r := renderChart(t, values)
			container := r.container(t)
			if len(container.Env)+len(container.EnvFrom) != 0 {
				t.Errorf("the environment is %v, from %v", container.Env, container.EnvFrom)
			}
			for _, arg := range container.Args {
				if strings.HasPrefix(arg, "--rocketchat.auth-token=") {
					t.Error("the token is a flag")
				}
			}
			for _, configMap := range r.configMaps {
				if strings.Contains(configMap.Data["config.yml"], "auth_token:") {
					t.Error("a token is in a ConfigMap")
				}
			}
		})
	}
}

func TestChartRulesAreThoseThatAreShipped(t *testing.T) {
	for _, values := range []string{chartMany, chartEverything} {
		var want monitoringv1.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict(readChartSource(t, "../alerts/rocketchat-import.rules.yml"), &want); err != nil {
			t.Fatal(err)
		}
		got, err := yaml.Marshal(renderChart(t, values).rules.Spec)
		if err != nil {
			t.Fatal(err)
		}
		if shipped, err := yaml.Marshal(want); err != nil || !bytes.Equal(got, shipped) {
			t.Errorf("the rules of %s are not those of the file (%v)", values, err)
		}
		if !bytes.Contains(got, []byte("{{ $labels.instance }}")) {
			t.Error("the templates of the annotations are gone")
		}
	}
}

func TestChartDashboardIsTheOneThatIsShipped(t *testing.T) {
	want := readChartSource(t, "../dashboards/rocketchat-import.json")
	for _, values := range []string{chartMany, chartEverything} {
		configMap := renderChart(t, values).configMaps[chartName+"-dashboard"]
		if configMap == nil {
			t.Fatalf("%s has no dashboard", values)
		}
		if got := configMap.Data["rocketchat-import.json"]; len(configMap.Data) != 1 || got != string(want) {
			t.Errorf("the dashboard of %s is not the file: %d bytes, want %d", values, len(got), len(want))
		}
		// kubectl apply keeps the object in an annotation, and those are limited.
		if object, err := yaml.Marshal(configMap); err != nil || len(object) > 256*1024 {
			t.Errorf("the ConfigMap has %d bytes (%v), which is too much", len(object), err)
		}
	}
	for values, label := range map[string]string{chartMany: "1", chartEverything: "import"} {
		if got := renderChart(t, values).configMaps[chartName+"-dashboard"].Labels["grafana_dashboard"]; got != label {
			t.Errorf("Grafana's sidecar finds %q in %s", got, values)
		}
	}
}

func TestChartIsFoundByThePrometheusThatSelectsByLabels(t *testing.T) {
	r := renderChart(t, chartEverything)
	for _, object := range []metav1.Object{r.serviceMonitor, r.rules} {
		if object.GetLabels()["release"] != "kube-prometheus-stack" {
			t.Errorf("the labels of a %T are %v", object, object.GetLabels())
		}
	}
	r = renderChart(t, chartMany, "monitoring.labels.release=kube-prometheus-stack")
	if r.probe.Labels["release"] != "kube-prometheus-stack" {
		t.Errorf("the labels of the Probe are %v", r.probe.Labels)
	}
}

func TestChartRefuses(t *testing.T) {
	tests := map[string]struct{ values, set, want string }{
		"an unknown value":                    {chartOne, "replica=1", "'replica' not allowed"},
		"an unknown value of a workspace":     {chartOne, "workspace.userid=x", "'userid' not allowed"},
		"an unknown value of one of many":     {chartMany, "workspaces.acme.userid=x", "'userid' not allowed"},
		"an unknown value of monitoring":      {chartOne, "monitoring.jobLabel=x", "'jobLabel' not allowed"},
		"a token":                             {chartOne, "workspace.auth_token=" + chartToken, "'auth_token' not allowed"},
		"a token of one of many":              {chartMany, "workspaces.acme.auth_token=" + chartToken, "'auth_token' not allowed"},
		"a password for the proxy":            {chartOne, "workspace.http_config.proxy_url=http://me:" + chartToken + "@proxy:3128", "/proxy_url'"},
		"a password in http_config":           {chartOne, "workspace.http_config.basic_auth.password=" + chartToken, "'basic_auth' not allowed"},
		"a password in the URL":               {chartOne, "workspace.url=http://me:" + chartToken + "@chat.example.com", "/workspace/url'"},
		"no URL":                              {chartOne, "workspace.url=null", "/workspace/url'"},
		"a workspace without its settings":    {"", "workspace.name=chat", "missing properties 'url', 'user_id', 'auth_token_secret'"},
		"no user id":                          {chartOne, "workspace.user_id=null", "/workspace/user_id'"},
		"no Secret for the token":             {chartOne, "workspace.auth_token_secret=null", "/workspace/auth_token_secret'"},
		"the mode that wipes running imports": {chartOne, "workspace.file_data=unguarded", "/file_data'"},
		"a name that could be a path":         {chartMany, "workspaces.a/b.url=http://x", "a/b"},
		"a name of its own for one of many":   {chartMany, "workspaces.acme.name=x", "/workspaces/acme/name'"},
		"two replicas":                        {chartOne, "replicas=2", "/replicas'"},
		"one workspace beside many":           {chartMany, "workspace.url=http://x,workspace.user_id=x,workspace.auth_token_secret.name=x", "not both"},
		"nothing to watch":                    {"", "monitoring.enabled=true", "nothing to watch"},
		"no image":                            {chartOne, "image.repository=", "set image.repository"},
		"no tag":                              {chartOne, "image.tag=", "set image.tag"},
		"TLS without a file":                  {chartOne, "webConfig.tls=true", "set webConfig.secret.name"},
		"authentication without a file":       {chartOne, "webConfig.authentication=true", "set webConfig.secret.name"},
		"a Prometheus without credentials":    {chartOne, "webConfig.authentication=true,webConfig.secret.name=x", "set monitoring.basicAuth"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := []string{"template", "r", chartFolder, "--set", test.set}
			if test.values != "" {
				args = append(args, "--values", chartValues(test.values))
			}
			out, err := chartHelm(t, args...)
			if err == nil || !strings.Contains(out, test.want) {
				t.Errorf("helm says (%v), want %q:\n%s", err, test.want, out)
			}
		})
	}
}

// The arguments of the container and the files of its volumes start the real
// exporter; the probes find it well; and a Prometheus that the operator configured
// gets the metrics of a simulated Rocket.Chat.
func TestChartRunsTheExporterSoThatItIsWatched(t *testing.T) {
	exporter := exporterBinary(t)
	const (
		withTLS = "webConfig.secret.name=exporter-web,webConfig.tls=true," +
			"monitoring.tlsConfig.ca.secret.name=exporter-tls,monitoring.tlsConfig.ca.secret.key=ca.crt"
		withBasicAuth = "webConfig.secret.name=exporter-web,webConfig.authentication=true," +
			"monitoring.basicAuth.username.name=exporter-scrape,monitoring.basicAuth.username.key=username," +
			"monitoring.basicAuth.password.name=exporter-scrape,monitoring.basicAuth.password.key=password"
	)
	tests := map[string]struct {
		values, set    string
		tls, basicAuth bool
		probe          corev1.URIScheme // empty where the kubelet only connects
	}{
		"one workspace":                       {values: chartOne, probe: "HTTP"},
		"one workspace without the operator":  {values: chartUnwatched, probe: "HTTP"},
		"one workspace, TLS":                  {values: chartOne, tls: true, set: withTLS, probe: "HTTPS"},
		"one workspace, basic auth":           {values: chartOne, basicAuth: true, set: withBasicAuth},
		"one workspace, TLS and basic auth":   {values: chartEverything},
		"many workspaces":                     {values: chartMany, probe: "HTTP"},
		"many workspaces, TLS":                {values: chartMany, tls: true, set: withTLS, probe: "HTTPS"},
		"many workspaces, basic auth":         {values: chartMany, basicAuth: true, set: withBasicAuth},
		"many workspaces, TLS and basic auth": {values: chartMany, tls: true, basicAuth: true, set: withTLS + "," + withBasicAuth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secrets := newChartSecrets(t, test.tls, test.basicAuth)
			r := renderChart(t, test.values, append(simulateForChart(t, test.values, secrets), test.set)...)
			container := r.container(t)
			for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
				if (probe.TCPSocket != nil) != (test.probe == "") || probe.HTTPGet != nil && probe.HTTPGet.Scheme != test.probe {
					t.Errorf("the kubelet probes by %+v, want %q", probe.ProbeHandler, test.probe)
				}
			}
			_, p := r.start(t, exporter, secrets)
			p.Stop()
			if err := p.Err(); err != nil {
				t.Errorf("%v\n%s", err, p.Output())
			}
			if strings.Contains(r.text+p.Output(), chartToken) {
				t.Error("the token shows")
			}
		})
	}
}
