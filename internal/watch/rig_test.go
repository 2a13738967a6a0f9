package watch

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = simtest.Epoch

// rig is a watcher of a simulated Rocket.Chat over a real socket.
type rig struct {
	*Watcher
	*simtest.Rig
	log strings.Builder // guarded by the watcher's lock
}

func newRig(t *testing.T, generation rocketchatsim.Generation, changes ...func(*config.Workspace)) *rig {
	t.Helper()
	r := &rig{Rig: simtest.New(t, generation, changes...)}
	c, err := r.Config.Client("test", nil)
	require.NoError(t, err)
	r.Watcher = New(context.Background(), c, r.Config, NewMemory(log.NewLogfmtLogger(&r.log), time.Hour), r.Clock.Now)
	t.Cleanup(r.Close)
	return r
}

// newRigIn returns a rig of the latest generation whose newest operation is in a step.
func newRigIn(t *testing.T, step string, changes ...func(*config.Workspace)) *rig {
	t.Helper()
	r := newRig(t, rocketchatsim.Latest, changes...)
	r.Place(simtest.Operation(step))
	return r
}

func everySevenSeconds(w *config.Workspace) { w.MinInterval = 7 * time.Second }

// scrapeUntil takes a snapshot as a scrape does that ends when a request arrives.
func (r *rig) scrapeUntil(arrived <-chan struct{}) Snapshot {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		select {
		case <-arrived:
		case <-ctx.Done():
		}
	}()
	defer cancel()
	return r.Scrape(ctx, 0)
}

// scrape takes a snapshot as a scrape without a deadline does.
func (r *rig) scrape() Snapshot { return r.Scrape(context.Background(), 0) }

// waiting returns once n scrapes wait for the call that is under way, or the test has ended.
func (r *rig) waiting(t *testing.T, n int) {
	for done := false; !done && t.Context().Err() == nil; runtime.Gosched() {
		r.mu.Lock()
		done = r.call != nil && r.call.waiting == n
		r.mu.Unlock()
	}
}

// logged returns the log.
func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// users is how many users a snapshot's selection has; -1 if that is not known.
func users(s Snapshot) int64 {
	if s.Selection == nil || !s.Selection.Users.Known {
		return -1
	}
	return s.Selection.Users.Value
}

// brief says the most of what a scrape got, as
// "up=true users=12 failures=[timeout:1] reads=[success:1]".
func brief(s Snapshot) string {
	return strings.ReplaceAll(fmt.Sprintf("up=%t users=%d failures=%v reads=%v", s.Up, users(s), s.Failures, s.Reads), "map", "")
}
