package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// The groups of the shipped alertmanager.yml.
var (
	ofWorkspace   = func(name string) map[string]string { return map[string]string{"instance": name} }
	exportersDown = map[string]string{"alertname": "RocketChatImportExporterDown", "job": "rocketchat_import"}
)

func TestEachCauseIsOnePage(t *testing.T) {
	w := newWorld(t)
	requireHealthyRules(t, w.prometheus)
	t.Run("imports", func(t *testing.T) {
		t.Run("of chat stall, are interrupted and are refused", func(t *testing.T) {
			t.Parallel()
			w.playChat(t)
		})
		t.Run("of support are set back by another program", func(t *testing.T) {
			t.Parallel()
			w.playSupport(t)
		})
	})
	t.Run("an exporter is down", w.playExporterDown)
	if !t.Failed() {
		w.requireNothingElse(t)
	}
}

// playChat goes through preparation, selection, running, a stall, recovery and
// done, then through an interrupted import, and then an authentication failure.
func (w *world) playChat(t *testing.T) {
	lookAtDashboard(t, w.prometheus, "before any import") // no query may fail

	slack := slackInActs(t, 120)
	slack.begin(w.chat, 4)
	awaitData(t, w.prometheus, `rocketchat_import_waiting{instance="chat"} == 1`)
	awaitData(t, w.prometheus, `rocketchat_import_users{instance="chat"} == 3000`)
	lookAtDashboard(t, w.prometheus, whileReady)

	slack.goOn(t, w.chat, slack.running, 4)
	awaitData(t, w.prometheus, `rocketchat_import:remaining:seconds{instance="chat"} > 0`)
	lookAtDashboard(t, w.prometheus, whileRunning)

	stalled := w.awaitFiring(t, "RocketChatImportStalled", "critical", w.chat)
	requireDescription(t, stalled, "Step importer_importing_messages. 78388 of 153400 records done, 12 failed.")
	w.requireNotBefore(t, stalled, 15*time.Minute)
	lookAtDashboard(t, w.prometheus, whileStalled)
	slack.goOn(t, w.chat, slack.ending, 10)
	w.awaitResolved(t, stalled, w.chat)
	awaitData(t, w.prometheus, `rocketchat_import_state{instance="chat",state="done"} == 1`)

	w.chat.sim.Start(rocketchatsim.Restart(), 12)
	interrupted := w.awaitFiring(t, "RocketChatImportInterrupted", "critical", w.chat)
	w.chat.sim.Start(rocketchatsim.Slack(), 12)
	w.awaitResolved(t, interrupted, w.chat)
	awaitData(t, w.prometheus, `rocketchat_import_state{instance="chat",state="done"} == 1`)

	w.chat.sim.SetToken(userID, "")
	refused := w.awaitFiring(t, "RocketChatImportAuthFailure", "critical", w.chat)
	requireDescription(t, refused, "expired or revoked (unauthorized)")
	lookAtDashboard(t, w.prometheus, whileRefused)
	w.chat.sim.SetToken(userID, token)
	w.awaitResolved(t, refused, w.chat)

	if n := w.chat.sim.Destructive(); n != 0 {
		t.Errorf("%d calls of the exporter harmed an import", n)
	}
}

// playSupport has another program set a running import back, which then stands
// still as well: that is the same cause, and no second page.
func (w *world) playSupport(t *testing.T) {
	slack := slackInActs(t, 0)
	slack.begin(w.support, 10)
	awaitData(t, w.prometheus, `rocketchat_import_users{instance="support"} == 3000`)
	slack.goOn(t, w.support, slack.running, 4)
	// In a step that goes on for seconds: where another follows at once, the running
	// import sets that before a scrape has seen that it was set back.
	awaitData(t, w.prometheus, `rocketchat_import_step{instance="support",step="importer_importing_users"} == 1`)
	awaitData(t, w.prometheus, `rocketchat_import:operation_running:timestamp_seconds{instance="support"}`)
	w.support.readSelection(t)
	disturbed := w.awaitFiring(t, "RocketChatImportDisturbed", "critical", w.support)

	w.awaitInhibited(t, "RocketChatImportStalled", w.support, disturbed)
	slack.goOn(t, w.support, slack.ending, 10)
	w.awaitGone(t, "RocketChatImportStalled", w.support)
	w.awaitResolved(t, disturbed, w.support)

	if n := w.support.sim.Destructive(); n != 1 {
		t.Errorf("%d calls harmed an import, and the other program made 1", n)
	}
}

// playExporterDown comes last: an exporter that started again knows no selection.
func (w *world) playExporterDown(t *testing.T) {
	w.support.stopExporter(t)
	down := w.awaitFiring(t, "RocketChatImportExporterDown", "warning", w.support)
	w.support.startExporter(t)
	w.awaitResolved(t, down, w.support)
}

