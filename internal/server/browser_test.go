package server

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

var screenshots = flag.String("screenshots", "", "folder to write screenshots of the page to; docs/page.png is one of them")

// chromium runs Debian's Chromium on a page of this machine, and returns what it prints.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: install Debian's package to look at the page in a browser")
	}
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}, args...)
	out, err := exec.CommandContext(t.Context(), binary, args...).Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, out)
	}
	return string(out)
}

// ten are workspaces in many states.
func ten(t *testing.T) map[string]watch.Status {
	const messages = client.Step("importer_importing_messages")
	return map[string]watch.Status{
		"acme":     seenIn(messages, watched(100*time.Second, 76700)),
		"globex":   seenIn(messages, savedBefore(25*time.Minute), watched(40*time.Minute, 61000)),
		"hooli":    seenIn(client.StepDone, notValid, savedBefore(2*time.Hour), counts(153400, 61500, 0), incident(watch.Aborted, 2*time.Hour)),
		"initech":  seenIn(client.StepDone, counts(153400, 153000, 0), savedBefore(12*time.Minute)),
		"soylent":  seenIn("importer_preparing_messages", counts(132900, 0, 0), nothingOf),
		"stark":    seenIn(client.StepUserSelection, selected(3000, 400, 150000)),
		"umbrella": seenIn(messages, failing(tokenRefused(t))),
		"wayne":    {At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true, State: client.StateNone}},
		"wonka":    seenIn(client.StepUserSelection, counts(1, 0, 0), selected(0, 0, 0)),
		"zorg":     {},
	}
}

func nothingOf(s *watch.Status) {
	c := &s.Snapshot.Operation.Counts
	c.Users, c.Channels, c.Messages = client.OptionalCount{}, client.OptionalCount{}, client.OptionalCount{}
}

// pages serves pages of the states: /<name>, of one workspace in each state, and
// /many and /500, which hold the workspaces of ten.
func pages(t *testing.T) (url string, names []string) {
	mux := http.NewServeMux()
	const workspace = "chat.example.com"
	one := Options{Workspace: workspace, TelemetryPath: "/metrics"}
	add := func(name string, o Options, seen map[string]watch.Status, at time.Time) {
		o.Logger = log.NewNopLogger()
		names = append(names, name)
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { s := server{o}; s.write(w, s.page(r, views(seen, at))) })
	}
	for _, state := range states {
		add(strings.NewReplacer(" ", "-", ",", "").Replace(state.name), one, map[string]watch.Status{workspace: state.seen}, now)
	}
	running, refused := ten(t)["acme"], ten(t)["umbrella"]
	add("running", one, map[string]watch.Status{workspace: running}, now)
	add("refused", one, map[string]watch.Status{workspace: refused}, now)
	add("unscraped", one, map[string]watch.Status{workspace: running}, look.Add(6*time.Minute))
	add("many", many, ten(t), now)
	add("many-unscraped", many, ten(t), look.Add(6*time.Minute))
	hundreds := ten(t)
	for i := range 490 {
		hundreds[fmt.Sprintf("tenant-%03d", i)] = seenIn(client.StepDone, savedBefore(time.Duration(i)*time.Hour))
	}
	add("500", many, hundreds, now)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, names
}

func TestHomeInABrowser(t *testing.T) {
	url, names := pages(t)
	dom := chromium(t, "--dump-dom", url+"/many?workspace=acme")
	for element, want := range map[string]int{
		"<h1>": 1, "<h2": 1, "<main>": 1, "<header>": 1, "<footer": 1, "<section aria-labelledby=": 1, "<table": 1, "<tbody>": 1, `scope="row"`: 10, "<progress": 7,
		`<progress aria-label="Progress of acme"`: 2, `<html lang="en">`: 1, `<nav aria-label=`: 1, `name="viewport"`: 1, "<script": 0,
	} {
		if n := strings.Count(dom, element); n != want {
			t.Errorf("%s is in the page %d times, want %d", element, n, want)
		}
	}
	if *screenshots == "" {
		return
	}
	chromium(t, "--window-size=1280,1080", "--screenshot="+filepath.Join(*screenshots, "page.png"), url+"/many?workspace=acme")
	for _, name := range names {
		for look, flags := range map[string][]string{
			"wide-light": {"--window-size=1280,800"}, "wide-dark": {"--window-size=1280,800", "--blink-settings=preferredColorScheme=0"},
			"phone-light": {"--window-size=390,1100"}, "phone-dark": {"--window-size=390,1100", "--blink-settings=preferredColorScheme=0"},
		} {
			file := filepath.Join(*screenshots, name+"-"+look+".png")
			chromium(t, append(flags, "--screenshot="+file, url+"/"+name)...)
		}
	}
}
