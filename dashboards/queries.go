package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// dataSource is whatever the dashboard's data source variable says.
func dataSource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// now asks for the value at the end of the time range. A legend may be empty.
func now(expr, legend string) *prometheus.DataqueryBuilder {
	return newQuery(expr, legend).Instant()
}

// overTime asks for the values through the whole time range.
func overTime(expr, legend string) *prometheus.DataqueryBuilder {
	return newQuery(expr, legend).Range()
}

// rows asks for the values at the end of the time range, one table row for each
// series and one column for each of its labels.
func rows(expr string) *prometheus.DataqueryBuilder {
	return newQuery(expr, "").Instant().Format(prometheus.PromQueryFormatTable)
}

func newQuery(expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(dataSource()).
		EditorMode(prometheus.QueryEditorModeCode).
		Expr(expr).
		LegendFormat(legend)
}

// targets names the queries of one panel A, B, C and so on.
func targets(queries ...*prometheus.DataqueryBuilder) []cog.Builder[variants.Dataquery] {
	named := make([]cog.Builder[variants.Dataquery], 0, len(queries))
	for i, query := range queries {
		named = append(named, query.RefId(refID(i)))
	}
	return named
}

func refID(i int) string { return string(rune('A' + i)) }
