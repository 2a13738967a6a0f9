package server

import (
	"flag"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, err, string(out))
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
		"soylent":  seenIn("importer_preparing_messages", totalAlone(132900)),
		"stark":    seenIn(client.StepUserSelection, selected(3000, 400, 150000)),
		"umbrella": seenIn(messages, failing(tokenRefused(t))),
		"wayne":    {At: look, Scraped: look, Snapshot: watch.Snapshot{PositionKnown: true, State: client.StateNone}},
		"wonka":    seenIn(client.StepUserSelection, counts(1, 0, 0), selected(0, 0, 0)),
		"zorg":     {},
	}
}

// pages serves /many, the page of ten workspaces, and the page of one workspace
// in each state. With ?unscraped nobody has scraped them lately.
func pages(t *testing.T) (url string, targets []string) {
	t.Helper()
	all, ofMany := ten(t), ten(t)
	for _, state := range states {
		all[state.name] = state.seen
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, shown, at := server{many}, ofMany, now
		if name := r.URL.Path[1:]; name != "many" {
			s, shown = server{one}, map[string]watch.Status{one.Workspace: all[name]}
		}
		if r.URL.Query().Has("unscraped") {
			at = look.Add(6 * time.Minute)
		}
		s.write(w, s.page(r, views(shown, at)))
	}))
	t.Cleanup(web.Close)
	for name := range all {
		targets = append(targets, neturl.PathEscape(name))
	}
	return web.URL, append(targets, "many", "many?unscraped", "acme?unscraped")
}

func TestHomeInABrowser(t *testing.T) {
	url, targets := pages(t)
	dom := chromium(t, "--dump-dom", url+"/many?workspace=acme")
	for element, want := range map[string]int{
		"<h1>": 1, "<h2": 1, "<main>": 1, "<header>": 1, "<footer": 1, "<section aria-labelledby=": 1, "<table": 1, "<tbody>": 1, `scope="row"`: 10, "<progress": 7,
		`<progress aria-label="Progress of acme"`: 2, `<html lang="en">`: 1, `<nav aria-label=`: 1, `name="viewport"`: 1, "<script": 0,
	} {
		assert.Equal(t, want, strings.Count(dom, element), element)
	}
	if *screenshots == "" {
		return
	}
	chromium(t, "--window-size=1280,1080", "--screenshot="+filepath.Join(*screenshots, "page.png"), url+"/many?workspace=acme")
	for _, target := range targets {
		for size, window := range map[string]string{"wide": "1280,800", "phone": "390,1100"} {
			for color, scheme := range map[string]string{"light": "1", "dark": "0"} {
				file := filepath.Join(*screenshots, strings.Join([]string{target, size, color}, "-")+".png")
				chromium(t, "--window-size="+window, "--blink-settings=preferredColorScheme="+scheme, "--screenshot="+file, url+"/"+target)
			}
		}
	}
}
