package deploy

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

const chart = "kubernetes"

// helmBinary builds Helm as tools/helm/go.mod pins it, once.
var helmBinary = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-modfile=../tools/helm/go.mod", "-n", "helm")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	return strings.TrimSpace(string(path)), err
})

// helm returns what Helm writes, with its warnings only if it fails. It knows
// nothing of this machine.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	binary, err := helmBinary()
	if err != nil {
		t.Fatalf("building Helm: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return string(out), err
}

// values is a values file of the chart's folder ci.
func values(name string) string { return filepath.Join(chart, "ci", name+"-values.yaml") }

// everyValuesFile runs a test for each values file of the chart's folder ci.
func everyValuesFile(t *testing.T, test func(t *testing.T, name string)) {
	files, err := filepath.Glob(values("*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "-values.yaml")
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// release is what the chart makes of values.
type release struct {
	text    string
	objects []runtime.Object
}

// render renders the chart and decodes every object into its type of the API.
// An unknown kind or field fails the test.
func render(t *testing.T, name string, set ...string) release {
	t.Helper()
	args := []string{"template", "r", chart, "--namespace=monitoring", "--values=" + values(name)}
	for _, value := range set {
		args = append(args, "--set="+value)
	}
	text, err := helm(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return decode(t, text)
}

func decode(t *testing.T, text string) release {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	r := release{text: text}
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		r.objects = append(r.objects, object)
	}
}

// all are the objects of a type.
func all[T runtime.Object](r release) (objects []T) {
	for _, object := range r.objects {
		if object, ok := object.(T); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// one is the only object of a type.
func one[T runtime.Object](t *testing.T, r release) T {
	t.Helper()
	objects := all[T](r)
	if len(objects) != 1 {
		t.Fatalf("the chart makes %d of %T", len(objects), objects)
	}
	return objects[0]
}

func (r release) pod(t *testing.T) corev1.PodTemplateSpec {
	t.Helper()
	return one[*appsv1.Deployment](t, r).Spec.Template
}

// configMap is the ConfigMap of a name.
func (r release) configMap(t *testing.T, name string) *corev1.ConfigMap {
	t.Helper()
	maps := all[*corev1.ConfigMap](r)
	i := slices.IndexFunc(maps, func(c *corev1.ConfigMap) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("the chart makes no ConfigMap %q", name)
	}
	return maps[i]
}
