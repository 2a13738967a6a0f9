package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestHomeShowsWhatWasSeenAndAsksNothing(t *testing.T) {
	r := newRig(t, []string{"acme", "quiet", "refused"}, nil)
	op := rocketchatsim.SlackOperation(rocketchatsim.StepImportingUsers, time.Now())
	total, completed, failed := 200, 90, 10
	op.Count = &rocketchatsim.Count{Total: &total, Completed: &completed, Error: &failed}
	op.Type = "<script>alert(1)</script>"
	r.sims["acme"].SetOperation(op)
	r.sims["refused"].SetToken("watcher", "another")
	r.do(http.MethodGet, "/probe?target=acme")
	r.do(http.MethodGet, "/probe?target=refused")
	before := r.calls()

	_, header, body := r.do(http.MethodGet, "/")
	for _, want := range []string{
		`aria-label="Workspace acme"`, "importing", "importer_importing_users", `value="50"`, "100 of 200 records handled, 10 of them failed",
		"&lt;script&gt;", "Not scraped yet.", "Cannot be seen now.", "Create a new token", `href="/metrics"`, `href="/probe?target=acme"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not show %q:\n%s", want, body)
		}
	}
	for _, unwanted := range []string{"<script", token} {
		if strings.Contains(body, unwanted) {
			t.Errorf("the page shows %q", unwanted)
		}
	}
	if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
	if r.calls() != before {
		t.Error("opening the page called Rocket.Chat")
	}
}

func TestHomeKeepsTheLastFailure(t *testing.T) {
	r := newRig(t, []string{"acme"}, nil)
	r.sims["acme"].SetToken("watcher", "another")
	r.do(http.MethodGet, "/probe?target=acme")
	r.sims["acme"].SetToken("watcher", token)
	r.do(http.MethodGet, "/probe?target=acme")
	if _, _, body := r.do(http.MethodGet, "/"); strings.Contains(body, "Cannot be seen now.") || !strings.Contains(body, "Last failure, ") {
		t.Errorf("the page shows\n%s", body)
	}
}
