package shipped

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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
		{"Progress", "each value has its workspace", `"textMode":"value_and_name"`},
		{"No movement for", "each value has its workspace", `"textMode":"value_and_name"`},
		{"Time left", "the second value is not named again", `"legendFormat":"ends"`},
		{"Step", "how many are in it", `"legendFormat":"{{step}}{{many}}"`},
		{"No movement for", "what is not there weighs less", `"color":"#6e7784","index":0,"text":"nothing is running"`},
		{"Alerts firing", "a warning is orange", `"steps":[{"color":"#6e7784","value":null},{"color":"green","value":0},{"color":"orange","value":1}]`},
		{"Alerts firing", "a critical alert is red", `{"id":"thresholds","value":{"mode":"absolute","steps":[{"color":"red","value":null}]}}`},
		{"Alerts firing", "a refused token counts once", `label_replace(ALERTS{cluster=~\"$cluster\",namespace=~\"$namespace\",instance=~\"$instance\",alertname=~\"RocketChatImport(AuthFailure|RateLimited)\"`},
		{"Alerts firing", "rules are proven by one that is always there", `rocketchat_import:answered:bool{`},
		{"Firing alerts", "the most severe is first", `"sortBy":[{"desc":false,"displayName":"Severity"}]`},
		{"Firing alerts", "the most severe is first", `"1":{"color":"red","index":0,"text":"critical"},"2":{"color":"orange","index":1,"text":"warning"},"3":{"color":"blue","index":2,"text":"info"}`},
		{"Firing alerts", "without what all names begin with", `{"pattern":"^RocketChatImport(.+)$","result":{"index":0,"text":"$1"}}`},
		{"Firing alerts", "without rules it is not known", `"noValue":"no alert is firing, or no rules are loaded"`},
		{"Rate limit headroom", "a line that is not solid", `"expr":"min_over_time(`},
		{"Records done", "a total has no colour of its own", `{"id":"color","value":{"fixedColor":"text","mode":"fixed"}}`},
		{"Workspaces", "99.7 % is not 100 %", `{"id":"decimals","value":1}`},
		{"Users by flag", "65,200 as everywhere", `"unit":"locale"`},
		{"Failures by reason", "per minute", `"unit":"suffix: /min"`},
		{"No movement for", "a healthy import is moving", `{"from":0,"result":{"color":"green","index":1,"text":"moving"},"to":90}`},
		{"Workspaces", "the most pressing is first", `"sortBy":[{"desc":true,"displayName":"State"}]`},
		{"Firing alerts", "severities have colors", `{"type":"color-text"}`},
		{"Users by flag", "no bar without a value", `"showUnfilled":false`},
		{"Channels by flag", "no bar without a value", `"showUnfilled":false`},
		{"Failures by reason", "orange", `"color":{"fixedColor":"orange","mode":"shades"}`},
		{"Failures by reason", "per minute", `"expr":"60 * sum by (cluster, namespace, instance, reason) (`},
		{"Records done", "counts that vanish while scrapes are good are not bridged",
			`[5m]) unless on (cluster, namespace, instance) (rocketchat_import_up{cluster=~\"$cluster\",namespace=~\"$namespace\",instance=~\"$instance\"} == 1))`},
	} {
		t.Run(c.panel+": "+c.meant, func(t *testing.T) { assert.Contains(t, panelNamed(t, c.panel).text, c.want) })
	}
}

func TestNoTimelineIsColoredByThresholds(t *testing.T) {
	for _, p := range panels(t, "state-timeline") {
		assert.Equal(t, "fixed", p.FieldConfig.Defaults.Color.Mode, "%s: value mappings do not apply", p.Title)
		assert.GreaterOrEqual(t, p.GridPos.H, 12, "%s has no room for twenty workspaces", p.Title)
		assert.Contains(t, p.text, `"perPage":20`, p.Title)
		assert.Contains(t, p.Targets[0].Expr, `or on () label_replace(vector(-1), "instance", "nothing", "", "")`, "%s: without data, Grafana says that it has no time field", p.Title)
		assert.Contains(t, p.text, `"-1":{"color":"#6e7784","index":`, p.Title)
	}
}

func TestNoTileIsGreenOrClaimsWhatIsNotKnown(t *testing.T) {
	for _, p := range panels(t, "stat") {
		defaults := p.FieldConfig.Defaults
		if assert.NotEmpty(t, defaults.Thresholds.Steps, "%s: Grafana makes it green", p.Title) {
			assert.Equal(t, "#6e7784", defaults.Thresholds.Steps[0].Color, "%s, where it is not known", p.Title)
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
			"server_time_seconds", "operation_valid", `operation_incident{cluster=~"$cluster",namespace=~"$namespace",instance=~"$instance",kind="aborted"}`, `kind="set_back"`, `operation_finished`, "auth_failure", "rocketchat_import_up", `up{cluster=~"$cluster",namespace=~"$namespace",instance=~"$instance",job=`,
			`state=~"none"`, `state=~"new"`, `state=~"loading"`, `state=~"ready"`, `state=~"importing"`, `state=~"done"`, `step=~"importer_import_failed"`, `state=~"canceled"`,
		} {
			assert.Contains(t, p.Targets[0].Expr, asked, title)
		}
	}
}

