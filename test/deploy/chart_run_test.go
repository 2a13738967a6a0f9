package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// chartSecrets are the Secrets that the values name, by name.
type chartSecrets map[string]map[string]string

// newChartSecrets makes those of all values files. The web configuration under the
// key that is the chart's default has TLS and basic auth or not.
func newChartSecrets(t *testing.T, tls, basicAuth bool) chartSecrets {
	t.Helper()
	certificate, key := newChartCertificate(t)
	return chartSecrets{
		"rocketchat-import": {"token": chartToken, "auth-token": chartToken, "acme": chartToken},
		"globex-token":      {"token": chartToken + "\n"},
		"chat-ca":           {},
		"exporter-tls":      {"tls.crt": certificate, "tls.key": key, "ca.crt": certificate},
		"exporter-scrape":   {"username": "prometheus", "password": "a-password"},
		"exporter-web": {
			"web.yml":        chartWebConfig(t, true, chartDirectory+"/files/exporter-tls/", true),
			"web-config.yml": chartWebConfig(t, tls, "", basicAuth),
			"tls.crt":        certificate, "tls.key": key,
		},
	}
}

// chartWebConfig is a web configuration file, with the certificate of a directory.
func chartWebConfig(t *testing.T, tls bool, directory string, basicAuth bool) string {
	t.Helper()
	var file string
	if tls {
		file = fmt.Sprintf("tls_server_config:\n  cert_file: %[1]stls.crt\n  key_file: %[1]stls.key\n", directory)
	}
	if basicAuth {
		hash, err := bcrypt.GenerateFromPassword([]byte("a-password"), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		file += fmt.Sprintf("basic_auth_users:\n  prometheus: %s\n", hash)
	}
	return file
}

// newChartCertificate is a certificate for the name of the Service, and its key.
func newChartCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{chartName + "." + chartNamespace + ".svc"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return chartPEM("CERTIFICATE", der), chartPEM("PRIVATE KEY", pkcs8)
}

func chartPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// simulateForChart starts the simulated Rocket.Chat that the values need, and
// returns the values that lead to it.
func simulateForChart(t *testing.T, values string, secrets chartSecrets) []string {
	t.Helper()
	simulate := func(path string, start func(http.Handler) *httptest.Server) *httptest.Server {
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest, BasePath: path})
		sim.SetUser(chartUserID, chartToken, rocketchatsim.RunImport)
		server := start(sim)
		t.Cleanup(server.Close)
		return server
	}
	switch values {
	case chartMany:
		// The proxy of globex answers for it, whose host nobody knows.
		acme, globex := simulate("", httptest.NewServer), simulate("/chat", httptest.NewServer)
		return []string{
			"workspaces.acme.url=" + acme.URL, "workspaces.globex.url=http://globex.invalid/chat",
			"workspaces.globex.user_id=" + chartUserID, "workspaces.globex.http_config.proxy_url=" + globex.URL,
		}
	case chartEverything:
		chat := simulate("/chat", httptest.NewTLSServer)
		secrets["chat-ca"]["ca.crt"] = chartPEM("CERTIFICATE", chat.Certificate().Raw)
		return []string{"workspace.url=" + chat.URL + "/chat"}
	default:
		return []string{"workspace.url=" + simulate("", httptest.NewServer).URL}
	}
}

// start runs the exporter with the arguments of the container and its files, all
// of which are in another directory, until both probes find it well. It returns
// where the exporter listens.
func (r *chartRelease) start(t *testing.T, binary string, secrets chartSecrets) (string, *process.Process) {
	t.Helper()
	directory := t.TempDir()
	moved := strings.NewReplacer(chartDirectory, directory)
	r.mount(t, secrets, moved)
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	container := r.container(t)
	var args []string
	for _, arg := range container.Args {
		args = append(args, moved.Replace(arg))
	}
	exporter, err := process.Start("the exporter", nil, binary, append(args, "--web.listen-address="+address)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exporter.Stop)
	for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
		awaitChartProbe(t, exporter, container, probe, address)
	}
	return address, exporter
}

