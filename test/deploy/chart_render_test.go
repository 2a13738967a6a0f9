package deploy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// chartHelmBinary builds Helm as helm/go.mod pins it, once, and returns its path.
var chartHelmBinary = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-modfile=../tools/helm/go.mod", "-n", "helm")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	return strings.TrimSpace(string(path)), err
})

// chartHelm returns what Helm writes. It is told nothing of this machine.
func chartHelm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	binary, err := chartHelmBinary()
	if err != nil {
		t.Fatalf("building Helm: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}

func chartValues(name string) string { return filepath.Join(chartFolder, "ci", name+"-values.yaml") }

// chartRelease is what the chart makes of values.
type chartRelease struct {
	text           string
	kinds          []string
	deployment     *appsv1.Deployment
	service        *corev1.Service
	configMaps     map[string]*corev1.ConfigMap
	serviceMonitor *monitoringv1.ServiceMonitor
	probe          *monitoringv1.Probe
	rules          *monitoringv1.PrometheusRule
}

// renderChart renders the chart and decodes all of it into the types of the API.
// A kind that is not known, and a field that is not, fail the test.
func renderChart(t *testing.T, values string, set ...string) *chartRelease {
	t.Helper()
	args := []string{"template", "r", chartFolder, "--namespace", chartNamespace, "--values", chartValues(values)}
	for _, value := range set {
		args = append(args, "--set", value)
	}
	text, err := chartHelm(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r := &chartRelease{text: text, configMaps: map[string]*corev1.ConfigMap{}}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		r.kinds = append(r.kinds, kind.Kind)
		switch object := object.(type) {
		case *appsv1.Deployment:
			r.deployment = object
		case *corev1.Service:
			r.service = object
		case *corev1.ConfigMap:
			r.configMaps[object.Name] = object
		case *monitoringv1.ServiceMonitor:
			r.serviceMonitor = object
		case *monitoringv1.Probe:
			r.probe = object
		case *monitoringv1.PrometheusRule:
			r.rules = object
		default:
			t.Fatalf("the chart makes a %s", kind)
		}
	}
}

func (r *chartRelease) container(t *testing.T) corev1.Container {
	t.Helper()
	containers := r.deployment.Spec.Template.Spec.Containers
	if len(containers) != 1 {
		t.Fatalf("the Pod has %d containers", len(containers))
	}
	return containers[0]
}

// readChartSource reads a file of the repository.
func readChartSource(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
