//go:build image && linux

package imagetest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const userID, token = "watcher", "a-token-that-must-not-show"

// rocketchat is a simulated Rocket.Chat with an import under way, behind TLS.
// Only the authorities that the image holds let a client trust it.
type rocketchat struct {
	*rocketchatsim.Server
	url     string
	arrived chan struct{} // gets a value once there is a call
	release chan struct{} // closed, lets all calls be answered
}

// newRocketChat starts one that holds its answers until they are released.
func newRocketChat(t *testing.T) *rocketchat {
	t.Helper()
	r := &rocketchat{
		Server:  rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest}),
		arrived: make(chan struct{}, 1), release: make(chan struct{}),
	}
	r.SetUser(userID, token, rocketchatsim.RunImport)
	r.Start(rocketchatsim.Slack(), 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		select {
		case r.arrived <- struct{}{}:
		default:
		}
		select {
		case <-r.release:
			r.ServeHTTP(w, req)
		case <-req.Context().Done(): // the exporter is gone
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// flags have the exporter watch it.
func (r *rocketchat) flags() []string {
	return []string{
		"--web.listen-address=127.0.0.1:0",
		"--rocketchat.url=" + r.url, "--rocketchat.user-id=" + userID, "--rocketchat.auth-token-file=" + tokenFile,
	}
}

// tokenOf is a file with the token that its owner alone may read.
func tokenOf(t *testing.T, uid, gid int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, uid, gid); err != nil {
		t.Fatal(err)
	}
	return file
}
