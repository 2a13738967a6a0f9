// Package e2e proves the shipped rules, Alertmanager configuration and dashboard
// on the real programs: Prometheus, VictoriaMetrics and Alertmanager, built from
// the pinned modules of this folder, watch the exporter's own binary, which watches
// a simulated Rocket.Chat. Run it with "make e2e"; that builds the programs first.
package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/alertstack"
	"rocketchat_import_exporter/test/rig"
)

// speed is how many times shorter than shipped a wait is here: a minute of "for"
// is a second of the test.
const speed = 60

// Where things are, seen from this folder.
const (
	root   = "../.."
	bin    = "../bin"
	alerts = root + "/alerts"
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
	binary := rig.BuildExporter(t, root, "-race")
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
	config := alertstack.Config{
		Alerts: withReceiver(t), Dir: t.TempDir(), Exporters: exporters,
		RocketChat: &alertstack.RocketChat{URL: channel.URL, UserID: "alertmanager", Token: "its-token"},
	}
	rig.WriteFile(t, config.Dir+"/past", past+"# EOF\n")
	rig.Output(t, exec.Command(bin+"/promtool", "tsdb", "create-blocks-from", "openmetrics", config.Dir+"/past", config.Dir+"/prometheus"))
	w.prometheus, w.alertmanager, w.pager = start(t, config)
	w.victoriaMetrics = startVictoriaMetrics(t, config.Dir, past)
	return w
}

// runExporter runs an exporter with the race detector until the test ends.
func runExporter(t *testing.T, binary, address string, env []string, args ...string) *process.Process {
	t.Helper()
	// Without the second that the race detector waits at the end.
	return rig.RunExporter(t, "http://"+address+"/-/ready", append(env, "GORACE=atexit_sleep_ms=0"), binary,
		append(args, "--rocketchat.min-interval=0s", "--web.listen-address="+address)...)
}

// eventually waits until all that check asserts is so. It fails the test with what is
// not so after a minute and a half.
func eventually(t *testing.T, what string, check func(*assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, 90*time.Second, 100*time.Millisecond, "waited for "+what)
}

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

// sample is a line with a name, labels or none, and a value or several.
var sample = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? (.+)$`)

// newWorkspace starts the exporter of a workspace that has no import.
func newWorkspace(t *testing.T, name, binary string, server rocketchatsim.Config) *workspace {
	t.Helper()
	w := &workspace{name: name, binary: binary, address: rig.FreeAddress(t)}
	server.Now = w.clock.now
	w.sim = rocketchatsim.New(server)
	w.sim.SetUser(rig.UserID, rig.Token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	listener := httptest.NewServer(w.sim)
	t.Cleanup(listener.Close)
	w.url = listener.URL
	w.startExporter(t)
	return w
}

// startExporter starts the exporter, or starts it again.
func (w *workspace) startExporter(t *testing.T) {
	t.Helper()
	w.exporter = runExporter(t, w.binary, w.address, []string{"ROCKETCHAT_AUTH_TOKEN=" + rig.Token},
		"--rocketchat.url="+w.url, "--rocketchat.user-id="+rig.UserID)
}

// pass moves the clock of the workspace from so long ago until so long ago, and
// records what the exporter answers every half minute. This is the past that
// Prometheus has at its start, so that no test waits for it.
func (w *workspace) pass(t *testing.T, from, until time.Duration) {
	t.Helper()
	for ago := from; ago > until; ago -= 30 * time.Second {
		w.clock.setBehind(ago)
		at := float64(w.clock.now().UnixMilli()) / 1000
		for _, m := range sample.FindAllStringSubmatch(rig.Get(t, "http://"+w.address+"/metrics"), -1) {
			fmt.Fprintf(&w.past, "%s{job=\"rocketchat_import\",instance=%q,%s} %s %.3f\n", m[1], w.name, m[2], m[3], at)
		}
	}
	w.clock.setBehind(until)
}

// readSelection does what an exporter must not: it calls getImportFileData whatever the step.
func (w *workspace) readSelection() {
	request := httptest.NewRequest(http.MethodGet, "/api/v1/"+rocketchatsim.GetImportFileData, nil)
	request.Header.Set("X-User-Id", rig.UserID)
	request.Header.Set("X-Auth-Token", rig.Token)
	w.sim.ServeHTTP(httptest.NewRecorder(), request)
}
