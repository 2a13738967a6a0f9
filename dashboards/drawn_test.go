package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Grafana was seen to draw otherwise than meant.

func TestEveryPanelExplainsItselfAndIsLargeEnough(t *testing.T) {
	for _, p := range panels(t, "") {
		defaults := p.FieldConfig.Defaults
		for _, text := range []string{p.Title, p.Description, defaults.Unit, defaults.NoValue} {
			assert.NotEmpty(t, text, "panel %d, %s", p.ID, p.Title)
		}
		assert.NotEmpty(t, p.Targets, p.Title)
		assert.Contains(t, []string{"stat", "bargauge", "timeseries", "state-timeline", "table"}, p.Type, "a panel that Grafana has itself")
		// A line of 1280 pixels is read well down to a sixth of it.
		assert.GreaterOrEqual(t, min(p.GridPos.W, p.GridPos.H), 4, p.Title)
	}
}

func TestNoPanelHasADefaultThatGrafanaDrawsWrongly(t *testing.T) {
	for _, p := range panels(t, "") {
		assert.False(t, p.RepeatDirection != "" && p.Repeat == "", "%s: Grafana 11.0 draws it 24 wide", p.Title)
		assert.NotContains(t, string(p.Options), `:""`, "%s has an option that is no valid choice", p.Title)
	}
}

func TestPanelsAreDrawnAsMeant(t *testing.T) {
	for _, c := range []struct{ panel, meant, want string }{
		{"Step", "several values are below each other", `"orientation":"horizontal"`},
		{"Progress", "several values are below each other", `"orientation":"horizontal"`},
		{"Time left", "several values are below each other", `"orientation":"horizontal"`},
		{"No movement for", "several values are below each other", `"orientation":"horizontal"`},
		{"Staged", "several values are below each other", `"orientation":"horizontal"`},
		{"No movement for", "a healthy import is moving", `{"from":0,"result":{"color":"green","index":1,"text":"moving"},"to":90}`},
		{"Workspaces", "the most pressing is first", `"sortBy":[{"desc":true,"displayName":"State"}]`},
		{"Firing alerts", "severities have colors", `"critical":{"color":"red",`},
		{"Firing alerts", "severities have colors", `{"type":"color-text"}`},
		{"Users by flag", "no bar without a value", `"showUnfilled":false`},
		{"Channels by flag", "no bar without a value", `"showUnfilled":false`},
		{"Failures by reason", "orange", `"color":{"fixedColor":"orange","mode":"shades"}`},
		{"Failures by reason", "per minute", `"expr":"60 * sum by (instance, reason) (`},
		{"Records done", "counts that vanish while scrapes are good are not bridged",
			`[5m]) unless on (instance) (rocketchat_import_up{instance=~\"$instance\"} == 1))`},
	} {
		t.Run(c.panel+": "+c.meant, func(t *testing.T) { assert.Contains(t, panelNamed(t, c.panel).text, c.want) })
	}
}

func TestNoTimelineIsColoredByThresholds(t *testing.T) {
	for _, p := range panels(t, "state-timeline") {
		assert.Equal(t, "fixed", p.FieldConfig.Defaults.Color.Mode, "%s: value mappings do not apply", p.Title)
		assert.GreaterOrEqual(t, p.GridPos.H, 8, "%s has no room for ten workspaces", p.Title)
	}
}

func TestNoTileIsGreenOrClaimsWhatIsNotKnown(t *testing.T) {
	for _, p := range panels(t, "stat") {
		defaults := p.FieldConfig.Defaults
		if assert.NotEmpty(t, defaults.Thresholds.Steps, "%s: Grafana makes it green", p.Title) {
			assert.Contains(t, []string{"text", grey}, defaults.Thresholds.Steps[0].Color, "%s below all thresholds", p.Title)
		}
		assert.Contains(t, []string{"not known", "no estimate"}, defaults.NoValue, p.Title)
		for _, target := range p.Targets {
			assert.NotRegexp(t, `or vector\(0\)$`, target.Expr, "%s shows 0 where nothing is known", p.Title)
		}
	}
}

