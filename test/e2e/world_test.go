// Package e2e proves the shipped rules, Alertmanager configuration and dashboard
// on the real programs: Prometheus, VictoriaMetrics and Alertmanager, built from
// the pinned modules of this folder, watch the exporter's own binary, which watches
// a simulated Rocket.Chat. Run it with "make e2e"; that builds the programs first.
package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/demo/alertstack"
	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// speed is how many times shorter than shipped a wait is here: a minute of "for"
// is a second of the test.
const speed = 60

// Where things are, seen from this folder.
const (
	root   = "../.."
	bin    = "../bin"
	alerts = root + "/alerts"

	prometheus   = bin + "/prometheus"
	alertmanager = bin + "/alertmanager"
)

// world is all that runs together.
type world struct {
	workspaces      map[string]*workspace
	prometheus      v1.API
	victoriaMetrics v1.API
	alertmanager    string // base URL
	pager           *pager
	// channel is the Rocket.Chat that Alertmanager posts to.
	channel *rocketchatsim.Server
}

// newWorld starts an exporter for each story, lets it begin, and then starts what
// watches them. It ends with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{workspaces: map[string]*workspace{}, channel: rocketchatsim.New(rocketchatsim.Config{RateLimit: -1})}
	exporters := map[string]string{}
	past := ""
	binary := buildExporter(t)
	for name, what := range stories {
		workspace := newWorkspace(t, name, binary, what.server)
		if what.begin != nil {
			what.begin(t, workspace)
		}
		w.workspaces[name], exporters[name] = workspace, workspace.address
		past += workspace.past.String()
	}
	w.channel.SetUser("alertmanager", "its-token")
	channel := httptest.NewServer(w.channel)
	t.Cleanup(channel.Close)
	receiver, url := startPager(t)
	config := alertstack.Config{
		Prometheus: prometheus, Alertmanager: alertmanager, Alerts: withReceiver(t), Dir: t.TempDir(), Speed: speed,
		Exporters: exporters, Webhook: url,
		RocketChat: &alertstack.RocketChat{URL: channel.URL, UserID: "alertmanager", Token: "its-token"},
	}
	openMetrics := filepath.Join(config.Dir, "past")
	require.NoError(t, os.WriteFile(openMetrics, []byte(past+"# EOF\n"), 0o600))
	mustRun(t, exec.Command(bin+"/promtool", "tsdb", "create-blocks-from", "openmetrics", openMetrics, filepath.Join(config.Dir, "prometheus")))
	stack := start(t, config)
	w.pager, w.alertmanager, w.prometheus = receiver, stack.AlertmanagerURL, newClient(t, stack.PrometheusURL)
	w.victoriaMetrics = startVictoriaMetrics(t, config.Dir, past)
	return w
}

// start starts Prometheus and Alertmanager, and ends them with the test.
func start(t *testing.T, config alertstack.Config) *alertstack.Stack {
	t.Helper()
	stack, err := alertstack.Start(t.Context(), config)
	require.NoError(t, err)
	endWithTest(t, "Prometheus", stack.Prometheus)
	endWithTest(t, "Alertmanager", stack.Alertmanager)
	return stack
}

// run starts a program, waits until the URL answers, and ends it with the test.
func run(t *testing.T, url string, env []string, binary string, args ...string) *process.Process {
	t.Helper()
	name := filepath.Base(binary)
	p, err := process.Start(name, env, binary, args...)
	require.NoError(t, err)
	endWithTest(t, name+" of "+url, p)
	require.NoError(t, p.AwaitOK(t.Context(), url))
	return p
}

// endWithTest ends the program with the test, and shows what it wrote if that failed.
func endWithTest(t *testing.T, name string, p *process.Process) {
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, p.Output())
		}
	})
}

// buildExporter builds the exporter as its own module pins it, with the race
// detector in it, and returns the binary.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary, err := process.Build(t.Context(), t.TempDir(), "rocketchat_import_exporter", "-C", root, "-race")
	require.NoError(t, err)
	return binary
}

