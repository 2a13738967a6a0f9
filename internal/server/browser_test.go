package server

import (
	"flag"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

var screenshots = flag.String("screenshots", "", "folder to write screenshots of the page to")

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

// TestHomeInABrowser has Chromium read the page of workspaces in all their states.
func TestHomeInABrowser(t *testing.T) {
	r := newRig(t, []string{"acme", "interrupted", "new", "quiet", "ready", "refused"}, nil)
	place := func(name, step string, valid bool, done int) {
		op := rocketchatsim.SlackOperation(step, time.Now())
		total, failed, users, channels, messages := 153400, 12, 3000, 400, 150000
		op.Valid = valid
		op.Count = &rocketchatsim.Count{Total: &total, Completed: &done, Error: &failed, Users: &users, Channels: &channels, Messages: &messages}
		r.sims[name].SetOperation(op)
		if err := r.sims[name].SetSelection(rocketchatsim.Selection{Users: users, Channels: channels, Messages: messages}); err != nil {
			t.Fatal(err)
		}
	}
	place("ready", rocketchatsim.StepUserSelection, true, 0)
	place("interrupted", rocketchatsim.StepImportingUsers, false, 1500)
	place("acme", rocketchatsim.StepUserSelection, true, 0)
	r.do(http.MethodGet, "/probe?target=acme")
	if err := r.sims["acme"].Update(func(op *rocketchatsim.Operation) {
		op.Step = rocketchatsim.StepImportingMessages
		*op.Count.Completed = 61900
	}); err != nil {
		t.Fatal(err)
	}
	r.sims["refused"].SetToken("watcher", "")
	for _, name := range []string{"acme", "interrupted", "new", "ready", "refused"} {
		r.do(http.MethodGet, "/probe?target="+name)
	}

	dom := chromium(t, "--dump-dom", r.url+"/")
	for element, want := range map[string]int{
		"<h1>": 1, "<h2>": 6, "<main>": 1, "<section aria-label=": 6, "<progress max=": 3, `aria-label="Progress of acme"`: 1,
		`<html lang="en">`: 1, `<nav aria-label=`: 1, `name="viewport"`: 1, `role="status"`: 1, "<script": 0,
	} {
		if n := strings.Count(dom, element); n != want {
			t.Errorf("%s is in the page %d times, want %d", element, n, want)
		}
	}
	if *screenshots != "" {
		chromium(t, "--window-size=1000,900", "--screenshot="+*screenshots+"/page.png", r.url+"/")
		chromium(t, "--window-size=360,1400", "--screenshot="+*screenshots+"/phone.png", r.url+"/")
		chromium(t, "--window-size=1000,900", "--blink-settings=preferredColorScheme=0", "--screenshot="+*screenshots+"/dark.png", r.url+"/")
	}
}