// Grafana drops a column whose query has no result, and cuts what does not fit.
func TestTheTableOfWorkspacesKeepsItsColumnsAndNames(t *testing.T) {
	p := panelNamed(t, "Workspaces")
	for _, target := range p.Targets[1:] {
		assert.Regexp(t, `or on \(cluster, namespace, instance\) (NaN \* |label_replace\()max by \(cluster, namespace, instance\)`, target.Expr)
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

// Grafana cuts what does not fit: 240 into 24, and 11/29/2026 into 1/29/2026.
func TestTablesHaveRoom(t *testing.T) {
	for title, room := range map[string]map[string]int{
		"Workspaces": {"State": 115, "Step": 150, "Progress": 140, "Time left": 85, "Unmoved for": 105, "Speed": 90, "Done": 75, "Total": 75, "Failed": 65, "Scrape": 115},
		"Newest import of each workspace": {"Importer": 105, "Operation": 205, "Created": 190, "Counted by": 95,
			"users": 70, "channels": 80, "messages": 85, "contacts": 75, "users deleted": 110, "e-mail taken": 105, "users excluded": 120},
	} {
		columns, sum := panelNamed(t, title).columns(), 0
		for name, settings := range columns {
			// Seldom there: the flags of Rocket.Chat before 3.14, and the labels of clusters.
			if !slices.Contains([]string{"e-mail taken", "users excluded", "Namespace", "Cluster"}, name) && settings["custom.width"] != "" {
				width, err := strconv.Atoi(settings["custom.width"])
				require.NoError(t, err, name)
				sum += width
			}
		}
		assert.LessOrEqual(t, sum, 1080, "%s: at 1280 pixels no room is left for the names of workspaces", title)
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
		require.Len(t, kept, len(p.Targets)+5, title)
		assert.Equal(t, []string{"key", "instance", "namespace", "cluster"}, kept[:4], title)
		assert.Equal(t, []string{"to_namespace", "to_cluster"}, kept[len(kept)-2:], title)
		for i, target := range p.Targets[1:] {
			assert.Contains(t, []string{"Value #" + target.RefID, "step", "importer", "operation_id"}, kept[i+4], title)
			// Labels of two queries would become two columns each.
			assert.Regexp(t, `^max by \(key(, (step|importer|operation_id))?\) \(label_join\(`, target.Expr, title)
		}
		for _, field := range []string{"key", "to_namespace", "to_cluster"} {
			assert.Equal(t, "true", p.columns()[field]["custom.hidden"], "%s: %s", title, field)
		}
		// Merging would stumble on a query without a result; joining leaves it out.
		assert.Equal(t, "joinByField key outer", fmt.Sprint(join.ID, " ", join.Options.ByField, " ", join.Options.Mode), title)
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
		if strings.Contains(string(p.Options), `"placement":"right"`) {
			assert.Contains(t, string(p.Options), `"width":220`, "%s: long names would take the room of the graph", p.Title)
		}
		if strings.Contains(p.Targets[0].Expr, " - ") {
			assert.Nil(t, p.FieldConfig.Defaults.Min, "%s may go below 0, where nothing would be drawn", p.Title)
		} else {
			assert.NotNil(t, p.FieldConfig.Defaults.Min, p.Title)
		}
	}
}

// Grafana anchors a pattern without slashes, so that it matches no part of a name.
func TestPatternsOfNamesAreBetweenSlashes(t *testing.T) {
	found := 0
	for _, p := range panels(t, "") {
		for _, transformation := range p.Transformations {
			if transformation.ID == "renameByRegex" {
				found++
				assert.Regexp(t, "^/.+/$", transformation.Options.Regex, p.Title)
			}
		}
	}
	assert.Positive(t, found)
}

// One workspace's dashboard would be 4,000 pixels long.
func TestTheRowOfTheExporterAloneIsCollapsed(t *testing.T) {
	var collapsed []string
	for _, p := range load(t).Panels {
		if p.Collapsed {
			collapsed = append(collapsed, p.Title)
			assert.NotEmpty(t, p.Panels)
		} else {
			assert.Empty(t, p.Panels, p.Title)
		}
	}
	assert.Equal(t, []string{"Exporter"}, collapsed)
	assert.Equal(t, "Exporter", load(t).Panels[len(load(t).Panels)-1].Title)
}

// Yellow cannot be read on white, except as the ground of a state.
func TestNothingIsWrittenInYellow(t *testing.T) {
	text := compact(t)
	ground := regexp.MustCompile(`"color":"yellow","index":\d+,"text":"ready to start"`)
	assert.Len(t, ground.FindAllString(text, -1), strings.Count(text, `"yellow"`))
}
