package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

// story is what happens to one workspace, and who is told of it.
type story struct {
	server sim.Config
	// alert is the one that fires; "" where there is none.
	alert, severity string
	labels          map[string]string // of the alert, beside the usual ones
	// begin happens before Prometheus starts, cause once it has scraped the
	// exporter; either may be nil.
	begin, cause func(*testing.T, *workspace)
	// over ends the cause; nil where the alert goes on for an hour or a day.
	over func(*testing.T, *workspace)
	// mutes is an alert that has the same cause, and its severity.
	mutes, mutesSeverity string
	// harms is how many calls harm the import.
	harms int
}

// The workspaces that are told nothing of.
const (
	quiet   = "quiet"   // has no import
	running = "running" // has one that has been running for 13 minutes
	early   = "early"   // is a 3.0 with an import that has just been prepared
)

// stories are by the name of the workspace.
var stories = map[string]story{
	quiet: {},
	running: {
		// The user is not exempt from the limit: an exempt one is not told what is left.
		server: sim.Config{RateLimit: 1_000_000},
		begin: func(t *testing.T, w *workspace) {
			const ago = 1400 * time.Second
			w.sim.Revoke(userID, sim.BypassRateLimit)
			w.clock.setBehind(ago)
			content := sim.Content{Users: 3_000, Channels: 399, Direct: 1, Messages: 150_000, Skipped: 261, Contacts: 120}
			w.sim.Start(sim.SlackImport(content), 0.1)
			w.pass(t, ago, 0)
		},
	},
	early: {
		server: sim.Config{Generation: sim.Early3},
		begin:  func(_ *testing.T, w *workspace) { w.place(sim.StepPreparingMessages, 0, sim.Count{}) },
		cause: func(t *testing.T, w *workspace) {
			if err := w.sim.SetSelection(sim.Selection{Users: 30, UsersEmailTaken: 2, UsersExcluded: 3}); err != nil {
				t.Fatal(err)
			}
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepUserSelection })
		},
	},
	"stalled": {
		alert: "RocketChatImportStalled", severity: "critical",
		begin: func(_ *testing.T, w *workspace) {
			w.place(sim.StepImportingMessages, nearlyStalled, sim.Count{Total: new(153_400), Completed: new(78_400)})
		},
		over: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Count.Completed = new(78_900) })
		},
	},
	"preparing": {
		alert: "RocketChatImportPreparationStalled", severity: "warning",
		begin: func(_ *testing.T, w *workspace) { w.place(sim.StepPreparingMessages, 31*time.Minute, sim.Count{}) },
		over: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepUserSelection })
		},
	},
	"interrupted": {
		alert: "RocketChatImportInterrupted", severity: "critical",
		begin: func(_ *testing.T, w *workspace) { w.place(sim.StepImportingUsers, 0, sim.Count{}) },
		cause: func(_ *testing.T, w *workspace) { w.sim.Restart() },
		over:  importAnew,
	},
	"aborted": {
		alert: "RocketChatImportAborted", severity: "critical", labels: map[string]string{"kind": "aborted"},
		begin: func(t *testing.T, w *workspace) {
			w.clock.setBehind(3 * time.Minute)
			w.sim.Start(sim.Script{Operation: sim.SlackOperation(sim.StepImportingUsers, time.Time{}), Phases: []sim.Phase{
				{Kind: sim.Users, Imported: 6_000, Duration: time.Hour},
				{Step: sim.StepFinishing},
				{Step: sim.StepDone},
			}}, 1)
			w.pass(t, 3*time.Minute, 0)
		},
		cause: func(_ *testing.T, w *workspace) {
			w.sim.StartSecondInstance()
			w.clock.setBehind(-10 * time.Minute) // past the next save, and the steps that are left
		},
	},
	"disturbed": {
		alert: "RocketChatImportDisturbed", severity: "critical", labels: map[string]string{"kind": "set_back"},
		// It was running 45 minutes ago, was set back a minute later, and has not
		// been saved since it went on to its channels.
		begin: func(t *testing.T, w *workspace) {
			w.clock.setBehind(45 * time.Minute)
			w.sim.Start(sim.Script{Operation: sim.SlackOperation(sim.StepImportingUsers, time.Time{}), Phases: []sim.Phase{
				{Step: sim.StepImportingUsers, Duration: 45*time.Minute - nearlyStalled},
				{Step: sim.StepImportingChannels},
			}}, 1)
			w.pass(t, 45*time.Minute, 44*time.Minute)
			w.readSelection(t)
			w.pass(t, 44*time.Minute, 0)
		},
		mutes: "RocketChatImportStalled", mutesSeverity: "critical",
		harms: 1,
	},
	"failed": {
		alert: "RocketChatImportFailed", severity: "critical",
		begin: func(_ *testing.T, w *workspace) { w.place(sim.StepImportingUsers, 0, sim.Count{}) },
		cause: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepImportFailed })
		},
		over: importAnew,
	},
	"failing": {
		alert: "RocketChatImportRecordsFailing", severity: "warning",
		begin: func(_ *testing.T, w *workspace) {
			w.place(sim.StepImportingUsers, 0, sim.Count{Total: new(1000), Completed: new(370), Error: new(30)})
		},
		over: importAnew,
	},
	"waiting": {
		alert: "RocketChatImportAwaitingStart", severity: "info",
		begin: func(t *testing.T, w *workspace) {
			w.place(sim.StepPreparingMessages, 25*time.Hour, sim.Count{})
			w.change(t, func(*sim.Operation) {}) // it is old, and was saved just now
		},
		cause: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepUserSelection })
		},
		over: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepImportingStarted })
		},
	},
	"finished": {
		alert: "RocketChatImportFinished", severity: "info",
		begin: func(_ *testing.T, w *workspace) { w.place(sim.StepFinishing, 0, sim.Count{}) },
		cause: func(t *testing.T, w *workspace) {
			w.change(t, func(o *sim.Operation) { o.Step = sim.StepDone })
		},
		over: func(t *testing.T, w *workspace) {
			if err := w.sim.Backdate(15 * time.Minute); err != nil {
				t.Fatal(err)
			}
		},
	},
	"refused": {
		alert: "RocketChatImportAuthFailure", severity: "critical", labels: map[string]string{"reason": "unauthorized"},
		cause: func(_ *testing.T, w *workspace) { w.sim.SetToken(userID, "") },
		over:  func(_ *testing.T, w *workspace) { w.sim.SetToken(userID, token) },
		mutes: "RocketChatImportScrapeFailing", mutesSeverity: "warning",
	},
	"unreachable": {
		alert: "RocketChatImportScrapeFailing", severity: "warning",
		cause: func(_ *testing.T, w *workspace) { w.sim.AnswerWith(new(sim.Fronts()["502 page"])) },
		over:  func(_ *testing.T, w *workspace) { w.sim.AnswerWith(nil) },
	},
	"limited": {
		alert: "RocketChatImportRateLimited", severity: "warning", labels: map[string]string{"reason": "rate_limited"},
		cause: func(_ *testing.T, w *workspace) { w.sim.Revoke(userID, sim.BypassRateLimit) },
		mutes: "RocketChatImportScrapeFailing", mutesSeverity: "warning",
	},
	"down": {
		alert: "RocketChatImportExporterDown", severity: "warning",
		cause: func(t *testing.T, w *workspace) { w.stopExporter(t) },
		over:  func(t *testing.T, w *workspace) { w.startExporter(t) },
	},
}

