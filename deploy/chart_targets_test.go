package deploy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	operator "github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// chartPodAddress is where Prometheus would find the Pod.
const chartPodAddress = "10.0.0.7:10458"

// chartScrapeConfig is the part of Prometheus's that the operator writes for the chart.
type chartScrapeConfig struct {
	JobName        string                      `yaml:"job_name"`
	MetricsPath    string                      `yaml:"metrics_path"`
	Scheme         string                      `yaml:"scheme"`
	RelabelConfigs []*relabel.Config           `yaml:"relabel_configs"`
	HTTP           promconfig.HTTPClientConfig `yaml:",inline"`
	StaticConfigs  []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	} `yaml:"static_configs"`
}

// chartTarget is a target as Prometheus has it.
type chartTarget struct {
	labels labels.Labels // those of its series
	url    string
	http   promconfig.HTTPClientConfig
}

// targets are what Prometheus would scrape, where the operator configures it.
func (r *chartRelease) targets(t *testing.T, secrets chartSecrets) []chartTarget {
	t.Helper()
	var targets []chartTarget
	for _, config := range r.scrapeConfigs(t, secrets) {
		discovered := []map[string]string{r.discoveredPod()}
		if config.StaticConfigs != nil {
			discovered = nil
		}
		for _, group := range config.StaticConfigs {
			for _, address := range group.Targets {
				target := map[string]string{"__address__": address}
				for name, value := range group.Labels {
					target[name] = value
				}
				discovered = append(discovered, target)
			}
		}
		for _, target := range discovered {
			targets = append(targets, config.relabel(t, target))
		}
	}
	return targets
}

// scrapeConfigs are what the operator makes of the monitors.
func (r *chartRelease) scrapeConfigs(t *testing.T, secrets chartSecrets) []chartScrapeConfig {
	t.Helper()
	var objects []any
	for name, data := range secrets {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: chartNamespace, Name: name}, Data: map[string][]byte{}}
		for key, value := range data {
			secret.Data[key] = []byte(value)
		}
		objects = append(objects, secret)
	}
	monitors, probes := map[string]*monitoringv1.ServiceMonitor{}, map[string]*monitoringv1.Probe{}
	if r.serviceMonitor != nil {
		monitors["chart"] = inChartNamespace(r.serviceMonitor)
	}
	if r.probe != nil {
		probes["chart"] = inChartNamespace(r.probe)
	}
	prometheus := &monitoringv1.Prometheus{ObjectMeta: metav1.ObjectMeta{Namespace: chartNamespace, Name: "prometheus"}}
	generator, err := operator.NewConfigGenerator(nil, prometheus, operator.WithInlineTLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	written, err := generator.GenerateServerConfiguration(prometheus, monitors, nil, probes, nil, assets.NewTestStoreBuilder(objects...), nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		ScrapeConfigs []chartScrapeConfig `yaml:"scrape_configs"`
	}
	// The sidecar beside Prometheus puts the number of its shard there.
	written = bytes.ReplaceAll(written, []byte("$(SHARD)"), []byte("0"))
	if err := yaml.Unmarshal(written, &config); err != nil {
		t.Fatalf("%v in\n%s", err, written)
	}
	return config.ScrapeConfigs
}

// inChartNamespace is an object as Helm installs it.
func inChartNamespace[T metav1.Object](object T) T {
	object.SetNamespace(chartNamespace)
	return object
}

// discoveredPod is what Prometheus discovers of the Pod behind the Service.
func (r *chartRelease) discoveredPod() map[string]string {
	const meta = "__meta_kubernetes_"
	target := map[string]string{
		"__address__":                         chartPodAddress,
		meta + "namespace":                    chartNamespace,
		meta + "service_name":                 r.service.Name,
		meta + "endpoint_port_name":           r.service.Spec.Ports[0].Name,
		meta + "endpoint_address_target_kind": "Pod",
		meta + "endpoint_address_target_name": r.deployment.Name + "-5d9c7b8f6d-x2x7k",
		meta + "pod_name":                     r.deployment.Name + "-5d9c7b8f6d-x2x7k",
		meta + "pod_container_name":           r.deployment.Spec.Template.Spec.Containers[0].Name,
		meta + "pod_phase":                    "Running",
	}
	for name, value := range r.service.Labels {
		name = strings.NewReplacer(".", "_", "/", "_", "-", "_").Replace(name)
		target[meta+"service_label_"+name], target[meta+"service_labelpresent_"+name] = value, "true"
	}
	return target
}

// relabel makes a target of what was discovered, as Prometheus does.
func (c *chartScrapeConfig) relabel(t *testing.T, discovered map[string]string) chartTarget {
	t.Helper()
	builder := labels.NewBuilder(labels.FromMap(discovered))
	builder.Set("job", c.JobName).Set("__scheme__", c.Scheme).Set("__metrics_path__", c.MetricsPath)
	if !relabel.ProcessBuilder(builder, c.RelabelConfigs...) {
		t.Fatalf("%s drops %v", c.JobName, discovered)
	}
	target := url.URL{Scheme: builder.Get("__scheme__"), Host: builder.Get("__address__"), Path: builder.Get("__metrics_path__")}
	if parameter := builder.Get("__param_target"); parameter != "" {
		target.RawQuery = url.Values{"target": {parameter}}.Encode()
	}
	if builder.Get("instance") == "" {
		builder.Set("instance", target.Host)
	}
	builder.Range(func(label labels.Label) {
		if strings.HasPrefix(label.Name, "__") {
			builder.Del(label.Name)
		}
	})
	return chartTarget{builder.Labels(), target.String(), c.HTTP}
}

// scrape returns what the exporter at the address answers to the target's scrape:
// the Pod's own address, and that of the Service, lead there.
func (target chartTarget) scrape(t *testing.T, address string) string {
	t.Helper()
	service := net.JoinHostPort(chartName+"."+chartNamespace+".svc", strconv.Itoa(chartPort))
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		if to != chartPodAddress && to != service {
			return nil, &net.AddrError{Err: "nothing listens", Addr: to}
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client, err := promconfig.NewClientFromConfig(target.http, "chart", promconfig.WithDialContextFunc(dial))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	response, err := client.Get(target.url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the scrape of %s is answered with %s (%v)", target.url, response.Status, err)
	}
	return string(body)
}
