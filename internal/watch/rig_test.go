package watch

import (
	"bytes"
	"context"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	promconfig "github.com/prometheus/common/config"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	userID = "watcher"
	token  = "a-token-that-must-not-show"
)

// epoch is when the clock of a rig begins.
var epoch = time.Date(2026, 11, 24, 6, 31, 55, 842e6, time.UTC)

// rig is a watcher of a simulated Rocket.Chat over a real socket.
type rig struct {
	*Watcher
	t     *testing.T
	sim   *rocketchatsim.Server
	clock *rocketchatsim.Clock
	log   *logBuffer
}

// newRig returns a rig of a generation with what change makes of the default
// settings. Its user is exempt from the rate limit.
func newRig(t *testing.T, generation rocketchatsim.Generation, change func(*config.Workspace)) *rig {
	t.Helper()
	clock := rocketchatsim.NewClock(epoch)
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, Now: clock.Now})
	sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	r := &rig{t: t, sim: sim, clock: clock, log: &logBuffer{}}
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
	c, err := cfg.Client("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Watcher = New(context.Background(), c, cfg, log.NewLogfmtLogger(r.log), clock.Now)
	t.Cleanup(func() {
		r.Close()
		c.Close()
	})
	return r
}

func inMode(mode config.Mode) func(*config.Workspace) {
	return func(w *config.Workspace) { w.FileData = mode }
}

func everySevenSeconds(w *config.Workspace) { w.MinInterval = 7 * time.Second }

// hold is Server.Hold that ends with the test.
func (r *rig) hold(endpoint string) (arrived <-chan struct{}, release func()) {
	arrived, release = r.sim.Hold(endpoint)
	r.t.Cleanup(release)
	return arrived, release
}

// scrape takes a snapshot as a scrape without a deadline does.
func (r *rig) scrape() Snapshot { return r.Scrape(context.Background(), 0) }

// waiting returns once n scrapes wait for the call that is under way.
func (r *rig) waiting(n int) {
	r.until(func() bool { return r.call != nil && r.call.waiting == n })
}

// idle returns once no selection is being read.
func (r *rig) idle() { r.until(func() bool { return !r.reader.inFlight }) }

// until returns once a condition on the watcher holds, or the test has ended.
func (r *rig) until(holds func() bool) {
	for r.t.Context().Err() == nil {
		r.mu.Lock()
		done := holds()
		r.mu.Unlock()
		if done {
			return
		}
		runtime.Gosched()
	}
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

// users is how many users a snapshot's selection has; -1 if that is not known.
func users(s Snapshot) int64 {
	if s.Selection == nil || !s.Selection.Users.Known {
		return -1
	}
	return s.Selection.Users.Value
}
