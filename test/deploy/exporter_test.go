package deploy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// What the simulated Rocket.Chat accepts.
const (
	watcherID    = "aobEdbYhXfu5hkeqG"
	watcherToken = "the-watchers-token"
)

// simulatedRocketChat returns the URL of a workspace, which ends with the test.
func simulatedRocketChat(t *testing.T) string {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	sim.SetUser(watcherID, watcherToken, rocketchatsim.RunImport)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server.URL
}

// exporterBinary builds the exporter as its own module pins it.
func exporterBinary(t *testing.T) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", "-C", "..")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// writeToken writes the token that the simulated Rocket.Chat accepts into a file.
func writeToken(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(watcherToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// requireWatching runs the exporter, and requires that its page at the path tells
// of a usable answer, and that it ends well when it is asked to.
func requireWatching(t *testing.T, env []string, binary string, args []string, path string) {
	t.Helper()
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	exporter, err := process.Start("the exporter", env, binary, append(args, "--web.listen-address="+address)...)
	if err != nil {
		t.Fatal(err)
	}
	defer exporter.Stop()
	url := "http://" + address
	if err := exporter.AwaitOK(t.Context(), url+"/-/ready"); err != nil {
		t.Fatal(err)
	}
	if page := getPage(t, url+path); !strings.Contains(page, "\nrocketchat_import_up 1\n") {
		t.Errorf("%s shows\n%s", path, page)
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

func getPage(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