// A State without a text is a bare number, and one without a colour is green.
func TestStateSaysWhatNeedsAPersonAndWhyNothingIsKnown(t *testing.T) {
	for _, title := range []string{"State", "State over time"} {
		p := panelNamed(t, title)
		for text, color := range map[string]string{
			"stalled": "dark-red", "interrupted": "red", "aborted": "red", "set back": "dark-red",
			"unauthorized": "red", "forbidden": "red", "no answer": "orange", "exporter down": "dark-orange",
		} {
			assert.Regexp(t, fmt.Sprintf(`"color":%q,"index":\d+,"text":%q`, color, text), p.text, title)
		}
		for _, asked := range []string{
			"server_time_seconds", "operation_valid", `kind="aborted"`, `kind="set_back"`, "auth_failure", "rocketchat_import_up", `up{instance=~"$instance",job=`,
			`state=~"none"`, `state=~"new"`, `state=~"loading"`, `state=~"ready"`, `state=~"importing"`, `state=~"done"`, `state=~"error"`, `state=~"canceled"`,
		} {
			assert.Contains(t, p.Targets[0].Expr, asked, title)
		}
	}
}

// Grafana drops a column whose query has no result, and cuts what does not fit.
func TestTheTableOfWorkspacesKeepsItsColumnsAndNames(t *testing.T) {
	p := panelNamed(t, "Workspaces")
	for _, target := range p.Targets {
		assert.Regexp(t, `or on \(instance\) (NaN \* |label_replace\()max by \(instance\)`, target.Expr)
	}
	columns := p.columns()
	assert.NotEmpty(t, columns["Workspace"]["links"])
	assert.NotContains(t, columns["Workspace"], "custom.width")
	assert.Equal(t, `"left"`, columns["State"]["custom.align"])
	assert.Contains(t, columns["State"]["custom.cellOptions"], `"type":"color-background"`)
	for _, column := range []string{"State", "Step", "Progress", "Time left", "Unmoved for", "Speed", "Done", "Total", "Failed", "Scrape"} {
		assert.Regexp(t, `"type":"special"}]$`, columns[column]["mappings"], "an empty cell of %s is a dash", column)
	}
	assert.NotContains(t, columns, "Given up", "State says it")
}

func TestTablesHaveRoom(t *testing.T) {
	for title, room := range map[string]map[string]int{
		"Workspaces":                      {"State": 110, "Progress": 140, "Unmoved for": 105, "Scrape": 110},
		"Newest import of each workspace": {"Operation": 215, "users excluded": 130},
	} {
		columns := panelNamed(t, title).columns()
		for column, needed := range room {
			var width int
			require.NoError(t, json.Unmarshal([]byte(columns[column]["custom.width"]), &width), column)
			assert.GreaterOrEqual(t, width, needed, "%s: %s", title, column)
		}
	}
}

func TestAWorkspaceTableShowsOneColumnForEachQuery(t *testing.T) {
	for _, title := range []string{"Workspaces", "Newest import of each workspace"} {
		p := panelNamed(t, title)
		require.Len(t, p.Transformations, 3, title)
		filter, join := p.Transformations[0], p.Transformations[1]
		assert.Equal(t, "filterFieldsByName", filter.ID, title)
		kept := filter.Options.Include.Names
		require.Len(t, kept, len(p.Targets)+1, title)
		assert.Equal(t, "instance", kept[0], title)
		for i, target := range p.Targets {
			assert.Contains(t, []string{"Value #" + target.RefID, "step", "importer", "operation_id"}, kept[i+1], title)
		}
		// Merging would stumble on a query without a result; joining leaves it out.
		assert.Equal(t, "joinByField instance outer", fmt.Sprint(join.ID, " ", join.Options.ByField, " ", join.Options.Mode), title)
	}
}

// Many lines lie on each other, decimals would show the ticks of small numbers twice,
// and a legend below the graph has room for four names.
func TestGraphsHaveNoFillNoRoundTicksAndAllNames(t *testing.T) {
	for _, p := range panels(t, "timeseries") {
		assert.Nil(t, p.FieldConfig.Defaults.Decimals, p.Title)
		assert.Regexp(t, `"fillOpacity":0,|"drawStyle":"bars"`, p.text, p.Title)
		if strings.Contains(p.Targets[0].Expr, "endpoint") {
			assert.Contains(t, string(p.Options), `"placement":"right"`, p.Title)
		}
	}
}

// Yellow cannot be read on white, except as the ground of a state.
func TestNothingIsWrittenInYellow(t *testing.T) {
	text := compact(t)
	ground := regexp.MustCompile(`"color":"yellow","index":\d+,"text":"ready to start"`)
	assert.Len(t, ground.FindAllString(text, -1), strings.Count(text, `"yellow"`))
}
