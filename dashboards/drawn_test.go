package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What Grafana was seen to draw otherwise than meant.

func TestNoPanelRepeatsInADirectionWithoutRepeating(t *testing.T) {
	for _, p := range rawPanels(t) {
		if _, directed := p["repeatDirection"]; directed && p["repeat"] == nil {
			t.Errorf("%s has a repeatDirection: Grafana 11.0 draws it 24 wide", p["title"])
		}
	}
}

func TestNoOptionIsAnEmptyText(t *testing.T) {
	for _, p := range rawPanels(t) {
		walk(p["options"], func(key string, value any) {
			if value == "" {
				t.Errorf("%s: the option %s is empty, which Grafana draws as no valid choice", p["title"], key)
			}
		})
	}
}

func TestTilesWithSeveralValuesDrawThemBelowEachOther(t *testing.T) {
	for _, p := range rawPanels(t) {
		several := map[string]bool{"Step": true, "Progress": true, "Time left": true, "No movement for": true, "Staged": true}[p["title"].(string)]
		if several && p["type"] == "stat" && at(p, "options", "orientation") != "horizontal" {
			t.Errorf("%s: the orientation is %v", p["title"], at(p, "options", "orientation"))
		}
	}
}

func TestNoTimelineIsColoredByThresholds(t *testing.T) {
	for _, p := range rawPanels(t) {
		if p["type"] == "state-timeline" && at(p, "fieldConfig", "defaults", "color", "mode") != "fixed" {
			t.Errorf("%s has the colour mode %v, in which value mappings do not apply", p["title"], at(p, "fieldConfig", "defaults", "color", "mode"))
		}
	}
}

func TestNoTileIsGreenWhereNothingIsKnown(t *testing.T) {
	for _, p := range rawPanels(t) {
		if p["type"] != "stat" {
			continue
		}
		steps, _ := at(p, "fieldConfig", "defaults", "thresholds", "steps").([]any)
		if len(steps) == 0 {
			t.Errorf("%s has no thresholds, so that Grafana makes it green", p["title"])
			continue
		}
		if base := steps[0].(map[string]any)["color"]; base != "text" && base != grey {
			t.Errorf("%s is %v below all thresholds", p["title"], base)
		}
		for _, target := range p["targets"].([]any) {
			if expr := target.(map[string]any)["expr"].(string); strings.HasSuffix(expr, "or vector(0)") {
				t.Errorf("%s shows 0 where nothing is known", p["title"])
			}
		}
	}
}

func TestTheTableOfWorkspacesBeginsWithTheMostPressing(t *testing.T) {
	for _, p := range rawPanels(t) {
		if p["title"] != "Workspaces" {
			continue
		}
		sort, _ := at(p, "options", "sortBy").([]any)
		if len(sort) != 1 || at(sort[0], "displayName") != "State" || at(sort[0], "desc") != true {
			t.Errorf("it is sorted by %v", sort)
		}
		properties := map[string]map[string]any{} // by column
		for _, override := range at(p, "fieldConfig", "overrides").([]any) {
			column := map[string]any{}
			for _, property := range at(override, "properties").([]any) {
				column[at(property, "id").(string)] = at(property, "value")
			}
			properties[at(override, "matcher", "options").(string)] = column
		}
		if workspace := properties["Workspace"]; workspace["links"] == nil || workspace["custom.width"] != nil {
			t.Errorf("the column of names has %v", workspace)
		}
		if state := properties["State"]; state["custom.align"] != "left" || at(state["custom.cellOptions"], "type") != "color-background" {
			t.Errorf("the column State has %v", state)
		}
		for _, column := range []string{"State", "Step", "Progress", "Time left", "Unmoved for", "Speed", "Done", "Total", "Failed", "Scrape"} {
			mappings, _ := properties[column]["mappings"].([]any)
			if len(mappings) == 0 || at(mappings[len(mappings)-1], "type") != "special" {
				t.Errorf("an empty cell of %s is not drawn as a dash", column)
			}
		}
		if properties["Given up"] != nil {
			t.Error("Given up says what State says")
		}
		return
	}
	t.Error("there is no table of workspaces")
}

