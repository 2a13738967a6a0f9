package main

//lint:file-ignore SA1019 Grafana 11 cannot import the model that the builder recommends instead.

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// uid is the dashboard's address in Grafana; importing again replaces it.
const uid = "rocketchat-import"

// generate returns the dashboard as indented JSON. Keys are sorted, so that the
// same program always writes the same bytes. PromQL's < and > stay as they are: the
// builder's own encoders escape them, so their output is read and written once more.
func generate(base runbooks) ([]byte, error) {
	board, err := build(base)
	if err != nil {
		return nil, err
	}
	escaped, err := json.Marshal(board)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(escaped, &plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(plain)
	return out.Bytes(), err
}

// build returns Grafana's classic dashboard model, which every Grafana imports.
func build(base runbooks) (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder("Rocket.Chat import").
		Uid(uid).Tags([]string{"rocketchat", "import"}).
		Description("Data imports into Rocket.Chat workspaces, watched by rocketchat_import_exporter.").
		Time("now-6h", "now").Refresh("30s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dataSourceVariable()).WithVariable(instanceVariable()).
		Annotation(mark("Import alerts", "red", troubles+" unless ("+troubles+" offset 1m)").
			TitleFormat("{{alertname}}").TextFormat("{{instance}} ({{severity}})").TagKeys("severity")).
		Annotation(mark("Incidents", "purple", "rocketchat_import_incidents_total{} > rocketchat_import_incidents_total{} offset 1m").
			TitleFormat("Import {{kind}}").TextFormat("{{instance}}").TagKeys("kind")).
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
	adjust(board)
	return board, err
}

// adjust gives every panel its id and data source, and drops defaults of the builder.
func adjust(board dashboard.Dashboard) {
	for i, p := range board.Panels {
		id := uint32(i + 1)
		if p.Panel == nil {
			p.RowPanel.Id = id
			continue
		}
		p.Panel.Id = &id
		p.Panel.Datasource = &dataSource
		p.Panel.RepeatDirection = nil // with it, Grafana 11.0 draws a panel 24 wide
	}
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

// instanceVariable lists every workspace seen within the time range.
func instanceVariable() *dashboard.QueryVariableBuilder {
	const labels = "label_values(rocketchat_import_up, instance)"
	return dashboard.NewQueryVariableBuilder("instance").
		Label("Workspace").Datasource(dataSource).Definition(labels).
		Query(dashboard.StringOrMap{Map: map[string]any{
			"qryType": 1, // Grafana's number for "label values"
			"query":   labels,
			"refId":   "PrometheusVariableQueryEditor-VariableQuery",
		}}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalCaseInsensitiveAsc).
		Multi(true).IncludeAll(true).
		AllValue(".*"). // also for series without the label: one alert may speak for a whole job
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
		Datasource(dataSource).Expr(matchers.Replace(expr)).Step("60s")
}

const defaultRunbooks = "docs/runbooks.md"

// runbooks is the address of the page that has one section for each alert. A
// relative address leads nowhere in Grafana, so with one there are no links.
type runbooks string

type link = cog.Builder[dashboard.DashboardLink]

// section returns panel links to the sections of the named alerts. A section's
// anchor is its heading, the alert's name, in lower case, as Markdown viewers make it.
func (r runbooks) section(alerts ...string) []link {
	var links []link
	for _, alert := range alerts {
		links = append(links, r.links("Runbook: "+alert, "#"+strings.ToLower(alert))...)
	}
	return links
}

// page returns a link to the whole page.
func (r runbooks) page() []link { return r.links("Runbooks", "") }

func (r runbooks) links(title, anchor string) []link {
	if !strings.Contains(string(r), "://") {
		return nil
	}
	return []link{dashboard.NewDashboardLinkBuilder(title).
		Type(dashboard.DashboardLinkTypeLink).Icon("doc").
		Tooltip("What it means, where to look in Rocket.Chat, what to do").
		Url(string(r) + anchor).TargetBlank(true)}
}
