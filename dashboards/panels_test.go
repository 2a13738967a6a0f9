package main

import (
	"slices"
	"testing"
)

func TestEveryPanelExplainsItself(t *testing.T) {
	for _, p := range panels(t) {
		if p.Title == "" || p.Description == "" {
			t.Errorf("panel %d: title %q, description %q", p.ID, p.Title, p.Description)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s: no query", p.Title)
		}
		if p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%s: no unit", p.Title)
		}
		if p.FieldConfig.Defaults.NoValue == "" {
			t.Errorf("%s: no text for when there is no data", p.Title)
		}
	}
}

func TestOnlyGrafanasCorePanelsAreUsed(t *testing.T) {
	core := []string{"row", "stat", "bargauge", "timeseries", "state-timeline", "table"}
	for _, p := range load(t).Panels {
		if !slices.Contains(core, p.Type) {
			t.Errorf("%s is a %s", p.Title, p.Type)
		}
	}
}

func TestPanelsFillTheGridWithoutOverlap(t *testing.T) {
	type cell struct{ x, y int }
	taken := map[cell]string{}
	for _, p := range load(t).Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[cell{x, y}]; ok {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[cell{x, y}] = p.Title
			}
		}
	}
	height := 0
	for c := range taken {
		height = max(height, c.y+1)
		if c.x >= full {
			t.Fatalf("%s is outside of the %d columns", taken[c], full)
		}
	}
	if gaps := full*height - len(taken); gaps != 0 {
		t.Errorf("%d cells of the grid are empty", gaps)
	}
}

// A line of 1280 pixels is read well down to a sixth of it.
func TestNoPanelIsTooSmallToRead(t *testing.T) {
	for _, p := range panels(t) {
		if p.GridPos.W < 4 || p.GridPos.H < 4 {
			t.Errorf("%s is %d by %d", p.Title, p.GridPos.W, p.GridPos.H)
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	ids := map[int]string{}
	for _, p := range load(t).Panels {
		if other, ok := ids[p.ID]; ok || p.ID == 0 {
			t.Errorf("%s and %s have the id %d", p.Title, other, p.ID)
		}
		ids[p.ID] = p.Title
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.RefID == "" {
				t.Errorf("%s: query name %q twice or empty", p.Title, target.RefID)
			}
			refs[target.RefID] = true
		}
	}
}

// A phone stacks the tiles in this order.
func TestTheGlanceComesFirst(t *testing.T) {
	var titles []string
	for _, p := range load(t).Panels[:9] {
		titles = append(titles, p.Title)
	}
	want := []string{"At a glance", "State", "Alerts firing", "Step", "Progress", "Time left", "No movement for", "Speed", "Records failed"}
	if !slices.Equal(titles, want) {
		t.Errorf("from the top: %q", titles)
	}
}

// panels are all panels but the row headings.
func panels(t *testing.T) []panelJSON {
	t.Helper()
	all := load(t).Panels
	return slices.DeleteFunc(all, func(p panelJSON) bool { return p.Type == "row" })
}
