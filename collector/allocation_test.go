package collector

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestALaterScrapeAllocatesNoMoreThanAnEarlyOne(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	scrape := func() {
		Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil), r.watcher, r.api, nil, log.NewNopLogger())
	}
	testing.AllocsPerRun(20, scrape) // sets up what is set up once, the selection being read among it
	early := testing.AllocsPerRun(50, scrape)
	testing.AllocsPerRun(200, scrape)
	late := testing.AllocsPerRun(50, scrape)
	// The connection's goroutines make the numbers differ by a few.
	assert.LessOrEqual(t, late, early*1.05)
}

func TestAScrapeThatRocketChatIsNotAskedForAllocatesForItsExpositionAlone(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(w *config.Workspace) { w.MinInterval = w.Timeout })
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	r.scrape()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { r.scrape() }), 20.0)
	assert.Equal(t, 1, r.Sim.Requests(rocketchatsim.GetCurrentImportOperation))
}