// requireNothingElse requires that what was sent and what fired is what this test
// waited for, and each once.
func (w *world) requireNothingElse(t *testing.T) {
	t.Helper()
	requireLines(t, "notifications about chat", w.pager.lines(ofWorkspace("chat")), []string{
		"pager: firing RocketChatImportStalled chat",
		"pager: resolved RocketChatImportStalled chat",
		"pager: firing RocketChatImportInterrupted chat",
		"pager: resolved RocketChatImportInterrupted chat",
		"pager: firing RocketChatImportAuthFailure chat",
		"pager: resolved RocketChatImportAuthFailure chat",
	})
	requireLines(t, "notifications about support", w.pager.lines(ofWorkspace("support")), []string{
		"pager: firing RocketChatImportDisturbed support",
		"pager: resolved RocketChatImportDisturbed support",
	})
	requireLines(t, "notifications about exporters", w.pager.lines(exportersDown), []string{
		"tickets: firing RocketChatImportExporterDown support",
		"tickets: resolved RocketChatImportExporterDown support",
	})
	requireLines(t, "groups", w.pager.groups(), sorted(labelText(ofWorkspace("chat")), labelText(ofWorkspace("support")), labelText(exportersDown)))
	requireLines(t, "alerts", firedAlerts(t, w.prometheus), sorted(
		labelText(labelsOf("RocketChatImportStalled", "critical", "chat")),
		labelText(labelsOf("RocketChatImportInterrupted", "critical", "chat")),
		labelText(labelsOf("RocketChatImportAuthFailure", "critical", "chat")),
		labelText(labelsOf("RocketChatImportDisturbed", "critical", "support")),
		labelText(labelsOf("RocketChatImportStalled", "critical", "support")),
		labelText(labelsOf("RocketChatImportExporterDown", "warning", "support")),
	))
}

// awaitFiring waits until Alertmanager has the alert, with these labels and no
// others, and has told somebody.
func (w *world) awaitFiring(t *testing.T, name, severity string, of *workspace) alert {
	t.Helper()
	var fired alert
	eventually(t, name+" to fire", func() (err error) {
		fired, err = w.onlyAlert(t, name, of)
		if err == nil && fired.Status.State != "active" {
			err = fmt.Errorf("it is %s", fired.Status.State)
		}
		return err
	})
	if got, want := labelText(fired.Labels), labelText(labelsOf(name, severity, of.name)); got != want {
		t.Fatalf("the labels are %s, want %s", got, want)
	}
	if !strings.HasSuffix(fired.Annotations["runbook_url"], "#"+strings.ToLower(name)) {
		t.Errorf("the runbook of %s is %s", name, fired.Annotations["runbook_url"])
	}
	for key, text := range fired.Annotations {
		if text == "" || strings.Contains(text, "error expanding template") {
			t.Errorf("the %s of %s is %q", key, name, text)
		}
	}
	eventually(t, "a notification of "+name, func() error { return w.requireTold(fired, "firing") })
	return fired
}

// awaitResolved waits until Alertmanager has told that this very alert is over.
func (w *world) awaitResolved(t *testing.T, a alert, of *workspace) {
	t.Helper()
	eventually(t, "a notification that "+a.Labels["alertname"]+" is over", func() error { return w.requireTold(a, "resolved") })
	w.awaitGone(t, a.Labels["alertname"], of)
}

// awaitInhibited waits until Alertmanager has the alert and mutes it because of
// the other.
func (w *world) awaitInhibited(t *testing.T, name string, of *workspace, by alert) {
	t.Helper()
	eventually(t, name+" to be inhibited", func() error {
		a, err := w.onlyAlert(t, name, of)
		if err == nil && !slices.Contains(a.Status.InhibitedBy, by.Fingerprint) {
			err = fmt.Errorf("it is %s, inhibited by %v", a.Status.State, a.Status.InhibitedBy)
		}
		return err
	})
}

func (w *world) awaitGone(t *testing.T, name string, of *workspace) {
	t.Helper()
	eventually(t, name+" to be gone", func() error {
		alerts, err := alertsOf(t, w.alertmanager, name, of.name)
		if err == nil && len(alerts) > 0 {
			err = fmt.Errorf("there are %d", len(alerts))
		}
		return err
	})
}

func (w *world) onlyAlert(t *testing.T, name string, of *workspace) (alert, error) {
	t.Helper()
	alerts, err := alertsOf(t, w.alertmanager, name, of.name)
	if err != nil {
		return alert{}, err
	}
	if len(alerts) != 1 {
		return alert{}, fmt.Errorf("there are %d", len(alerts))
	}
	return alerts[0], nil
}

func (w *world) requireTold(a alert, status string) error {
	if !w.pager.told(a, status) {
		return fmt.Errorf("none of %s was sent", a.identity())
	}
	return nil
}

// requireNotBefore requires that the alert began that long, by the shipped rules,
// after the import last moved.
func (w *world) requireNotBefore(t *testing.T, a alert, wait time.Duration) {
	t.Helper()
	operation, _ := w.chat.sim.Operation()
	if stood := a.StartsAt.Sub(operation.Updated); stood < wait/speed {
		t.Errorf("%s began %s after the last movement, want at least %s", a.Labels["alertname"], stood, wait/speed)
	} else {
		t.Logf("%s began %s after the last movement, which stands for %s", a.Labels["alertname"], stood, stood*speed)
	}
}

func requireDescription(t *testing.T, a alert, part string) {
	t.Helper()
	if !strings.Contains(a.Annotations["description"], part) {
		t.Errorf("the description is %q, want %q in it", a.Annotations["description"], part)
	}
}

func requireLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func labelsOf(name, severity, workspace string) map[string]string {
	return map[string]string{"alertname": name, "severity": severity, "job": "rocketchat_import", "instance": workspace}
}

func sorted(lines ...string) []string {
	slices.Sort(lines)
	return lines
}
