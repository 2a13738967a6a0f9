package workspaces

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	return scrapeWith(t.Context(), t, set, name)
}

func scrapeWith(ctx context.Context, t *testing.T, set *Set, name string) <-chan watch.Snapshot {
	t.Helper()
	got := make(chan watch.Snapshot, 1)
	go func() {
		w, release := set.Use(name)
		defer release()
		if assert.NotNil(t, w) {
			got <- w.Scrape(ctx, 0)
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
	assert.True(t, (<-got).Up)
}

// watched is a workspace whose import is in a step, and the set that watches it.
func watched(t *testing.T, step string, changes ...func(*config.Workspace)) (*simtest.Rig, *Set) {
	r := simtest.New(t, rocketchatsim.Latest, changes...)
	r.Place(simtest.Operation(step))
	return r, newSet(t, map[string]config.Workspace{"acme": r.Config})
}

// change reloads with other settings for the workspace.
func change(t *testing.T, r *simtest.Rig, set *Set, changes ...func(*config.Workspace)) {
	t.Helper()
	for _, change := range changes {
		change(&r.Config)
	}
	require.NoError(t, set.Apply(map[string]config.Workspace{"acme": r.Config}))
}

func in(mode config.Mode) func(*config.Workspace) { return simtest.InMode(mode) }
func hurried(w *config.Workspace)                 { w.Timeout = 9 * time.Second }
func sharing(w *config.Workspace)                 { w.MinInterval = time.Hour }

func TestReadUnderWaySurvivesAReloadWithANewToken(t *testing.T) {
	r, set := watched(t, rocketchatsim.StepUserSelection)
	arrived, release := r.Sim.Hold(rocketchatsim.GetImportFileData)
	for sent := false; !sent; { // a look that is too slow sends nothing
		ctx, hangUp := context.WithCancel(t.Context())
		got := scrapeWith(ctx, t, set, "acme")
		select {
		case <-arrived:
			sent = true
			hangUp()
			<-got
		case <-got:
			hangUp()
		}
	}
	change(t, r, set, func(w *config.Workspace) {
		w.Token, w.TokenFile = "", filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(w.TokenFile, []byte(simtest.Token), 0o600))
	})
	for range 3 {
		assert.Nil(t, (<-scrape(t, set, "acme")).Selection)
	}
	assert.Empty(t, arrived, "the next watcher sends no second one")
	release()
	set.stopping.Wait()
	s := <-scrape(t, set, "acme")
	assert.EqualValues(t, 12, s.Selection.Users.Value)
	assert.EqualValues(t, 1, s.Reads[watch.ReadOK])
	assert.Equal(t, 1, r.Reads())
}

func TestWhatIsKnownBelongsToNameAndURL(t *testing.T) {
	r, set := watched(t, rocketchatsim.StepImportingUsers, in(config.EachScrape))
	<-scrape(t, set, "acme")
	r.Update(func(op *rocketchatsim.Operation) { op.Step = rocketchatsim.StepUserSelection })
	before := set.All()[0].API
	require.NoError(t, set.Apply(nil)) // it is missing from the file for a while
	change(t, r, set, hurried)
	for range 3 {
		assert.EqualValues(t, 1, (<-scrape(t, set, "acme")).Incidents[watch.SetBack])
	}
	assert.Zero(t, r.Reads(), "it was seen running")
	assert.Same(t, before, set.All()[0].API)

	other := simtest.New(t, rocketchatsim.Latest)
	change(t, other, set)
	assert.Empty(t, (<-scrape(t, set, "acme")).Incidents, "another URL is another workspace")
	assert.NotSame(t, before, set.All()[0].API)
}

func TestLogSaysWhichWorkspaceItIsAbout(t *testing.T) {
	var lines strings.Builder
	set := NewSet("test", log.NewLogfmtLogger(&lines))
	t.Cleanup(set.Close)
	require.NoError(t, set.Apply(map[string]config.Workspace{"acme": workspace(t)}))
	<-scrape(t, set, "acme")
	set.Close()
	assert.Contains(t, lines.String(), "workspace=acme")
}

func TestEachCallIsALineOfTheLog(t *testing.T) {
	r := simtest.New(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepImportingUsers))
	var lines strings.Builder
	set := NewSet("test", log.NewLogfmtLogger(&lines))
	t.Cleanup(set.Close)
	require.NoError(t, set.Apply(map[string]config.Workspace{"acme": r.Config}))
	<-scrape(t, set, "acme")
	set.Close()
	assert.Regexp(t, `(?m)^level=debug workspace=acme msg="asked Rocket.Chat" endpoint=getCurrentImportOperation status=200 duration=[\d.]+[mµ]?s bytes=[1-9]\d*$`, lines.String())
}

func TestTheWorkspacesLookByThemselvesOneAfterAnotherUntilTheyAreRemoved(t *testing.T) {
	configs := map[string]config.Workspace{}
	for _, name := range []string{"a", "b", "c", "d"} {
		w := workspace(t)
		w.URL, w.PollInterval = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, 40*time.Second // no server there
		configs[name] = w
	}
	synctest.Test(t, func(t *testing.T) {
		began, looks := time.Now(), map[string][]time.Duration{}
		var mu sync.Mutex
		set := NewSet("test", log.LoggerFunc(func(line ...any) error {
			if i := slices.Index(line, any("asked Rocket.Chat")); i > 0 {
				mu.Lock()
				defer mu.Unlock()
				name := line[slices.Index(line, any("workspace"))+1].(string)
				looks[name] = append(looks[name], time.Since(began))
			}
			return nil
		}))
		defer set.Close()
		require.NoError(t, set.Apply(configs))
		time.Sleep(75 * time.Second)
		delete(configs, "b")
		require.NoError(t, set.Apply(configs))
		time.Sleep(50 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		const s = time.Second
		assert.Equal(t, map[string][]time.Duration{"a": {40 * s, 80 * s, 120 * s}, "b": {50 * s}, "c": {60 * s, 100 * s}, "d": {70 * s, 110 * s}}, looks)
	})
}

func TestSharedAnswerDoesNotSurviveAReload(t *testing.T) {
	r, set := watched(t, rocketchatsim.StepImportingUsers, sharing, func(w *config.Workspace) { w.Token = "wrong" })
	assert.False(t, (<-scrape(t, set, "acme")).Up)
	change(t, r, set, func(w *config.Workspace) { w.Token = simtest.Token })
	assert.True(t, (<-scrape(t, set, "acme")).Up, "a corrected token counts at once")
	r.Sim.SetToken(simtest.UserID, "another")
	assert.True(t, (<-scrape(t, set, "acme")).Up, "it shares the answer")
	change(t, r, set)
	assert.False(t, (<-scrape(t, set, "acme")).Up, "the same settings ask again, too")
}

func TestModeOfAReloadCountsForALookUnderWay(t *testing.T) {
	r, set := watched(t, rocketchatsim.StepUserSelection, in(config.EachScrape))
	arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	got := scrape(t, set, "acme")
	<-arrived
	change(t, r, set, in(config.Never))
	release()
	s := <-got
	assert.True(t, s.Up)
	assert.Zero(t, r.Reads())
	assert.Empty(t, s.Reads, "nothing was wanted")
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
