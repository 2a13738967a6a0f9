package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
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

// filled has a value for each workspace: Grafana drops a column whose query has no result.
func (c column) filled() string {
	switch {
	case c.optional:
		return c.expr
	case c.label != "":
		return fmt.Sprintf("%s\nor on (workspace) label_replace(%s, %q, \"-\", \"\", \"\")", c.expr, everyWorkspace, c.label)
	default:
		return c.expr + "\nor on (workspace) NaN * " + everyWorkspace
	}
}

// The fields that a link to one workspace needs beside its name: All where the workspace has no such label.
const toNamespace, toCluster = "to_namespace", "to_cluster"

// withLink adds these labels.
func withLink(expr string) string {
	for _, l := range [][2]string{{toNamespace, "namespace"}, {toCluster, "cluster"}} {
		expr = fmt.Sprintf(`label_replace(label_replace(%s, %[2]q, "All", "", ""), %[2]q, "$1", %[3]q, "(.+)")`, expr, l[0], l[1])
	}
	return expr
}

// showAlone links a cell to the dashboard of its workspace, whose name is in the field.
func showAlone(field string) settings {
	return settings{property("links", []map[string]any{{
		"title": "Show this workspace alone",
		"url": "/d/" + uid + "?${datasource:queryparam}&var-cluster=${__data.fields." + toCluster + "}&var-namespace=${__data.fields." + toNamespace +
			"}&var-instance=${__data.fields." + field + "}&${__url_time_range}",
	}})}
}

var hidden = settings{property("custom.hidden", true)}

func sortBy(field string, descending bool) []cog.Builder[common.TableSortByFieldState] {
	return []cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(field).Desc(descending)}
}

// key is the one label by which the queries of a table are joined.
const key = "key"

// keyed makes key of the labels of a workspace.
func keyed(expr string) string {
	return `label_join(` + expr + `, "` + key + `", " ", "instance", "namespace", "cluster")`
}

// perWorkspace puts one query for each column side by side, after one for the names of the
// workspaces. The first column takes the width that is left.
func perWorkspace(title, description string, columns ...column) *table.PanelBuilder {
	queries := []query{rows(withLink(keyed(everyWorkspace)))}
	for _, c := range columns {
		queries = append(queries, rows(strings.TrimSuffix("max by ("+key+", "+c.label, ", ")+") ("+keyed(c.filled())+")"))
	}
	builder := newTable(title, description, queries...).
		Transformations(sideBySide(columns)).
		NoValue("no exporter is scraped").
		OverrideByName("Workspace", showAlone("Workspace")).
		OverrideByName("Namespace", settings{property("custom.width", 110)}).OverrideByName("Cluster", settings{property("custom.width", 110)}).
		OverrideByName(key, hidden).OverrideByName(toNamespace, hidden).OverrideByName(toCluster, hidden)
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

// sideBySide joins the queries' rows of the same workspace, and names and orders the columns. Merging
// would stumble on a query without a result, which has no field to join by and so drops out.
func sideBySide(columns []column) []dashboard.DataTransformerConfig {
	kept := []string{key, "instance", "namespace", "cluster"}
	names := map[string]string{"instance": "Workspace", "namespace": "Namespace", "cluster": "Cluster"}
	for i, c := range columns {
		field := cmp.Or(c.label, "Value #"+refID(i+1))
		kept = append(kept, field)
		names[field] = c.title
	}
	kept = append(kept, toNamespace, toCluster)
	order := map[string]int{}
	for i, field := range kept {
		order[field] = i
	}
	return []dashboard.DataTransformerConfig{
		{Id: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": kept}}},
		{Id: "joinByField", Options: map[string]any{"byField": key, "mode": "outer"}},
		{Id: "organize", Options: map[string]any{"renameByName": names, "indexByName": order, "excludeByName": map[string]bool{}}},
	}
}

// coloredText writes a cell in the colour of its value mapping or threshold.
var coloredText = property("custom.cellOptions", map[string]any{"type": "color-text"})