// nearlyStalled is for how long an import has not been saved that is called stalled
// 10 s later.
const nearlyStalled = 15*time.Minute - 10*time.Second

// importAnew starts another import.
func importAnew(_ *testing.T, w *workspace) { w.place(sim.StepNew, 0, sim.Count{}) }

// TestEachCauseIsOneNotification has all stories at once.
func TestEachCauseIsOneNotification(t *testing.T) {
	w := newWorld(t)
	requireHealthyRules(t, w.prometheus)
	awaitData(t, w.prometheus, fmt.Sprintf(`count(rocketchat_import_up == 1) == %d`, len(stories)))

	for name, what := range stories {
		if what.cause != nil {
			what.cause(t, w.workspaces[name])
		}
	}
	fired := map[string]alert{}
	for name, what := range stories {
		if what.alert != "" {
			fired[name] = w.awaitFiring(t, name, what)
		}
		if what.mutes != "" {
			w.awaitInhibited(t, what.mutes, name, fired[name])
		}
	}
	w.requireAge(t, fired["stalled"], 15*time.Minute)
	w.awaitSameAlerts(t)
	lookAtDashboard(t, "Prometheus", w.prometheus)
	lookAtDashboard(t, "VictoriaMetrics", w.victoriaMetrics)

	for name, what := range stories {
		if what.over != nil {
			what.over(t, w.workspaces[name])
		}
	}
	for name, what := range stories {
		if what.over != nil {
			w.awaitResolved(t, fired[name])
		}
	}
	w.awaitSameAlerts(t)
	w.requireNothingElse(t, fired)
	for name, workspace := range w.workspaces {
		if n := workspace.sim.Destructive(); n != stories[name].harms {
			t.Errorf("%d calls harmed the import of %s, and other programs made %d", n, name, stories[name].harms)
		}
	}
}

