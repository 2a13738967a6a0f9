package workspaces

import (
	"context"
	"net/http"
	"net/http/httptest"
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

const token = "a-token-that-must-not-show"

// workspace is the configuration of a simulated workspace behind front.
func workspace(t *testing.T, front func(http.Handler) http.Handler) config.Workspace {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	sim.SetUser("watcher", token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	op := rocketchatsim.SlackOperation(rocketchatsim.StepUserSelection, time.Now())
	sim.SetOperation(op)
	if err := sim.SetSelection(rocketchatsim.Selection{Users: 12}); err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = sim
	if front != nil {
		handler = front(sim)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	url, err := client.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return config.Workspace{
		URL: url, UserID: "watcher", Token: token, Timeout: 10 * time.Second,
		FileData: config.OnChange, FileDataTimeout: time.Minute, HTTP: promconfig.DefaultHTTPClientConfig,
	}
}

func newSet(t *testing.T, configs map[string]config.Workspace) *Set {
	t.Helper()
	set := NewSet("test", log.NewNopLogger())
	t.Cleanup(set.Close)
	if err := set.Apply(configs); err != nil {
		t.Fatal(err)
	}
	return set
}

func scrape(t *testing.T, set *Set, name string) watch.Snapshot {
	t.Helper()
	w, release := set.Use(name)
	defer release()
	if w == nil {
		t.Fatalf("there is no workspace %s", name)
	}
	return w.Scrape(context.Background(), 0)
}

func TestCloseDoesNotWaitForAnAnswer(t *testing.T) {
	arrived := make(chan struct{})
	hung := workspace(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
		})
	})
	hung.Timeout = time.Hour
	set := newSet(t, map[string]config.Workspace{"hung": hung})
	snapshot := make(chan watch.Snapshot)
	go func() { snapshot <- scrape(t, set, "hung") }()
	<-arrived
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		set.Close()
	}()
	if s := <-snapshot; s.Up || len(s.Failures) != 0 {
		t.Errorf("the scrape got %+v", s)
	}
	<-closed
}

func TestWorkspaceThatDidNotChangeKeepsWhatItRemembers(t *testing.T) {
	acme := workspace(t, nil)
	set := newSet(t, map[string]config.Workspace{"acme": acme})
	scrape(t, set, "acme")
	before, release := set.Use("acme")
	release()
	if err := set.Apply(map[string]config.Workspace{"acme": acme, "other": workspace(t, nil)}); err != nil {
		t.Fatal(err)
	}
	after, release := set.Use("acme")
	release()
	if before != after {
		t.Error("the workspace was started anew")
	}
	if names := len(set.All()); names != 2 {
		t.Errorf("there are %d workspaces", names)
	}
}

func TestWorkspaceThatChangedIsStartedAnew(t *testing.T) {
	acme := workspace(t, nil)
	set := newSet(t, map[string]config.Workspace{"acme": acme})
	before, release := set.Use("acme")
	release()
	acme.Timeout = time.Second
	if err := set.Apply(map[string]config.Workspace{"acme": acme}); err != nil {
		t.Fatal(err)
	}
	after, release := set.Use("acme")
	release()
	if before == after || after.Config.Timeout != time.Second {
		t.Errorf("the workspace is still %+v", after.Config)
	}
}

func TestScrapeUnderWayEndsWellThoughItsWorkspaceIsGone(t *testing.T) {
	arrived, released := make(chan struct{}), make(chan struct{})
	acme := workspace(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, rocketchatsim.GetCurrentImportOperation) {
				close(arrived)
				<-released
			}
			next.ServeHTTP(w, r)
		})
	})
	set := newSet(t, map[string]config.Workspace{"acme": acme})
	snapshot := make(chan watch.Snapshot)
	go func() { snapshot <- scrape(t, set, "acme") }()
	<-arrived
	if err := set.Apply(nil); err != nil {
		t.Fatal(err)
	}
	if w, _ := set.Use("acme"); w != nil {
		t.Error("the workspace that is gone is still served")
	}
	close(released)
	if s := <-snapshot; !s.Up || s.Selection == nil {
		t.Errorf("the scrape got %+v", s)
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	acme := workspace(t, nil)
	set := newSet(t, map[string]config.Workspace{"acme": acme})
	broken := workspace(t, nil)
	broken.HTTP.TLSConfig.CAFile = "/gone/ca.pem"
	err := set.Apply(map[string]config.Workspace{"broken": broken, "new": workspace(t, nil)})
	if err == nil || !strings.Contains(err.Error(), "workspace broken: http_config: ") {
		t.Errorf("the error is %v", err)
	}
	if all := set.All(); len(all) != 1 || all[0].Name != "acme" {
		t.Errorf("there are %d workspaces", len(all))
	}
	if s := scrape(t, set, "acme"); !s.Up {
		t.Errorf("a scrape got %+v", s)
	}
}

func TestWorkspaceThatHangsDelaysNoOther(t *testing.T) {
	arrived := make(chan struct{})
	hanging := workspace(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
		})
	})
	set := newSet(t, map[string]config.Workspace{"hanging": hanging, "acme": workspace(t, nil)})
	ctx, hangUp := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w, release := set.Use("hanging")
		defer release()
		w.Scrape(ctx, 0)
	}()
	<-arrived
	if s := scrape(t, set, "acme"); !s.Up { // would never return if it waited
		t.Errorf("a scrape got %+v", s)
	}
	hangUp()
	<-ended
}
