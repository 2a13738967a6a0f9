package main

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// Grafana's builder writes defaults that Grafana does not draw as meant: an empty orientation,
// repeatDirection (see adjust), colours by threshold. A dashboard is 24 columns wide.

type (
	panel    = cog.Builder[dashboard.Panel]
	values   = []dashboard.ValueMapping       // what is shown in place of a value
	settings = []dashboard.DynamicConfigValue // of one field, or of one query
)

var (
	latest       = common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
	multiTooltip = common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)
	// Grafana's own sizes make the value of a tile that names its workspaces too small.
	nameBesideValue = common.NewVizTextDisplayOptionsBuilder().TitleSize(12).ValueSize(24)
	dashed          = property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 8}})
)

// tile is one figure to be read from across the room.
func tile(title, description string, queries ...query) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(title).Description(description).Targets(targets(queries)).
		NoValue("not known").
		ReduceOptions(latest).Orientation(common.VizOrientationAuto).
		GraphMode(common.BigValueGraphModeNone).Thresholds(colored(grey, from(0, "text"))). // what is not known weighs less
		Unit(units.Short).Height(4).Span(8)
}

// bars are the flags of the selection.
func bars(title, description string, queries ...query) *bargauge.PanelBuilder {
	return bargauge.NewPanelBuilder().
		Title(title).Description(description).Targets(targets(queries)).
		NoValue("selection not known").
		ReduceOptions(latest).Orientation(common.VizOrientationHorizontal).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		ShowUnfilled(false). // without a value it would be a bar of nothing
		Thresholds(colored("text", from(0, "blue"))).
		Unit(units.LocaleFormat).Min(0).Height(6).Span(8)
}

// graph draws lines that never go below 0.
func graph(title, description string, queries ...query) *timeseries.PanelBuilder {
	return lines(title, description, queries...).Min(0)
}

// lines draws lines without fill: those of twenty workspaces lie on each other.
func lines(title, description string, queries ...query) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().
		Title(title).Description(description).Targets(targets(queries)).
		Legend(legend(common.LegendPlacementBottom)).Tooltip(multiTooltip).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		LineWidth(2).FillOpacity(0).ShowPoints(common.VisibilityModeNever).
		Unit(units.Short).Height(8).Span(12)
}

// timeline draws one line of coloured spans for each workspace. Without a workspace it has a line that
// says so: Grafana would say that the data has no time.
func timeline(title, description string, expr string, codes []code) *statetimeline.PanelBuilder {
	const nobody = "no exporter is scraped"
	expr += "\nor on () label_replace(vector(-1), \"instance\", \"nothing\", \"\", \"\")"
	return statetimeline.NewPanelBuilder().
		Title(title).Description(description).Targets(targets([]query{overTime(expr, called)})).
		NoValue(nobody).Mappings(mappings(slices.Concat(codes, []code{{number: -1, text: nobody, color: grey}})...)).
		ColorScheme(colors(dashboard.FieldColorModeIdFixed, grey)). // by threshold, value mappings are not drawn
		Legend(legend(common.LegendPlacementBottom)).Tooltip(multiTooltip).
		Unit(units.Short).PerPage(20).FillOpacity(80).Height(12).Span(24)
}

func legend(placement common.LegendPlacement) *common.VizLegendOptionsBuilder {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).Placement(placement)
}

func colors(mode dashboard.FieldColorModeId, color string) *dashboard.FieldColorBuilder {
	return dashboard.NewFieldColorBuilder().Mode(mode).FixedColor(color)
}

// from is the value from which a colour holds.
func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: &value, Color: color}
}

// colored returns the colour below the first threshold, then the thresholds.
func colored(base string, above ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps(append([]dashboard.Threshold{{Color: base}}, above...))
}

// thresholds is colored for one field.
func thresholds(base string, above ...dashboard.Threshold) dashboard.DynamicConfigValue {
	steps := append([]dashboard.Threshold{{Color: base}}, above...)
	return property("thresholds", dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: steps})
}

// property is one setting of a field override, by Grafana's name for it.
func property(id string, value any) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: id, Value: value}
}

// colorOf is one colour, or one colour's shades, for one field.
func colorOf(mode dashboard.FieldColorModeId, color string) settings {
	return settings{property("color", dashboard.FieldColor{Mode: mode, FixedColor: &color})}
}

// rename renames series by a regular expression, between slashes: Grafana anchors one without.
func rename(regex, pattern string) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "renameByRegex", Options: map[string]any{"regex": regex, "renamePattern": pattern}}
}
