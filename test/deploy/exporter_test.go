package deploy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	webUser         = "prometheus"
	webPassword     = "a-password"
	webPasswordHash = "$2a$04$yQP9tZkvHfA4xLCNZ7Eglum9qLtuMYFNRpcvv/PuJ7is2kTVaSKX6"
)

// simulatedRocketChat serves a workspace below a path until the test ends.
func simulatedRocketChat(t *testing.T, path string, start func(http.Handler) *httptest.Server) *httptest.Server {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest, BasePath: path})
	sim.SetUser(watcherID, watcherToken, rocketchatsim.RunImport)
	server := start(sim)
	t.Cleanup(server.Close)
	return server
}

func exporterBinary(t *testing.T) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", "-C", "..")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// writeFile writes a file that only its owner can read, and its directory.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// requireWatching runs the exporter. It requires that the pages show a usable
// answer of Rocket.Chat, and that the exporter ends well and logs no token.
func requireWatching(t *testing.T, binary string, env, args []string, scheme string, pages ...string) {
	t.Helper()
	address, exporter := startExporter(t, binary, env, args, scheme)
	for _, page := range pages {
		if status, body, err := get(scheme+"://"+address+page, webUser, webPassword); err != nil || !strings.Contains(body, "\nrocketchat_import_up 1\n") {
			t.Errorf("%s shows %d (%v)\n%s", page, status, err, body)
		}
	}
	exporter.Stop()
	if err := exporter.Err(); err != nil {
		t.Error(err)
	}
	if strings.Contains(exporter.Output(), watcherToken) {
		t.Error("the exporter has logged its token")
	}
	if t.Failed() {
		t.Logf("the exporter wrote:\n%s", exporter.Output())
	}
}

// startExporter runs the exporter until the test ends, and waits until it is ready.
func startExporter(t *testing.T, binary string, env, args []string, scheme string) (string, *process.Process) {
	t.Helper()
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	exporter, err := process.Start("the exporter", env, binary, append(args, "--web.listen-address="+address)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exporter.Stop)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		status, _, err := get(scheme+"://"+address+"/-/ready", webUser, webPassword)
		if err == nil && status == http.StatusOK {
			return address, exporter
		}
		select {
		case <-tick.C:
		case <-exporter.Ended():
			t.Fatalf("the exporter ended (%v)\n%s", exporter.Err(), exporter.Output())
		case <-t.Context().Done():
			t.Fatal(status, err)
		}
	}
}

// get reads a page, whatever its certificate is, with a password unless the user is empty.
func get(url, user, password string) (status int, body string, err error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("reading %s: %w", url, err)
	}
	return response.StatusCode, string(content), nil
}
