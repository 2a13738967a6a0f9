package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/rig"
)

// story is what happens to one workspace, and which alert it causes.
type story struct {
	server sim.Config
	// alert is the one that fires; "" where there is none.
	alert, severity string
	labels          model.LabelSet // of the alert, beside the usual ones
	// begin happens before Prometheus starts, cause once it has scraped the
	// exporter; either may be nil.
	begin, cause act
	// over ends the cause; nil where the alert goes on for an hour or a day.
	over act
	// mutes is an alert that has the same cause, and its severity.
	mutes, mutesSeverity string
	// instances is true where two instances alert too. Both are counted for 10 minutes, for which
	// the shortened "for" does not wait.
	instances bool
	// harms is how many calls harm the import.
	harms int
}

// act is something that happens to a workspace.
type act = func(*testing.T, *workspace)

// The workspaces that cause no alert.
const (
	quiet   = "quiet"   // has no import
	running = "running" // has one that has been running for 13 minutes
	early   = "early"   // is a 3.0 with an import that has just been prepared
)

// stories are by the name of the workspace.
var stories = map[string]story{
	quiet: {},
	running: {
		// The user is not exempt from the limit: Rocket.Chat does not tell an exempt one what is left.
		server: sim.Config{RateLimit: 1_000_000},
		begin: func(t *testing.T, w *workspace) {
			const ago = 1400 * time.Second
			w.sim.Revoke(rig.UserID, sim.BypassRateLimit)
			w.clock.setBehind(ago)
			content := sim.Content{Users: 3_000, Channels: 399, Direct: 1, Messages: 150_000, Skipped: 261, Contacts: 120}
			w.sim.Start(sim.SlackImport(content), 0.1)
			w.pass(t, ago, 0)
		},
	},
	early: {
		server: sim.Config{Generation: sim.Early3},
		begin:  place(sim.StepPreparingMessages, 0, sim.Count{}),
		cause: func(t *testing.T, w *workspace) {
			require.NoError(t, w.sim.SetSelection(sim.Selection{Users: 30, UsersEmailTaken: 2, UsersExcluded: 3}))
			moveTo(sim.StepUserSelection)(t, w)
		},
	},
	"stalled": {
		alert: "RocketChatImportStalled", severity: "critical",
		begin: place(sim.StepImportingMessages, nearlyStalled, sim.Count{Total: new(153_400), Completed: new(78_400)}),
		over:  change(func(o *sim.Operation) { o.Count.Completed = new(78_900) }),
	},
	"preparing": {
		alert: "RocketChatImportPreparationStalled", severity: "warning",
		begin: place(sim.StepPreparingMessages, 31*time.Minute, sim.Count{}),
		over:  moveTo(sim.StepUserSelection),
	},
	"interrupted": {
		alert: "RocketChatImportInterrupted", severity: "critical", instances: true,
		begin: place(sim.StepImportingUsers, 0, sim.Count{}),
		cause: func(_ *testing.T, w *workspace) { w.sim.Restart() },
		over:  importAnew,
	},
	"aborted": {
		alert: "RocketChatImportAborted", severity: "critical", instances: true, labels: model.LabelSet{"kind": "aborted"},
		begin: func(t *testing.T, w *workspace) {
			w.clock.setBehind(3 * time.Minute)
			w.sim.Start(sim.Script{Operation: sim.SlackOperation(sim.StepImportingUsers, time.Time{}), Phases: []sim.Phase{
				{Imported: 6_000, Duration: time.Hour},
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
		alert: "RocketChatImportDisturbed", severity: "critical", labels: model.LabelSet{"kind": "set_back"},
		// It was running 45 minutes ago, was set back a minute later, and has not
		// been saved since it went on to its channels.
		begin: func(t *testing.T, w *workspace) {
			w.clock.setBehind(45 * time.Minute)
			w.sim.Start(sim.Script{Operation: sim.SlackOperation(sim.StepImportingUsers, time.Time{}), Phases: []sim.Phase{
				{Step: sim.StepImportingUsers, Duration: 45*time.Minute - nearlyStalled},
				{Step: sim.StepImportingChannels},
			}}, 1)
			w.pass(t, 45*time.Minute, 44*time.Minute)
			w.readSelection()
			w.pass(t, 44*time.Minute, 0)
		},
		mutes: "RocketChatImportStalled", mutesSeverity: "critical",
		harms: 1,
	},
	"replicas": {
		alert: "RocketChatImportSeveralInstances", severity: "warning",
		begin: place(sim.StepUserSelection, 0, sim.Count{Total: new(1000)}),
		cause: func(_ *testing.T, w *workspace) { w.sim.StartSecondInstance() },
	},
	"failed": {
		alert: "RocketChatImportFailed", severity: "critical",
		begin: place(sim.StepImportingUsers, 0, sim.Count{}),
		cause: moveTo(sim.StepImportFailed),
		over:  importAnew,
	},
	"failing": {
		alert: "RocketChatImportRecordsFailing", severity: "warning",
		begin: place(sim.StepImportingUsers, 0, sim.Count{Total: new(1000), Completed: new(370), Error: new(30)}),
		over:  importAnew,
	},
	"waiting": {
		alert: "RocketChatImportAwaitingStart", severity: "info",
		begin: func(t *testing.T, w *workspace) {
			place(sim.StepPreparingMessages, 25*time.Hour, sim.Count{})(t, w)
			change(func(*sim.Operation) {})(t, w) // it is old, and was saved just now
		},
		cause: moveTo(sim.StepUserSelection),
		over:  moveTo(sim.StepImportingStarted),
	},
	"finished": {
		alert: "RocketChatImportFinished", severity: "info",
		begin: place(sim.StepFinishing, 0, sim.Count{}),
		cause: moveTo(sim.StepDone),
		over:  func(_ *testing.T, w *workspace) { w.clock.setBehind(-16 * time.Minute) },
	},
	"refused": {
		alert: "RocketChatImportAuthFailure", severity: "critical", labels: model.LabelSet{"reason": "unauthorized"},
		cause: func(_ *testing.T, w *workspace) { w.sim.SetToken(rig.UserID, "") },
		over:  func(_ *testing.T, w *workspace) { w.sim.SetToken(rig.UserID, rig.Token) },
		mutes: "RocketChatImportScrapeFailing", mutesSeverity: "warning",
	},
	"unreachable": {
		alert: "RocketChatImportScrapeFailing", severity: "warning",
		cause: func(_ *testing.T, w *workspace) {
			w.sim.Intercept(sim.GetCurrentImportOperation, sim.Fronts()["502 page"])
		},
		over: func(_ *testing.T, w *workspace) { w.sim.Intercept(sim.GetCurrentImportOperation, nil) },
	},
	"limited": {
		alert: "RocketChatImportRateLimited", severity: "warning",
		cause: func(_ *testing.T, w *workspace) {
			w.sim.Intercept(sim.GetCurrentImportOperation, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			})
		},
		mutes: "RocketChatImportScrapeFailing", mutesSeverity: "warning",
	},
	"down": {
		alert: "RocketChatImportExporterDown", severity: "warning",
		cause: func(_ *testing.T, w *workspace) { w.exporter.Stop() },
		over:  func(t *testing.T, w *workspace) { w.startExporter(t) },
	},
}

// nearlyStalled is how long ago an import was saved that counts as stalled 10 s later.
const nearlyStalled = 15*time.Minute - 10*time.Second

// place makes an import of that age the newest one.
func place(step string, age time.Duration, count sim.Count) act {
	return func(_ *testing.T, w *workspace) {
		operation := sim.SlackOperation(step, w.clock.now().Add(-age))
		operation.Count = &count
		w.sim.SetOperation(operation)
	}
}

var importAnew = place(sim.StepNew, 0, sim.Count{})

// change alters the import, which is a save.
func change(change func(*sim.Operation)) act {
	return func(t *testing.T, w *workspace) { require.NoError(t, w.sim.Update(change)) }
}

func moveTo(step string) act { return change(func(o *sim.Operation) { o.Step = step }) }

// labelsOf are all labels of the alert.
func (what story) labelsOf(workspace string) model.LabelSet {
	labels := model.LabelSet{
		"alertname": model.LabelValue(what.alert), "severity": model.LabelValue(what.severity),
		"job": "rocketchat_import", "instance": model.LabelValue(workspace),
	}
	maps.Copy(labels, what.labels)
	return labels
}

// TestEachCauseIsOneNotification has all stories at once.
func TestEachCauseIsOneNotification(t *testing.T) {
	w := newWorld(t)
	awaitData(t, w.prometheus, fmt.Sprintf(`count(rocketchat_import_up == 1) == %d`, len(stories)))

	for name, what := range stories {
		if what.cause != nil {
			what.cause(t, w.workspaces[name])
		}
	}
	fired := map[string]alert{}
	for name, what := range stories {
		if what.alert == "" {
			continue
		}
		eventually(t, what.alert+" to fire", func(c *assert.CollectT) {
			fired[name] = w.onlyAlert(c, what.alert, name)
			if what.mutes != "" {
				assert.Contains(c, w.onlyAlert(c, what.mutes, name).Status.InhibitedBy, fired[name].Fingerprint)
			}
		})
	}
	stalled, _ := w.workspaces["stalled"].sim.Operation()
	assert.WithinRange(t, fired["stalled"].StartsAt, stalled.Updated.Add(15*time.Minute), stalled.Updated.Add(16*time.Minute))
	w.awaitNotified(t, fired, false)
	requireHealthyRules(t, w.prometheus)
	lookAtDashboard(t, "Prometheus", w.prometheus)
	lookAtDashboard(t, "VictoriaMetrics", w.victoriaMetrics)

	for name, what := range stories {
		if what.over != nil {
			what.over(t, w.workspaces[name])
		}
	}
	for name, what := range stories {
		if what.over != nil {
			eventually(t, what.alert+" to be gone", func(c *assert.CollectT) {
				assert.Empty(c, alertsOf(c, w.alertmanager, what.alert, name))
			})
		}
	}
	w.awaitNotified(t, fired, true)
	for name, workspace := range w.workspaces {
		assert.Equal(t, stories[name].harms, workspace.sim.Destructive(), "calls that harmed the import of %s", name)
	}
}

// requireHealthyRules requires that each rule was evaluated without error, and that
// each alert has a story.
func requireHealthyRules(t *testing.T, prometheus v1.API) {
	t.Helper()
	alerts := map[string]bool{"RocketChatImportConfigReloadFailed": true} // by the exporter of many
	for _, what := range stories {
		alerts[what.alert] = true
	}
	result, err := prometheus.Rules(t.Context(), nil)
	require.NoError(t, err)
	for _, group := range result.Groups {
		for _, rule := range group.Rules {
			switch rule := rule.(type) {
			case v1.AlertingRule:
				assert.EqualValues(t, v1.RuleHealthGood, rule.Health, rule.LastError)
				assert.Contains(t, alerts, rule.Name, "an alert without a story")
			case v1.RecordingRule:
				assert.EqualValues(t, v1.RuleHealthGood, rule.Health, rule.LastError)
			}
		}
	}
}

// awaitNotified waits until each receiver has one notification of what fired, and of its end if it is
// over, and no other, and until both engines have these alerts. The channel in Rocket.Chat gets only
// what begins, from the user of Alertmanager, in the alert's words.
func (w *world) awaitNotified(t *testing.T, fired map[string]alert, over bool) {
	t.Helper()
	var notifications, messages []string
	var alerts []model.LabelSet
	for name, what := range stories {
		if what.alert == "" {
			continue
		}
		if receiver := map[string]string{"critical": "pager", "warning": "tickets"}[what.severity]; receiver != "" {
			notifications = append(notifications, notificationLine(receiver, "firing", what.alert, name, "rocketchat_import"))
			if over && what.over != nil {
				notifications = append(notifications, notificationLine(receiver, "resolved", what.alert, name, "rocketchat_import"))
			}
		}
		if what.severity != "warning" {
			says := fired[name].Annotations
			color := map[string]string{"RocketChatImportFinished": "green", "RocketChatImportAwaitingStart": "orange"}[what.alert]
			messages = append(messages, fmt.Sprintf("alertmanager in #imports, %s: %s\n%s Runbook: %s (%s in docs/runbooks.md)\n",
				cmp.Or(color, "red"), says["summary"], says["description"], says["runbook_url"], what.alert))
		}
		alerts = append(alerts, what.labelsOf(name))
		if what.instances {
			const several = "RocketChatImportSeveralInstances"
			notifications = append(notifications, notificationLine("tickets", "firing", several, name, "rocketchat_import"))
			alerts = append(alerts, story{alert: several, severity: "warning"}.labelsOf(name))
		}
		if what.mutes != "" {
			alerts = append(alerts, story{alert: what.mutes, severity: what.mutesSeverity}.labelsOf(name))
		}
	}
	eventually(t, "every notification", func(c *assert.CollectT) {
		assert.ElementsMatch(c, notifications, w.pager.lines())
		assert.ElementsMatch(c, alerts, firedAlerts(c, w.prometheus))
		// This one looks for a series that it has not found again after 10 s only.
		assert.ElementsMatch(c, alerts, firedAlerts(c, w.victoriaMetrics))
		var received []string
		for _, m := range w.channel.Messages() {
			for _, box := range m.Attachments {
				received = append(received, fmt.Sprintf("%s in %s, %s: %s\n%s", m.UserID, m.Channel, box.Color, box.Title, box.Text))
				assert.Regexp(c, "^http", box.TitleLink)
			}
		}
		assert.ElementsMatch(c, messages, received)
	})
}

// onlyAlert is the alert of that name in a workspace.
func (w *world) onlyAlert(c *assert.CollectT, name, of string) alert {
	alerts := alertsOf(c, w.alertmanager, name, of)
	require.Len(c, alerts, 1)
	return alerts[0]
}
