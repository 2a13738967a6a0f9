// Package deploy tests the files in deploy/ with the programs and libraries that
// read them. Run it with "make deploy-test".
package deploy

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// What the simulated Rocket.Chat accepts.
const (
	watcherID    = "aobEdbYhXfu5hkeqG"
	watcherToken = "a-token-that-must-not-show"
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

// simulatedRocketChat serves a workspace below a path until the test ends.
func simulatedRocketChat(t *testing.T, path string, start func(http.Handler) *httptest.Server) *httptest.Server {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest, BasePath: path})
	sim.SetUser(watcherID, watcherToken, rocketchatsim.RunImport)
	server := start(sim)
	t.Cleanup(server.Close)
	return server
}

func buildExporter(t *testing.T) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", "-C", "..")
	require.NoError(t, err)
	return binary
}

// requireWatching runs the exporter until the test ends, and requires that the pages
// show a usable answer of Rocket.Chat. It returns the address, and a function that
// ends the exporter and requires that it ends well and has logged no token.
func requireWatching(t *testing.T, binary string, env, args []string, scheme string, pages ...string) (address string, stop func()) {
	t.Helper()
	address, err := process.FreeAddress("127.0.0.1:0")
	require.NoError(t, err)
	exporter, err := process.Start("the exporter", env, binary, append(args, "--web.listen-address="+address)...)
	require.NoError(t, err)
	t.Cleanup(exporter.Stop)
	url := scheme + "://" + webCredentials + "@" + address
	require.NoError(t, exporter.AwaitOK(t.Context(), url+"/-/ready"))
	for _, page := range pages {
		response, err := http.Get(url + page)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), "\nrocketchat_import_up 1\n", exporter.Output())
	}
	return address, func() {
		exporter.Stop()
		assert.NoError(t, exporter.Err(), exporter.Output())
		assert.NotContains(t, exporter.Output(), watcherToken)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// writeFile writes a file that only its owner can read, and its directory.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)))
}