// An exporter of one workspace has no configuration to reload.
func TestEveryAlertHasAStory(t *testing.T) {
	told := map[string]bool{"RocketChatImportConfigReloadFailed": true}
	for _, what := range stories {
		told[what.alert] = true
	}
	for _, rule := range shippedRules(t) {
		if rule.Alert != "" && !told[rule.Alert] {
			t.Errorf("%s has none", rule.Alert)
		}
	}
}

// requireNothingElse requires that what was sent and what fired is what this test
// waited for, and each once.
func (w *world) requireNothingElse(t *testing.T, fired map[string]alert) {
	t.Helper()
	var notifications, messages, all []string
	for name, what := range stories {
		if what.alert == "" {
			continue
		}
		line := what.alert + " " + name
		if receiver := map[string]string{"critical": "pager: ", "warning": "tickets: "}[what.severity]; receiver != "" {
			group := " of " + labelText(map[string]string{"instance": name, "job": "rocketchat_import"})
			if name == "down" {
				group = " of " + labelText(map[string]string{"alertname": what.alert, "job": "rocketchat_import"})
			}
			notifications = append(notifications, receiver+"firing "+line+group)
			if what.over != nil {
				notifications = append(notifications, receiver+"resolved "+line+group)
			}
		}
		if what.severity != "warning" {
			messages = append(messages, fired[name].Annotations["summary"])
		}
		all = append(all, what.labelText(name))
		if what.mutes != "" {
			all = append(all, story{alert: what.mutes, severity: what.mutesSeverity}.labelText(name))
		}
	}
	requireLines(t, "notifications", w.pager.lines(), notifications)
	requireLines(t, "alerts", firedAlerts(t, w.prometheus), all)
	var received []string
	for _, m := range w.channel.Messages() {
		received = append(received, m.Attachments[0].Title)
	}
	requireLines(t, "messages in Rocket.Chat", received, messages)
}

// awaitFiring waits until Alertmanager has the alert, with these labels and no
// others, and has told somebody.
func (w *world) awaitFiring(t *testing.T, of string, what story) alert {
	t.Helper()
	var fired alert
	eventually(t, what.alert+" to fire", func() (err error) {
		fired, err = w.onlyAlert(t, what.alert, of)
		if err == nil && fired.Status.State != "active" {
			err = fmt.Errorf("it is %s", fired.Status.State)
		}
		return err
	})
	if got, want := labelText(fired.Labels), what.labelText(of); got != want {
		t.Errorf("the labels are %s, want %s", got, want)
	}
	if !strings.HasSuffix(fired.Annotations["runbook_url"], "#"+strings.ToLower(what.alert)) {
		t.Errorf("the runbook of %s is %s", what.alert, fired.Annotations["runbook_url"])
	}
	for key, text := range fired.Annotations {
		if text == "" || strings.Contains(text, "error expanding template") {
			t.Errorf("the %s of %s is %q", key, what.alert, text)
		}
	}
	if what.severity != "info" {
		w.awaitSent(t, fired, "firing")
	}
	if what.severity != "warning" {
		w.awaitMessage(t, fired)
	}
	return fired
}

