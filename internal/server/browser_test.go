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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

func TestHomeInABrowser(t *testing.T) {
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	for i, page := range pages(t) {
		url := fmt.Sprintf("%s/%d", web.URL, i)
		mux.Handle(fmt.Sprintf("/%d", i), page)
		if page.target == "/?workspace=acme" {
			dom := chromium(t, "--dump-dom", url)
			for element, want := range map[string]int{
				"<h1>": 1, "<h2": 1, "<main>": 1, "<header>": 1, "<footer": 1, "<section aria-labelledby=": 1, "<table": 1, "<tbody>": 1, `scope="row"`: 10, "<progress": 7,
				`<progress aria-label="Progress of acme"`: 2, `<html lang="en">`: 1, `<nav aria-label=`: 1, `name="viewport"`: 1, "<script": 0,
			} {
				assert.Equal(t, want, strings.Count(dom, element), element)
			}
			if *screenshots != "" {
				chromium(t, "--window-size=1280,1080", "--screenshot="+filepath.Join(*screenshots, "page.png"), url)
			}
		}
		if *screenshots == "" {
			continue
		}
		for size, window := range map[string]string{"wide": "1280,800", "phone": "390,1100"} {
			for color, scheme := range map[string]string{"light": "1", "dark": "0"} {
				file := filepath.Join(*screenshots, fmt.Sprintf("%s, %s, %s.png", page.name, size, color))
				chromium(t, "--window-size="+window, "--blink-settings=preferredColorScheme="+scheme, "--screenshot="+file, url)
			}
		}
	}
}
