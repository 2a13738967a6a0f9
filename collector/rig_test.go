package collector

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/config"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	userID = "watcher"
	token  = "a-token-that-must-not-show"
)

// epoch is when the clock of a rig begins.
var epoch = time.Date(2026, 11, 24, 6, 31, 55, 842e6, time.UTC)

// clock is a clock that only a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a workspace that watches a simulated Rocket.Chat over a real socket,
// and a handler that shows it over another.
type rig struct {
	t         *testing.T
	sim       *rocketchatsim.Server
	clock     *clock
	workspace *Workspace
	calls     *Calls
	metrics   string // URL
	log       *logBuffer

	mu     sync.Mutex
	fronts map[string]http.HandlerFunc
}

// newRig returns a rig of a generation with what change makes of the default
// options. Its user is exempt from the rate limit.
func newRig(t *testing.T, generation rocketchatsim.Generation, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{now: epoch}, log: &logBuffer{}, fronts: map[string]http.HandlerFunc{}}
	r.sim = rocketchatsim.New(rocketchatsim.Config{Generation: generation, Now: r.clock.Now})
	r.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)

	options := Options{
		Mode: OnChange, Timeout: 10 * time.Second, FileDataTimeout: time.Minute,
		Logger: log.NewLogfmtLogger(r.log), Now: r.clock.Now,
	}
	if change != nil {
		change(&options)
	}
	r.calls = NewCalls()
	url, err := client.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{
		URL: url, UserID: userID, Token: token, HTTP: config.DefaultHTTPClientConfig, Observe: r.calls.Observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.workspace = NewWorkspace(context.Background(), c, options)
	exporter := httptest.NewServer(Handler(r.workspace, r.calls, nil, options.Logger))
	t.Cleanup(func() {
		exporter.Close()
		r.workspace.Close()
		c.Close()
	})
	r.metrics = exporter.URL
	return r
}

// ServeHTTP hands a request to what stands in front of its endpoint, or to the
// simulated server.
func (r *rig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	endpoint := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	r.mu.Lock()
	front := r.fronts[endpoint]
	r.mu.Unlock()
	if front != nil {
		front(w, req)
		return
	}
	r.sim.ServeHTTP(w, req)
}

// intercept puts front before an endpoint; nil takes it away.
func (r *rig) intercept(endpoint string, front http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fronts[endpoint] = front
}

// hold makes an endpoint wait. It returns a channel that tells of each request
// that arrives, and a function that lets them, and all later ones, go on.
func (r *rig) hold(endpoint string) (arrived <-chan struct{}, release func()) {
	arrivals, released := make(chan struct{}, 100), make(chan struct{})
	r.intercept(endpoint, func(w http.ResponseWriter, req *http.Request) {
		arrivals <- struct{}{}
		select {
		case <-released:
			r.sim.ServeHTTP(w, req)
		case <-req.Context().Done():
		}
	})
	release = sync.OnceFunc(func() { close(released) })
	r.t.Cleanup(release)
	return arrivals, release
}

// scrape takes a snapshot as a scrape without a deadline of its own does.
func (r *rig) scrape() Snapshot { return r.workspace.Scrape(context.Background(), 0) }

// waiting returns once n scrapes wait for the call that is under way.
func (r *rig) waiting(n int) {
	r.until(func() bool { return r.workspace.call != nil && r.workspace.call.waiting == n })
}

// until returns once a condition on the workspace holds.
func (r *rig) until(holds func() bool) {
	for {
		r.workspace.mu.Lock()
		done := holds()
		r.workspace.mu.Unlock()
		if done {
			return
		}
		runtime.Gosched()
	}
}

// exposition returns what /metrics shows of the import, without what depends on
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
		if name, value, _ := strings.Cut(lines.Text(), " "); name != "#" {
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

// logBuffer is a log that a test reads.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// operation is a Slack operation in a step, with counts.
func operation(step string) rocketchatsim.Operation {
	op := rocketchatsim.SlackOperation(step, epoch)
	op.ID = "6b052f5bf6f884453d01b94f"
	op.Count = &rocketchatsim.Count{Total: ptr(57), Users: ptr(12), Channels: ptr(5), Messages: ptr(40)}
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

func ptr[T any](v T) *T { return &v }