// runExporter runs an exporter until the test ends. It must end well, and have
// neither logged its token nor had a data race.
func runExporter(t *testing.T, binary, address, page string, env []string, args ...string) *process.Process {
	t.Helper()
	// Without the second that the race detector waits at the end.
	exporter := run(t, "http://"+address+page, append(env, "GORACE=atexit_sleep_ms=0"), binary,
		append(args, "--rocketchat.min-interval=0s", "--web.listen-address="+address)...)
	t.Cleanup(func() {
		exporter.Stop()
		assert.NoError(t, exporter.Err())
		assert.NotContains(t, exporter.Output(), token)
	})
	return exporter
}

// eventually waits until all that check asserts is so. It fails the test with what is
// not so after a minute and a half.
func eventually(t *testing.T, what string, check func(*assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, 90*time.Second, 100*time.Millisecond, "waited for "+what)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := process.FreeAddress("127.0.0.1:0")
	require.NoError(t, err)
	return address
}

// get returns the body of an answer with status 200.
func get(t require.TestingT, url string) []byte {
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return body
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return text
}

// mustRun runs a program that has to succeed.
func mustRun(t *testing.T, command *exec.Cmd) {
	t.Helper()
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}

const (
	userID = "exporter"
	token  = "the-exporters-token"
)

// workspace is a simulated Rocket.Chat, and the exporter that watches it.
type workspace struct {
	name     string
	sim      *rocketchatsim.Server
	clock    clock // of the simulated Rocket.Chat
	url      string
	binary   string
	address  string // of the exporter
	exporter *process.Process
	past     strings.Builder // what it answered, as OpenMetrics
}

// clock is a clock that a test can set back and forward.
type clock struct{ behind atomic.Int64 }

func (c *clock) now() time.Time             { return time.Now().Add(-time.Duration(c.behind.Load())) }
func (c *clock) setBehind(by time.Duration) { c.behind.Store(int64(by)) }

// sample is a line of an exposition with a name, labels and a value.
var sample = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? (\S+)$`)

// newWorkspace starts the exporter of a workspace that has no import.
func newWorkspace(t *testing.T, name, binary string, server rocketchatsim.Config) *workspace {
	t.Helper()
	w := &workspace{name: name, binary: binary, address: freeAddress(t)}
	server.Now = w.clock.now
	w.sim = rocketchatsim.New(server)
	w.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	listener := httptest.NewServer(w.sim)
	t.Cleanup(listener.Close)
	w.url = listener.URL
	w.startExporter(t)
	return w
}

// startExporter starts the exporter, or starts it again.
func (w *workspace) startExporter(t *testing.T) {
	t.Helper()
	w.exporter = runExporter(t, w.binary, w.address, "/metrics", []string{"ROCKETCHAT_AUTH_TOKEN=" + token},
		"--rocketchat.url="+w.url, "--rocketchat.user-id="+userID)
}

// pass moves the clock of the workspace from so long ago until so long ago, and
// records what the exporter answers every half minute. This is the past that
// Prometheus has at its start, so that no test waits for it.
func (w *workspace) pass(t *testing.T, from, until time.Duration) {
	t.Helper()
	for ago := from; ago > until; ago -= 30 * time.Second {
		w.clock.setBehind(ago)
		at := float64(w.clock.now().UnixMilli()) / 1000
		for _, m := range sample.FindAllSubmatch(get(t, "http://"+w.address+"/metrics"), -1) {
			fmt.Fprintf(&w.past, "%s{job=\"rocketchat_import\",instance=%q,%s} %s %.3f\n", m[1], w.name, m[2], m[3], at)
		}
	}
	w.clock.setBehind(until)
}

// readSelection does what an exporter must not: it calls getImportFileData
// whatever the step.
func (w *workspace) readSelection() {
	request := httptest.NewRequest(http.MethodGet, "/api/v1/"+rocketchatsim.GetImportFileData, nil)
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", token)
	w.sim.ServeHTTP(httptest.NewRecorder(), request)
}
