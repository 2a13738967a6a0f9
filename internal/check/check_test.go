package check

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

const token = "a-token-that-must-not-show"

func TestRun(t *testing.T) {
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
	t.Cleanup(html.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	nowhere := "http://" + listener.Addr().String()

	total, completed, failed := 153400, 1200, 3
	running := rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now())
	running.Count = &rocketchatsim.Count{Total: &total, Completed: &completed, Error: &failed}
	tests := []struct {
		name    string
		arrange func()
		url     string
		file    string // with the token
		want    string
	}{
		{"well, with no import", func() {}, server.URL, "", `
			Rocket.Chat  was reached
			token        is accepted
			permission   run-import is there
			import       there never was one`},
		{"well, with a running import", func() { sim.SetOperation(running) }, server.URL, "", `
			Rocket.Chat  was reached
			token        is accepted
			permission   run-import is there
			import       slack, state importing (importer_importing_users), 1200 of 153400 records done, 3 failed`},
		{"the token is wrong", func() { sim.SetToken("watcher", "another") }, server.URL, "", `
			Rocket.Chat  was reached
			token        is not accepted
			permission   not found out
			problem      getCurrentImportOperation: HTTP status 401`},
		{"the permission is missing", func() { sim.Revoke("watcher", rocketchatsim.RunImport) }, server.URL, "", `
			Rocket.Chat  was reached
			token        is accepted
			permission   run-import is missing
			problem      getCurrentImportOperation: HTTP status 403`},
		{"the URL leads to a web page", func() {}, html.URL, "", `
			Rocket.Chat  was not reached
			token        not found out
			permission   not found out
			problem      getCurrentImportOperation: HTTP status 200`},
		{"the URL leads nowhere", func() {}, nowhere, "", `
			Rocket.Chat  was not reached
			token        not found out
			permission   not found out
			problem      getCurrentImportOperation: dial tcp`},
		{"the token file is gone", func() {}, server.URL, "/gone/token", `
			Rocket.Chat  not found out
			token        not found out
			permission   not found out
			problem      getCurrentImportOperation: reading the token: stat /gone/token`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim.SetUser("watcher", token, rocketchatsim.RunImport)
			test.arrange()
			url, err := client.ParseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			w := config.Workspace{
				URL: url, UserID: "watcher", Token: token, TokenFile: test.file,
				Timeout: 10 * time.Second, HTTP: promconfig.DefaultHTTPClientConfig,
			}
			result := Run(t.Context(), "acme", w, "test")
			var text strings.Builder
			if err := result.Write(&text); err != nil {
				t.Fatal(err)
			}
			want := "acme (" + test.url + ")\n  " + strings.ReplaceAll(strings.TrimSpace(test.want), "\n\t\t\t", "\n  ")
			if !strings.HasPrefix(text.String(), want) {
				t.Errorf("it tells\n%swant\n%s", &text, want)
			}
			asJSON, err := json.Marshal(result)
			if err != nil {
				t.Fatal(err)
			}
			if result.OK != strings.HasPrefix(test.name, "well") || result.OK == (result.Hint != "") {
				t.Errorf("as JSON it tells %s", asJSON)
			}
			if strings.Contains(text.String()+string(asJSON), token) {
				t.Error("it shows the token")
			}
		})
	}
	if sim.Requests(rocketchatsim.GetImportFileData) != 0 {
		t.Error("the selection was read")
	}
}
