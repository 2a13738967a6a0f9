package collector

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an exporter of a simulated Rocket.Chat over a real socket.
type rig struct {
	*simtest.Rig
	t       *testing.T
	watcher *watch.Watcher
	api     *API
}

func newRig(t *testing.T, generation rocketchatsim.Generation, changes ...func(*config.Workspace)) *rig {
	t.Helper()
	r := &rig{Rig: simtest.New(t, generation, changes...), t: t, api: NewAPI()}
	c, err := r.Config.Client("test", r.api.Observe)
	require.NoError(t, err)
	r.watcher = watch.New(context.Background(), c, r.Config, watch.NewMemory(log.NewNopLogger(), time.Hour), r.Clock.Now)
	t.Cleanup(r.watcher.Close)
	return r
}

// scrape takes a snapshot as a scrape without a deadline does.
func (r *rig) scrape() watch.Snapshot { return r.watcher.Scrape(context.Background(), 0) }

// get returns what /metrics answers to a scrape with this header.
func (r *rig) get(header http.Header) string {
	r.t.Helper()
	answer, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header = header
	Serve(answer, req, r.watcher, r.api, nil, log.NewNopLogger())
	require.Equal(r.t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

// series returns the samples of /metrics by series.
func (r *rig) series() map[string]float64 {
	r.t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(r.get(http.Header{})) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			space := strings.LastIndexByte(line, ' ') // a label's value may have others
			value, err := strconv.ParseFloat(line[space+1:], 64)
			require.NoError(r.t, err)
			series[strings.TrimPrefix(line[:space], "rocketchat_import_")] = value
		}
	}
	return series
}