// awaitMessage waits until Rocket.Chat has a message about the alert, from the user
// of Alertmanager, with what the alert says and a link to Alertmanager.
func (w *world) awaitMessage(t *testing.T, a alert) {
	t.Helper()
	eventually(t, "a message about "+a.Annotations["summary"], func() error {
		for _, m := range w.channel.Messages() {
			if len(m.Attachments) != 1 || m.Attachments[0].Title != a.Annotations["summary"] {
				continue
			}
			box := m.Attachments[0]
			if m.UserID != "alertmanager" || m.Channel != "#imports" || !strings.Contains(box.Text, a.Annotations["description"]) ||
				!strings.Contains(box.Text, a.Annotations["runbook_url"]) || !strings.HasPrefix(box.TitleLink, "http") {
				t.Errorf("the message is %+v", m)
			}
			return nil
		}
		return errors.New("there is none")
	})
}

// awaitSent waits until Alertmanager has sent this very alert to a webhook.
func (w *world) awaitSent(t *testing.T, a alert, status string) {
	t.Helper()
	eventually(t, status+" "+a.Labels["alertname"]+" to be sent", func() error {
		if !w.pager.told(a, status) {
			return errors.New("it was not")
		}
		return nil
	})
}

// awaitResolved waits until the alert is over, and somebody has been told so. The
// channel in Rocket.Chat is told of what begins only.
func (w *world) awaitResolved(t *testing.T, a alert) {
	t.Helper()
	if a.Labels["severity"] != "info" {
		w.awaitSent(t, a, "resolved")
	}
	eventually(t, a.Labels["alertname"]+" to be gone", func() error {
		alerts, err := alertsOf(t, w.alertmanager, a.Labels["alertname"], a.Labels["instance"])
		if err == nil && len(alerts) > 0 {
			err = fmt.Errorf("there are %d", len(alerts))
		}
		return err
	})
}

// awaitInhibited waits until Alertmanager has the alert and mutes it because of
// the other.
func (w *world) awaitInhibited(t *testing.T, name, of string, by alert) {
	t.Helper()
	eventually(t, name+" to be inhibited", func() error {
		a, err := w.onlyAlert(t, name, of)
		if err == nil && !slices.Contains(a.Status.InhibitedBy, by.Fingerprint) {
			err = fmt.Errorf("it is %s, inhibited by %v", a.Status.State, a.Status.InhibitedBy)
		}
		return err
	})
}

// awaitSameAlerts waits until the same alerts have fired on both engines.
// VictoriaMetrics looks for a series that it has not found again after 10 s only.
func (w *world) awaitSameAlerts(t *testing.T) {
	t.Helper()
	eventually(t, "the same alerts on VictoriaMetrics", func() error {
		if got, want := firedAlerts(t, w.victoriaMetrics), firedAlerts(t, w.prometheus); !slices.Equal(got, want) {
			return fmt.Errorf("they are\n%s\nand on Prometheus\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}

func (w *world) onlyAlert(t *testing.T, name, of string) (alert, error) {
	t.Helper()
	alerts, err := alertsOf(t, w.alertmanager, name, of)
	if err != nil {
		return alert{}, err
	}
	if len(alerts) != 1 {
		return alert{}, fmt.Errorf("there are %d", len(alerts))
	}
	return alerts[0], nil
}

// requireAge requires that the alert began that long after the import was saved.
func (w *world) requireAge(t *testing.T, a alert, age time.Duration) {
	t.Helper()
	operation, _ := w.workspaces[a.Labels["instance"]].sim.Operation()
	if got := a.StartsAt.Sub(operation.Updated); got < age || got > age+time.Minute {
		t.Errorf("%s began %s after the last save, want %s", a.Labels["alertname"], got, age)
	}
}

// requireLines requires the same lines, in any order.
func requireLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// labelText is what the alert must have for labels.
func (what story) labelText(workspace string) string {
	all := map[string]string{"alertname": what.alert, "severity": what.severity, "job": "rocketchat_import", "instance": workspace}
	maps.Copy(all, what.labels)
	return labelText(all)
}
