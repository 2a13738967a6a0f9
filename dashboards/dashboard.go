// Command dashboards writes the Grafana dashboard of rocketchat_import_exporter to
// rocketchat-import.json. Its links lead to the page of runbooks at RUNBOOK_BASE.
package main

//lint:file-ignore SA1019 Grafana 11 cannot import the model that the builder recommends instead.

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// uid is the dashboard's address in Grafana; importing again replaces it.
const uid = "rocketchat-import"

// committed is the file that the program writes.
const committed = "rocketchat-import.json"

func main() {
	json, err := generate(configured())
	if err == nil {
		err = os.WriteFile(committed, json, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// generate returns the dashboard as indented JSON with sorted keys. The builder's own encoders escape
// PromQL's < and >, so their output is read and written once more.
func generate(base runbooks) ([]byte, error) {
	board, err := build(base)
	if err != nil {
		return nil, err
	}
	escaped, err := json.Marshal(board)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := json.Unmarshal(escaped, &plain); err != nil {
		return nil, err
	}
	onImportGraphs(plain)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(plain)
	return out.Bytes(), err
}

// onImportGraphs draws the annotations on the graphs of imports alone. They would cross every
// graph of the exporter. The builder writes the ids of panels as one text.
func onImportGraphs(board map[string]any) {
	var ids []any
	imports := false
	for _, p := range board["panels"].([]any) {
		p := p.(map[string]any)
		if p["type"] == "row" {
			imports = p["title"] == "Progress"
		} else if imports {
			ids = append(ids, p["id"])
		}
	}
	for _, annotation := range board["annotations"].(map[string]any)["list"].([]any) {
		annotation.(map[string]any)["filter"] = map[string]any{"exclude": false, "ids": ids}
	}
}

// build returns Grafana's classic dashboard model, which every Grafana imports.
func build(base runbooks) (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder("Rocket.Chat import").
		Uid(uid).Tags([]string{"rocketchat", "import"}).
		Description("Data imports into Rocket.Chat workspaces, watched by rocketchat_import_exporter.").
		Time("now-6h", "now").Refresh("30s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dataSourceVariable()).
		WithVariable(labelVariable("cluster", "Cluster", "rocketchat_import_up")).
		WithVariable(labelVariable("namespace", "Namespace", `rocketchat_import_up{cluster=~"$cluster"}`)).
		WithVariable(labelVariable("instance", "Workspace", `rocketchat_import_up{cluster=~"$cluster",namespace=~"$namespace"}`)).
		Annotation(mark("Import alerts", "red", troubles+" unless ("+troubles+" offset 1m)").
			TitleFormat("{{alertname}}").TextFormat(called + " ({{severity}})").TagKeys("severity")).
		Annotation(mark("Incidents", "purple", lately("rocketchat_import_operation_incident{}")+" unless last_over_time(rocketchat_import_operation_incident{}[1d] offset 1m)").
			TitleFormat("Import {{kind}}").TextFormat(called).TagKeys("kind")).
		Annotation(mark("Instances", "blue", grown("rocketchat_import_server_instances_seen_total{}")).
			TitleFormat("An instance of Rocket.Chat started").TextFormat(called)).
		Links(base.page())

	row := func(title string, panels []panel) {
		builder.WithRow(dashboard.NewRowBuilder(title))
		for _, p := range panels {
			builder.WithPanel(p)
		}
	}
	row("At a glance", overview(base))
	row("Progress", progressPanels(base))
	row("Staged", stagedPanels())
	row("Exporter", exporterPanels(base))
	board, err := builder.Build()
	adjust(&board)
	return board, err
}

// adjust gives every panel its id and data source, drops defaults of the builder, and collapses the last row.
func adjust(board *dashboard.Dashboard) {
	last := 0
	for i, p := range board.Panels {
		id := uint32(i + 1)
		if p.Panel == nil {
			p.RowPanel.Id = id
			last = i
			continue
		}
		p.Panel.Id = &id
		p.Panel.Datasource = &dataSource
		p.Panel.RepeatDirection = nil // with it, Grafana 11.0 draws a panel 24 wide
	}
	row := board.Panels[last].RowPanel
	row.Collapsed = true
	for _, p := range board.Panels[last+1:] {
		row.Panels = append(row.Panels, *p.Panel)
	}
	board.Panels = board.Panels[:last+1]
	for i := range board.Links {
		board.Links[i].Placement = nil // it would hide the links in a menu
	}
}

// dataSource is whatever the dashboard's data source variable says.
var dataSource = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}

func dataSourceVariable() *dashboard.DatasourceVariableBuilder {
	standard := dashboard.StringOrArrayOfString{String: cog.ToPtr("default")} // without it, Grafana takes the first by name
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").Type("prometheus").
		Current(dashboard.VariableOption{Selected: cog.ToPtr(true), Text: standard, Value: standard})
}

// labelVariable lists the values of a label of the series within the time range.
func labelVariable(label, title, series string) *dashboard.QueryVariableBuilder {
	labels := fmt.Sprintf("label_values(%s, %s)", series, label)
	return dashboard.NewQueryVariableBuilder(label).
		Label(title).Datasource(dataSource).Definition(labels).
		Query(dashboard.StringOrMap{Map: map[string]any{
			"qryType": 1, // Grafana's number for "label values"
			"query":   labels,
			"refId":   "PrometheusVariableQueryEditor-VariableQuery",
		}}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalCaseInsensitiveAsc).
		Multi(true).IncludeAll(true).
		AllValue(".*"). // also for series without the label
		Current(dashboard.VariableOption{
			Selected: cog.ToPtr(true),
			Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}

// mark draws a line at each moment at which expr has a series. One that has a
// series for a minute after something began marks the beginning alone.
func mark(name, color, expr string) *dashboard.AnnotationQueryBuilder {
	return dashboard.NewAnnotationQueryBuilder().
		Name(name).IconColor(color).
		Datasource(dataSource).Expr(complete.Replace(expr)).Step("60s")
}

const defaultRunbooks = "http://localhost:10458/docs/runbooks.md"

// runbooks is the address of the page that has one section for each alert.
type runbooks string

// configured is what the Makefile says.
func configured() runbooks { return runbooks(cmp.Or(os.Getenv("RUNBOOK_BASE"), defaultRunbooks)) }

type link = cog.Builder[dashboard.DashboardLink]

// section returns panel links to the sections of the named alerts. Markdown viewers make a section's
// anchor of its heading, the alert's name, in lower case.
func (r runbooks) section(alerts ...string) (links []link) {
	for _, alert := range alerts {
		links = append(links, r.link("Runbook: "+alert, "#"+strings.ToLower(alert)))
	}
	return links
}

// page returns a link to the whole page.
func (r runbooks) page() []link { return []link{r.link("Runbooks", "")} }

func (r runbooks) link(title, anchor string) link {
	return dashboard.NewDashboardLinkBuilder(title).
		Type(dashboard.DashboardLinkTypeLink).Icon("doc").
		Tooltip("What it means, where to look in Rocket.Chat, what to do").
		Url(string(r) + anchor).TargetBlank(true)
}
