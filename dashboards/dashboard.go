package main

//lint:file-ignore SA1019 Grafana 11 cannot import the model that the builder recommends instead.

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// uid is the dashboard's address in Grafana; importing again replaces it.
const uid = "rocketchat-import"

// board is Grafana's classic dashboard model, which every Grafana imports.
type board = dashboard.Dashboard

type row struct {
	title  string
	panels []panel
}

// generate returns the dashboard as indented JSON. Keys are sorted, so that the
// same program always writes the same bytes.
func generate(base runbooks) ([]byte, error) {
	b, err := build(base)
	if err != nil {
		return nil, fmt.Errorf("build dashboard: %w", err)
	}
	return encode(b)
}

func build(base runbooks) (board, error) {
	builder := dashboard.NewDashboardBuilder("Rocket.Chat import").
		Uid(uid).
		Description("Data imports into Rocket.Chat workspaces, watched by rocketchat_import_exporter.").
		Tags([]string{"rocketchat", "import"}).
		Time("now-6h", "now").
		Refresh("30s").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dataSourceVariable()).
		WithVariable(instanceVariable()).
		Annotation(mark("Import alerts", "red", troubles+" unless ("+troubles+" offset 1m)").
			TitleFormat("{{alertname}}").
			TextFormat("{{instance}} ({{severity}})").
			TagKeys("severity")).
		Annotation(mark("Incidents", "purple", "rocketchat_import_incidents_total{} > rocketchat_import_incidents_total{} offset 1m").
			TitleFormat("Import {{kind}}").
			TextFormat("{{instance}}").
			TagKeys("kind")).
		Links(base.page())

	for _, r := range []row{
		{"At a glance", overview(base)},
		{"Progress", progressPanels(base)},
		{"Staged", stagedPanels()},
		{"Exporter", exporterPanels(base)},
	} {
		builder.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			builder.WithPanel(p)
		}
	}

	b, err := builder.Build()
	if err != nil {
		return board{}, err
	}
	number(&b)
	showLinks(&b)
	return b, nil
}

func dataSourceVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").
		Type("prometheus").
		Current(dashboard.VariableOption{ // without it, Grafana takes the first by name
			Selected: cog.ToPtr(true),
			Text:     dashboard.StringOrArrayOfString{String: cog.ToPtr("default")},
			Value:    dashboard.StringOrArrayOfString{String: cog.ToPtr("default")},
		})
}

// instanceVariable lists every workspace seen within the time range.
func instanceVariable() *dashboard.QueryVariableBuilder {
	const query = "label_values(rocketchat_import_up, instance)"
	return dashboard.NewQueryVariableBuilder("instance").
		Label("Workspace").
		Datasource(dataSource()).
		Definition(query).
		Query(dashboard.StringOrMap{Map: map[string]any{
			"qryType": 1, // Grafana's number for "label values"
			"query":   query,
			"refId":   "PrometheusVariableQueryEditor-VariableQuery",
		}}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalCaseInsensitiveAsc).
		Multi(true).
		IncludeAll(true).
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
		Name(name).
		Datasource(dataSource()).
		Enable(true).
		IconColor(color).
		Expr(expand(expr)).
		Step("60s")
}

// number sets the id of every panel; Grafana wants them unique. It drops the
// builder's repeatDirection: with it, Grafana 11.0 draws a panel 24 wide.
func number(b *board) {
	for i, p := range b.Panels {
		id := uint32(i + 1)
		if p.Panel != nil {
			p.Panel.Id = &id
			p.Panel.RepeatDirection = nil
		} else {
			p.RowPanel.Id = id
		}
	}
}

// showLinks keeps the dashboard's links in sight; the builder's default hides
// them in a menu.
func showLinks(b *board) {
	for i := range b.Links {
		b.Links[i].Placement = nil
	}
}

// encode writes PromQL's < and > as they are: the builder's own encoders
// escape them, so their output is read and written once more.
func encode(b board) ([]byte, error) {
	escaped, err := json.Marshal(b)
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
	if err := encoder.Encode(plain); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
