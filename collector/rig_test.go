package collector

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an exporter of one simulated Rocket.Chat, with real sockets between
// both and the test.
type rig struct {
	*simtest.Workspace
	t       *testing.T
	watcher *watch.Watcher
	api     *API
	metrics string // URL
}

func newRig(t *testing.T, generation rocketchatsim.Generation, changes ...func(*config.Workspace)) *rig {
	t.Helper()
	r := &rig{Workspace: simtest.New(t, generation, changes...), t: t, api: NewAPI()}
	c, err := r.Config.Client("test", r.api.Observe)
	require.NoError(t, err)
	r.watcher = watch.New(context.Background(), c, r.Config, log.NewNopLogger(), r.Clock.Now)
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		Serve(w, req, r.watcher, r.api, nil, log.NewNopLogger())
	}))
	r.metrics = exporter.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		exporter.Close()
		r.watcher.Close()
		c.Close()
	})
	return r
}

// scrape takes a snapshot as a scrape without a deadline does.
func (r *rig) scrape() watch.Snapshot { return r.watcher.Scrape(context.Background(), 0) }

// samples returns the lines of /metrics, except what docs/metrics.md has and
// what depends on the wall clock.
func (r *rig) samples() string {
	r.t.Helper()
	resp, err := http.Get(r.metrics)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, resp.StatusCode)
	var kept strings.Builder
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "rocketchat_import_") && !strings.Contains(line, "request_duration") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// series returns the samples of /metrics by series.
func (r *rig) series() map[string]float64 {
	r.t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(r.samples()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "rocketchat_import_")
		space := strings.LastIndexByte(line, ' ') // a label's value may have others
		value, err := strconv.ParseFloat(line[space+1:], 64)
		require.NoError(r.t, err)
		series[line[:space]] = value
	}
	return series
}
