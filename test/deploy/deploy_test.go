// Package deploy tests the files in deploy/ with the programs and libraries that
// read them. Run it with "make deploy-test". It also installs the chart on the cluster of
// DEPLOY_TEST_KUBECONFIG, which has the operator's CRDs, with the Helm of DEPLOY_TEST_HELM or
// the pinned one. Such a cluster is for tests only.
package deploy

import (
	"crypto/tls"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/test/rig"
)

// What the web configuration asks for. The hash is bcrypt's of the password.
const (
	webCredentials  = "prometheus:a-password"
	webPasswordHash = "$2a$04$yQP9tZkvHfA4xLCNZ7Eglum9qLtuMYFNRpcvv/PuJ7is2kTVaSKX6"
)

// TestMain runs the tests in deploy/, so that paths in them begin there. The tests
// accept any certificate, as the kubelet does.
func TestMain(m *testing.M) {
	if err := os.Chdir("../../deploy"); err != nil {
		panic(err)
	}
	http.DefaultTransport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	os.Exit(m.Run())
}

// requireWatching runs the exporter until the test ends, and requires that the pages
// show a usable answer of Rocket.Chat. It returns the exporter's address too.
func requireWatching(t *testing.T, binary string, env, args []string, scheme string, pages ...string) (*process.Process, string) {
	t.Helper()
	address := rig.FreeAddress(t)
	url := scheme + "://" + webCredentials + "@" + address
	exporter := rig.RunExporter(t, url+"/-/ready", env, binary, append(args, "--web.listen-address="+address)...)
	for _, page := range pages {
		require.Contains(t, rig.Get(t, url+page), "\nrocketchat_import_up 1\n")
	}
	return exporter, address
}