// mount writes the files of the container's volumes, as the kubelet would.
func (r *chartRelease) mount(t *testing.T, secrets chartSecrets, moved *strings.Replacer) {
	t.Helper()
	volumes := map[string]corev1.VolumeSource{}
	for _, volume := range r.deployment.Spec.Template.Spec.Volumes {
		volumes[volume.Name] = volume.VolumeSource
	}
	for _, mount := range r.container(t).VolumeMounts {
		if !strings.HasPrefix(mount.MountPath, chartDirectory+"/") || !mount.ReadOnly {
			t.Errorf("the mount of %s can be written or is elsewhere: %s", mount.Name, mount.MountPath)
		}
		for name, content := range r.volumeFiles(t, volumes[mount.Name], secrets) {
			file := filepath.Join(moved.Replace(mount.MountPath), name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(moved.Replace(content)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// volumeFiles are the files of a volume. With a Secret, a key or a ConfigMap that
// is not there the Pod would not start. The group that reads a Secret is the Pod's.
func (r *chartRelease) volumeFiles(t *testing.T, volume corev1.VolumeSource, secrets chartSecrets) map[string]string {
	t.Helper()
	requireMode := func(mode *int32) {
		if group := r.deployment.Spec.Template.Spec.SecurityContext.FSGroup; mode == nil || *mode != 0o440 || group == nil || *group != 65534 {
			t.Error("others can read a Secret, or the exporter cannot")
		}
	}
	secret := func(name string) map[string]string {
		if secrets[name] == nil {
			t.Fatalf("no value names a Secret %q", name)
		}
		return secrets[name]
	}
	switch {
	case volume.ConfigMap != nil:
		configMap := r.configMaps[volume.ConfigMap.Name]
		if configMap == nil {
			t.Fatalf("the chart makes no ConfigMap %q", volume.ConfigMap.Name)
		}
		return configMap.Data
	case volume.Secret != nil:
		requireMode(volume.Secret.DefaultMode)
		return secret(volume.Secret.SecretName)
	case volume.Projected != nil:
		requireMode(volume.Projected.DefaultMode)
		files := map[string]string{}
		for _, source := range volume.Projected.Sources {
			for _, item := range source.Secret.Items {
				content, ok := secret(source.Secret.Name)[item.Key]
				if !ok {
					t.Fatalf("no value names a key %q of %s", item.Key, source.Secret.Name)
				}
				files[item.Path] = content
			}
		}
		return files
	default:
		t.Fatalf("a volume is of a kind that needs no files: %v", volume)
		return nil
	}
}

// awaitChartProbe probes as the kubelet does, until that succeeds or the exporter ends.
func awaitChartProbe(t *testing.T, exporter *process.Process, container corev1.Container, probe *corev1.Probe, address string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := tryChartProbe(t, container, probe, address)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-exporter.Ended():
			t.Fatalf("the exporter ended (%v)\n%s", exporter.Err(), exporter.Output())
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}

// tryChartProbe probes as the kubelet does, which takes any certificate and has no
// password. An error may be that the exporter is still starting.
func tryChartProbe(t *testing.T, container corev1.Container, probe *corev1.Probe, address string) error {
	t.Helper()
	requirePort := func(port intstr.IntOrString) {
		if len(container.Ports) != 1 || port.String() != container.Ports[0].Name || container.Ports[0].ContainerPort != chartPort {
			t.Fatalf("the probe goes to %s of %v", port.String(), container.Ports)
		}
	}
	if probe.TCPSocket != nil {
		requirePort(probe.TCPSocket.Port)
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	requirePort(probe.HTTPGet.Port)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Get(strings.ToLower(string(probe.HTTPGet.Scheme)) + "://" + address + probe.HTTPGet.Path)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the probe of %s is answered with %s", probe.HTTPGet.Path, response.Status)
	}
	return nil
}
