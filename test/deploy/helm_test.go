package deploy

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	require.NoError(t, err)
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
