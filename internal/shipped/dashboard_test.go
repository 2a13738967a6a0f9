// Package shipped tests what is shipped beside the binary: alerts, dashboard and documentation. It
// is in the root module, whose tests Go runs again when one of these files has changed.
package shipped

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	committed = "../../dashboards/rocketchat-import.json"
)

func TestNothingNeedsToBeEditedOnImport(t *testing.T) {
	text := compact(t)
	assert.Contains(t, text, `"uid":"rocketchat-import"`)
	for _, prompt := range []string{"__inputs", "__requires", "${DS_"} {
		assert.NotContains(t, text, prompt)
	}
	assert.Contains(t, text, `"datasource":`)
	assert.Equal(t, strings.Count(text, `"datasource":`),
		strings.Count(text, `"datasource":{"type":"prometheus","uid":"${datasource}"}`), "data sources that are the variable")
}

func TestTheVariablesAreDataSourceAndWhatTellsWorkspacesApart(t *testing.T) {
	variables := load(t).Templating.List
	require.Len(t, variables, 4)
	assert.Subset(t, variables[0], map[string]any{"name": "datasource", "type": "datasource", "query": "prometheus",
		"current": map[string]any{"selected": true, "text": "default", "value": "default"}})
	for i, want := range []struct{ name, label, definition string }{
		{"cluster", "Cluster", "label_values(rocketchat_import_up, cluster)"},
		{"namespace", "Namespace", `label_values(rocketchat_import_up{cluster=~"$cluster"}, namespace)`},
		{"instance", "Workspace", `label_values(rocketchat_import_up{cluster=~"$cluster",namespace=~"$namespace"}, instance)`},
	} {
		// All is also for series without the label.
		assert.Subset(t, variables[i+1], map[string]any{"name": want.name, "label": want.label, "type": "query",
			"definition": want.definition, "multi": true, "includeAll": true, "allValue": ".*"})
	}
}

// An annotation that has a series for as long as an alert fires would paint every graph red.
func TestAnnotationsMarkBeginningsAlone(t *testing.T) {
	annotations := load(t).Annotations.List
	assert.Len(t, annotations, 3)
	var graphs []int
	for _, p := range panels(t, "") {
		if slices.Contains([]string{"State over time", "Progress over time", "Throughput", "Records done", "Running for", "Instances of Rocket.Chat"}, p.Title) || p.Title == "Records failed" && p.Type == "timeseries" {
			graphs = append(graphs, p.ID)
		}
	}
	for _, annotation := range annotations {
		assert.Equal(t, graphs, annotation.Filter.IDs, "%s is on other graphs than those of imports", annotation.Name)
		assert.False(t, annotation.Filter.Exclude, annotation.Name)
		assert.Equal(t, "60s", annotation.Step, annotation.Name)
		assert.Contains(t, annotation.Expr, "offset 1m", annotation.Name)
	}
}

func TestPanelsFillTheGridWithoutOverlap(t *testing.T) {
	const width = 24
	taken, area, height := map[[2]int]bool{}, 0, 0
	for i, p := range everything(t) {
		assert.Equal(t, i+1, p.ID, p.Title)
		pos := p.GridPos
		require.LessOrEqual(t, pos.X+pos.W, width, p.Title)
		height = max(height, pos.Y+pos.H)
		area += pos.W * pos.H
		for x := pos.X; x < pos.X+pos.W; x++ {
			for y := pos.Y; y < pos.Y+pos.H; y++ {
				taken[[2]int{x, y}] = true
			}
		}
	}
	assert.Len(t, taken, area, "panels lie on each other")
	assert.Equal(t, width*height, area, "cells that are not empty")
}

// A phone stacks the tiles in this order.
func TestTheGlanceComesFirst(t *testing.T) {
	want := []string{"At a glance", "State", "Alerts firing", "Step", "Progress", "Time left", "No movement for", "Speed", "Records failed"}
	for i, p := range load(t).Panels[:len(want)] {
		assert.Equal(t, want[i], p.Title)
	}
}

// The parts of the dashboard that the tests look at.
type boardJSON struct {
	Templating  struct{ List []map[string]any }
	Annotations struct {
		List []struct {
			Name, Expr, Step string
			Filter           struct {
				Exclude bool
				IDs     []int
			}
		}
	}
	Panels []panelJSON
}

type panelJSON struct {
	ID                       int
	Collapsed                bool        // of a row
	Panels                   []panelJSON // in it
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr, LegendFormat string }
	Repeat, RepeatDirection  string
	FieldConfig              struct {
		Defaults struct {
			Unit, NoValue string
			Decimals      *float64
			Min           *float64
			Color         struct{ Mode string }
			Thresholds    struct{ Steps []struct{ Color string } }
		}
		Overrides []struct {
			Matcher    struct{ Options string }
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Options         json.RawMessage
	Transformations []struct {
		ID      string
		Options struct {
			Include              struct{ Names []string }
			ByField, Mode, Regex string
		}
	}

	text string // the whole panel, as JSON without spaces
}

func (p *panelJSON) UnmarshalJSON(text []byte) error {
	type plain panelJSON
	p.text = string(text)
	return json.Unmarshal(text, (*plain)(p))
}

// columns returns the settings of a table's columns, as JSON by title and name.
func (p panelJSON) columns() map[string]map[string]string {
	columns := map[string]map[string]string{}
	for _, override := range p.FieldConfig.Overrides {
		settings := map[string]string{}
		for _, property := range override.Properties {
			settings[property.ID] = string(property.Value)
		}
		columns[override.Matcher.Options] = settings
	}
	return columns
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func compact(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, json.Compact(&text, []byte(read(t, committed))))
	return text.String()
}

func load(t *testing.T) boardJSON {
	t.Helper()
	var board boardJSON
	require.NoError(t, json.Unmarshal([]byte(compact(t)), &board))
	return board
}

// everything is all panels, also those in a collapsed row.
func everything(t *testing.T) (all []panelJSON) {
	t.Helper()
	for _, p := range load(t).Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

// panels returns the panels of the type, or all but the row headings without one.
func panels(t *testing.T, kind string) []panelJSON {
	t.Helper()
	var found []panelJSON
	for _, p := range everything(t) {
		if p.Type == kind || kind == "" && p.Type != "row" {
			found = append(found, p)
		}
	}
	require.NotEmpty(t, found)
	return found
}

// panelNamed returns the first panel with the title.
func panelNamed(t *testing.T, title string) panelJSON {
	t.Helper()
	all := panels(t, "")
	i := slices.IndexFunc(all, func(p panelJSON) bool { return p.Title == title })
	require.NotEqual(t, -1, i, "there is no panel "+title)
	return all[i]
}

// The exporter of many workspaces mutes the alerts of its own targets alone, where several share a namespace.
func TestTheInhibitionAndTheChartTellExportersApart(t *testing.T) {
	assert.Contains(t, read(t, "../../alerts/alertmanager.yml"), "equal: [cluster, namespace, exporter]")
	const name = `{{ include "rocketchat-import-exporter.name" . | quote }}`
	assert.Regexp(t, `targetLabel: exporter\n +replacement: `+regexp.QuoteMeta(name), read(t, "../../deploy/kubernetes/templates/servicemonitor.yaml"))
	assert.Contains(t, read(t, "../../deploy/kubernetes/templates/probe.yaml"), "exporter: "+name)
}
