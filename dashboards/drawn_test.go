package main

import (
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
		several := map[string]bool{"Step": true, "Time left": true, "Staged": true}[p["title"].(string)]
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
