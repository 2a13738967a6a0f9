package main

import (
	"fmt"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// column is one column of a table that has a row for each workspace.
type column struct {
	title string
	width int // pixels
	expr  string
	// label names the label of the query's result to show; empty shows its value.
	label string
	// optional columns are drawn only where a workspace has a value.
	optional   bool
	unit       string // empty: that of the table
	mappings   values
	properties settings
}

// filled is the column's expression with a value for each workspace: Grafana
// drops a column whose query has no result.
func (c column) filled() string {
	switch {
	case c.optional:
		return c.expr
	case c.label != "":
		return fmt.Sprintf("%s\nor on (instance) label_replace(%s, %q, \"-\", \"\", \"\")", c.expr, everyWorkspace, c.label)
	default:
		return c.expr + "\nor on (instance) NaN * " + everyWorkspace
	}
}

// perWorkspace puts one query for each column side by side. Every query's result must have the
// label instance, which becomes the first column. That one takes the width that is left.
func perWorkspace(title, description string, columns ...column) *table.PanelBuilder {
	var queries []query
	for _, c := range columns {
		queries = append(queries, rows(c.filled()))
	}
	builder := newTable(title, description, queries...).
		Transformations(sideBySide(columns)).
		NoValue("no exporter is scraped").
		OverrideByName("Workspace", settings{property("links", []map[string]any{{
			"title": "Show this workspace alone",
			"url":   "/d/" + uid + "?${datasource:queryparam}&var-instance=${__value.raw}&${__url_time_range}",
		}})})
	for _, c := range columns {
		properties := settings{property("custom.width", c.width), property("mappings", append(slices.Clip(c.mappings), absent))}
		if c.unit != "" {
			properties = append(properties, property("unit", c.unit))
		}
		builder.OverrideByName(c.title, append(properties, c.properties...))
	}
	return builder
}

func newTable(title, description string, queries ...query) *table.PanelBuilder {
	return table.NewPanelBuilder().
		Title(title).Description(description).Targets(targets(queries)).
		Footer(common.NewTableFooterOptionsBuilder().Show(false)).Unit(units.Short).Span(24)
}

// sideBySide drops what is neither the workspace nor a column, joins the queries'
// rows of the same workspace, and names and orders the columns. A query without
// a result has no field to join by and drops out, which merging would stumble on.
func sideBySide(columns []column) []dashboard.DataTransformerConfig {
	kept := []string{"instance"}
	names := map[string]string{"instance": "Workspace"}
	order := map[string]int{"instance": 0}
	for i, c := range columns {
		field := c.label
		if field == "" {
			field = "Value #" + refID(i)
		}
		kept = append(kept, field)
		names[field] = c.title
		order[field] = i + 1
	}
	return []dashboard.DataTransformerConfig{
		{Id: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": kept}}},
		{Id: "joinByField", Options: map[string]any{"byField": "instance", "mode": "outer"}},
		{Id: "organize", Options: map[string]any{"renameByName": names, "indexByName": order, "excludeByName": map[string]bool{}}},
	}
}

// coloredText writes a cell in the colour of its value mapping or threshold.
var coloredText = property("custom.cellOptions", map[string]any{"type": "color-text"})