// A State without a text is a bare number, and one without a colour is green.
func TestStateSaysWhatNeedsAPersonAndWhyNothingIsKnown(t *testing.T) {
	for _, title := range []string{"State", "State over time"} {
		texts := map[string]any{} // and their colours
		mappings, _ := at(panelNamed(t, title), "fieldConfig", "defaults", "mappings").([]any)
		for _, mapping := range mappings {
			for _, shown := range at(mapping, "options").(map[string]any) {
				texts[at(shown, "text").(string)] = at(shown, "color")
			}
		}
		for text, colors := range map[string]string{
			"stalled": "dark-red", "interrupted": "red", "aborted": "red", "set back": "dark-red",
			"unauthorized": "red", "forbidden": "red", "no answer": "orange", "exporter down": "dark-orange",
		} {
			if texts[text] != colors {
				t.Errorf("%s: %q is %v", title, text, texts[text])
			}
		}
		expr := at(panelNamed(t, title), "targets").([]any)[0].(map[string]any)["expr"].(string)
		for _, asked := range []string{
			"server_time_seconds", "operation_valid", `kind="aborted"`, `kind="set_back"`, "auth_failure", "rocketchat_import_up", `up{instance=~"$instance",job=`,
		} {
			if !strings.Contains(expr, asked) {
				t.Errorf("%s does not ask for %s", title, asked)
			}
		}
	}
}

func TestNoTileClaimsWhatIsNotKnown(t *testing.T) {
	for _, p := range rawPanels(t) {
		text := at(p, "fieldConfig", "defaults", "noValue")
		if p["type"] == "stat" && text != "not known" && text != "no estimate" {
			t.Errorf("%s says %q when nothing is known", p["title"], text)
		}
	}
}

// Grafana drops a column whose query has no result, and cuts what does not fit.
func TestTheTableOfWorkspacesHasRoomAndKeepsItsColumns(t *testing.T) {
	p := panelNamed(t, "Workspaces")
	for _, target := range at(p, "targets").([]any) {
		expr := at(target, "expr").(string)
		if !strings.Contains(expr, "or on (instance) NaN * max by (instance)") && !strings.Contains(expr, "or on (instance) label_replace(max by (instance)") {
			t.Errorf("this may have no result: %s", expr)
		}
	}
	room := map[any]float64{"State": 110, "Progress": 140, "Unmoved for": 105, "Scrape": 110}
	for _, override := range at(p, "fieldConfig", "overrides").([]any) {
		title := at(override, "matcher", "options")
		for _, property := range at(override, "properties").([]any) {
			if at(property, "id") == "custom.width" && at(property, "value").(float64) < room[title] {
				t.Errorf("%s is %v wide", title, at(property, "value"))
			}
		}
	}
}

// Decimals would show the ticks of small numbers twice.
func TestNoGraphRoundsItsTicks(t *testing.T) {
	for _, p := range rawPanels(t) {
		if decimals := at(p, "fieldConfig", "defaults", "decimals"); p["type"] == "timeseries" && decimals != nil {
			t.Errorf("%s has %v decimals", p["title"], decimals)
		}
	}
}

// Yellow cannot be read on white, except as the ground of a state.
func TestNothingIsWrittenInYellow(t *testing.T) {
	for _, p := range rawPanels(t) {
		walk(p, func(key string, value any) {
			if key == "color" && value == "yellow" && !slices.Contains([]any{"State", "State over time", "Workspaces"}, p["title"]) {
				t.Errorf("%s has yellow", p["title"])
			}
			if steps, ok := value.([]any); ok && key == "steps" {
				for _, step := range steps {
					if at(step, "color") == "yellow" {
						t.Errorf("%s has yellow values", p["title"])
					}
				}
			}
		})
	}
}

func TestTheDefaultDataSourceIsChosen(t *testing.T) {
	variables := at(decode(t), "templating", "list").([]any)
	if chosen := at(variables[0], "current", "value"); chosen != "default" {
		t.Errorf("the data source is %v", chosen)
	}
}

// Servers from 3.14 on never set these flags.
func TestRareFlagsShowOnlyWhereTheyAreSet(t *testing.T) {
	rare := regexp.MustCompile(`_by_flag\{[^}]*flag=~?"(email_taken|excluded)`)
	all := regexp.MustCompile(`_by_flag\{instance=~"\$instance"\}`)
	eachQuery(t, func(where, expr string) {
		if all.MatchString(expr) || rare.MatchString(expr) && !strings.HasSuffix(expr, "> 0") {
			t.Errorf("%s shows them at 0: %s", where, expr)
		}
	})
}

func panelNamed(t *testing.T, title string) any {
	t.Helper()
	for _, p := range rawPanels(t) {
		if p["title"] == title && p["type"] != "row" {
			return any(p)
		}
	}
	t.Fatalf("there is no panel %s", title)
	return nil
}

// rawPanels are the panels and rows as the JSON has them.
func rawPanels(t *testing.T) []map[string]any {
	t.Helper()
	var panels []map[string]any
	for _, p := range decode(t).(map[string]any)["panels"].([]any) {
		panels = append(panels, p.(map[string]any))
	}
	return panels
}

// at follows keys into a decoded JSON value; nil if one is missing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}
