package workspaces

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// workspace is a workspace that can be watched.
func workspace(t *testing.T) config.Workspace { return simtest.New(t, rocketchatsim.Latest).Config }

// held is a workspace that keeps calls waiting: see [rocketchatsim.Server.Hold].
func held(t *testing.T) (w config.Workspace, arrived <-chan struct{}, release func()) {
	r := simtest.New(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	arrived, release = r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	return r.Config, arrived, release
}

func newSet(t *testing.T, configs map[string]config.Workspace) *Set {
	t.Helper()
	set := NewSet("test", log.NewNopLogger())
	t.Cleanup(set.Close)
	require.NoError(t, set.Apply(configs))
	return set
}

// scrape scrapes a workspace, and returns what it got once that is there.
func scrape(t *testing.T, set *Set, name string) <-chan watch.Snapshot {
	t.Helper()
	got := make(chan watch.Snapshot, 1)
	go func() {
		w, release := set.Use(name)
		defer release()
		if assert.NotNil(t, w) {
			got <- w.Scrape(t.Context(), 0)
		}
	}()
	return got
}

func TestApplyStartsAnewOnlyWhatChanged(t *testing.T) {
	kept, changed := workspace(t), workspace(t)
	set := newSet(t, map[string]config.Workspace{"kept": kept, "changed": changed, "gone": kept})
	before := set.All()
	changed.Timeout = time.Second
	require.NoError(t, set.Apply(map[string]config.Workspace{"kept": kept, "changed": changed, "another": kept}))
	after := set.All() // sorted by name, as before: changed, gone, kept
	require.Len(t, after, 3)
	assert.Equal(t, "another", after[0].Name)
	assert.NotSame(t, before[0], after[1])
	assert.Equal(t, time.Second, after[1].Config.Timeout)
	assert.Same(t, before[2], after[2])
	gone, _ := set.Use("gone")
	assert.Nil(t, gone)

	broken := kept
	broken.HTTP.TLSConfig.CAFile = "/gone/ca.pem"
	err := set.Apply(map[string]config.Workspace{"broken": broken, "new": kept})
	assert.ErrorContains(t, err, "workspace broken: http_config: ")
	assert.Equal(t, after, set.All())
}

func TestScrapeUnderWayEndsWellThoughItsWorkspaceIsGone(t *testing.T) {
	acme, arrived, release := held(t)
	set := newSet(t, map[string]config.Workspace{"acme": acme})
	got := scrape(t, set, "acme")
	<-arrived
	require.NoError(t, set.Apply(nil))
	release()
	s := <-got
	assert.True(t, s.Up)
	assert.NotNil(t, s.Selection)
}

func TestWorkspaceThatHangsDelaysNeitherAnotherNorTheEnd(t *testing.T) {
	hanging, arrived, _ := held(t)
	acme, _, release := held(t)
	release()
	set := newSet(t, map[string]config.Workspace{"hanging": hanging, "acme": acme})
	hung := scrape(t, set, "hanging")
	<-arrived
	assert.True(t, (<-scrape(t, set, "acme")).Up)
	set.Close()
	s := <-hung
	assert.False(t, s.Up)
	assert.Empty(t, s.Failures)
}

func TestWarnings(t *testing.T) {
	for _, test := range []struct {
		url  string
		mode config.Mode
		want string // in the one line of the log; empty if there is none
	}{
		{"http://chat.example", config.OnChange, "over plain http"}, {"http://localhost.example", config.OnChange, "over plain http"},
		{"http://192.0.2.1", config.OnChange, "over plain http"}, {"https://chat.example", config.OnChange, ""},
		{"http://localhost", config.OnChange, ""}, {"http://chat.localhost", config.OnChange, ""},
		{"http://127.0.0.1:3000", config.EachScrape, ""}, {"http://[::1]", config.Never, ""},
		{"https://chat.example", config.Unguarded, "THIS WIPES A RUNNING IMPORT"},
	} {
		var lines strings.Builder
		set := NewSet("test", log.NewLogfmtLogger(&lines))
		t.Cleanup(set.Close)
		u, err := url.Parse(test.url)
		require.NoError(t, err)
		w := workspace(t)
		w.URL, w.FileData = u, test.mode
		require.NoError(t, set.Apply(map[string]config.Workspace{"acme": w}))
		require.NoError(t, set.Apply(map[string]config.Workspace{"acme": w})) // which warns no second time
		assert.Contains(t, lines.String(), test.want)
		assert.Equal(t, test.want != "", strings.Count(lines.String(), "\n") == 1, lines.String())
	}
}
