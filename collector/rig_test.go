package collector

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	promconfig "github.com/prometheus/common/config"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	userID = "watcher"
	token  = "a-token-that-must-not-show"
)

// epoch is when the clock of a rig begins.
var epoch = time.Date(2026, 11, 24, 6, 31, 55, 842e6, time.UTC)

// rig is an exporter of one simulated Rocket.Chat, with real sockets between
// both and the test.
type rig struct {
	t       *testing.T
	sim     *rocketchatsim.Server
	clock   *rocketchatsim.Clock
	watcher *watch.Watcher
	api     *API
	metrics string // URL
}

// newRig returns a rig of a generation with what change makes of the default
// settings. Its user is exempt from the rate limit.
func newRig(t *testing.T, generation rocketchatsim.Generation, change func(*config.Workspace)) *rig {
	t.Helper()
	clock := rocketchatsim.NewClock(epoch)
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, Now: clock.Now})
	sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	r := &rig{t: t, sim: sim, clock: clock, api: NewAPI()}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	url, err := client.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Workspace{
		URL: url, UserID: userID, Token: token, HTTP: promconfig.DefaultHTTPClientConfig,
		FileData: config.OnChange, Timeout: 10 * time.Second, FileDataTimeout: time.Minute,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := cfg.Client("test", r.api.Observe)
	if err != nil {
		t.Fatal(err)
	}
	r.watcher = watch.New(context.Background(), c, cfg, log.NewNopLogger(), clock.Now)
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		Serve(w, req, r.watcher, r.api, nil, log.NewNopLogger())
	}))
	t.Cleanup(func() {
		exporter.Close()
		r.watcher.Close()
		c.Close()
	})
	r.metrics = exporter.URL
	return r
}

func inMode(mode config.Mode) func(*config.Workspace) {
	return func(w *config.Workspace) { w.FileData = mode }
}

// scrape takes a snapshot as a scrape without a deadline does.
func (r *rig) scrape() watch.Snapshot { return r.watcher.Scrape(context.Background(), 0) }

// exposition returns what /metrics shows of the import, except what depends on
// the wall clock.
func (r *rig) exposition() string {
	r.t.Helper()
	resp, err := http.Get(r.metrics)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("/metrics answers %s:\n%s", resp.Status, body)
	}
	http.DefaultClient.CloseIdleConnections()
	var kept strings.Builder
	for line := range strings.Lines(string(body)) {
		if strings.Contains(line, "rocketchat_import_") && !strings.Contains(line, "request_duration") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// series returns the samples of /metrics by series.
func (r *rig) series() map[string]float64 {
	r.t.Helper()
	samples := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(r.exposition()))
	for lines.Scan() {
		if name, value := cutLast(lines.Text()); !strings.HasPrefix(name, "#") {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				r.t.Fatalf("%s: %v", lines.Text(), err)
			}
			samples[strings.TrimPrefix(name, "rocketchat_import_")] = number
		}
	}
	return samples
}

// fileDataRequests is how many calls of getImportFileData have arrived.
func (r *rig) fileDataRequests() int { return r.sim.Requests(rocketchatsim.GetImportFileData) }

// operation is a Slack operation in a step, with counts.
func operation(step string) rocketchatsim.Operation {
	op := rocketchatsim.SlackOperation(step, epoch)
	op.ID = "6b052f5bf6f884453d01b94f"
	op.Count = &rocketchatsim.Count{Total: new(57), Users: new(12), Channels: new(5), Messages: new(40)}
	return op
}

// staged is a selection with some of each flag.
var staged = rocketchatsim.Selection{
	Users: 12, UsersDeleted: 2, UsersBot: 1, UsersEmailTaken: 3, UsersExcluded: 4,
	Channels: 5, ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 1, ChannelsExcluded: 1,
	Messages: 40, Contacts: 6,
}

// place makes op the newest operation, with something staged.
func (r *rig) place(op rocketchatsim.Operation) {
	r.t.Helper()
	r.sim.SetOperation(op)
	if err := r.sim.SetSelection(staged); err != nil {
		r.t.Fatal(err)
	}
}

// update changes the newest operation.
func (r *rig) update(change func(*rocketchatsim.Operation)) {
	r.t.Helper()
	if err := r.sim.Update(change); err != nil {
		r.t.Fatal(err)
	}
}

// cutLast cuts a line at its last space: a label's value may have others.
func cutLast(line string) (series, value string) {
	i := strings.LastIndexByte(line, ' ')
	return line[:i], line[i+1:]
}
