package collector

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestALaterScrapeAllocatesNoMoreThanAnEarlyOne(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	scrape := func() {
		Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil), r.watcher, r.api, nil, log.NewNopLogger())
	}
	testing.AllocsPerRun(20, scrape) // sets up what is set up once, the selection being read among it
	early := testing.AllocsPerRun(50, scrape)
	testing.AllocsPerRun(200, scrape)
	late := testing.AllocsPerRun(50, scrape)
	// The connection's goroutines make the numbers differ by a few.
	if late > early*1.05 {
		t.Errorf("an early scrape allocates %v times, a later one %v times", early, late)
	}
}

func TestAScrapeThatRocketChatIsNotAskedForAllocatesForItsExpositionAlone(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, func(w *config.Workspace) { w.MinInterval = w.Timeout })
	r.place(operation(rocketchatsim.StepImportingUsers))
	r.scrape()
	if n := testing.AllocsPerRun(100, func() { r.scrape() }); n > 20 {
		t.Errorf("a snapshot that is there already takes %v allocations", n)
	}
	if n := r.sim.Requests(rocketchatsim.GetCurrentImportOperation); n != 1 {
		t.Errorf("%d calls were made", n)
	}
}
