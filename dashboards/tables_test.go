package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

func TestAWorkspaceTableShowsOneColumnForEachQuery(t *testing.T) {
	tables := 0
	for _, p := range panels(t) {
		if p.Type != "table" || len(p.Targets) < 2 {
			continue
		}
		tables++
		kept := keptFields(t, p)
		if len(kept) != len(p.Targets)+1 || kept[0] != "instance" {
			t.Errorf("%s: %d queries, fields %q", p.Title, len(p.Targets), kept)
		}
		for i, target := range p.Targets {
			value := fmt.Sprintf("Value #%s", target.RefID)
			isLabel := kept[i+1] == "step" || kept[i+1] == "importer" || kept[i+1] == "operation_id"
			if !slices.Contains(kept, value) && !isLabel {
				t.Errorf("%s: query %s is not shown", p.Title, target.RefID)
			}
		}
	}
	if tables != 2 {
		t.Errorf("%d tables with a row for each workspace", tables)
	}
}

// Merging would stumble on a query without a result; joining leaves it out.
func TestAWorkspaceTableJoinsItsQueriesByWorkspace(t *testing.T) {
	for _, p := range panels(t) {
		if p.Type != "table" || len(p.Targets) < 2 {
			continue
		}
		var join struct{ ByField, Mode string }
		decodeTransformation(t, p, "joinByField", &join)
		if join.ByField != "instance" || join.Mode != "outer" {
			t.Errorf("%s: joined by %+v", p.Title, join)
		}
	}
}

func keptFields(t *testing.T, p panelJSON) []string {
	t.Helper()
	var filter struct{ Include struct{ Names []string } }
	decodeTransformation(t, p, "filterFieldsByName", &filter)
	return filter.Include.Names
}

func decodeTransformation(t *testing.T, p panelJSON, id string, into any) {
	t.Helper()
	for _, transformation := range p.Transformations {
		if transformation.ID != id {
			continue
		}
		if err := json.Unmarshal(transformation.Options, into); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s has no transformation %s", p.Title, id)
}
