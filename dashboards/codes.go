package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A code is a number that stands for a condition: timelines, tables and stats draw one numeric
// series best, and value mappings turn it into text and colour. A higher code is more pressing, so
// the maximum over many workspaces is the one to look at.
type code struct {
	number int
	text   string // what people read
	color  string
	expr   string // has a series for each workspace in this condition
}

const grey = "#6e7784"

// importCodes are the conditions of the newest import. An import that failed
// long ago is less pressing than one that needs help now.
var importCodes = []code{
	{0, "no import yet", grey, inState("none")},
	{1, "canceled", "#8a8f98", inState("canceled")},
	{2, "done", "green", inState("done")},
	{3, "ended", "#8a8f98", ended},
	{4, "new", "light-blue", inState("new")},
	{5, "ready to start", "yellow", inState("ready")},
	// In the exporter's mode unguarded nothing else is known.
	{6, "loading", "purple", inState("loading") + " or " + lately("rocketchat_import_waiting{}") + " == 1"},
	{7, "importing", "blue", inState("importing")},
	// The server is in a step that the exporter does not know.
	{8, "unknown step", "orange", maxBy("instance", lately("rocketchat_import_state{}")) + " == 0"},
	{9, "error", "red", inState("error")},
	{10, "interrupted", "red", lately("rocketchat_import_operation_valid{}") + " == 0 unless on (instance) " +
		inStep("importer_(done|import_failed|import_cancelled)")},
	{11, "aborted", "red", aborted},
	{12, "set back", "dark-red", `increase(rocketchat_import_incidents_total{kind="set_back"}[1h]) > 0`},
	{13, "stalled", "dark-red", stalled},
}

// blindCodes are the scrapes that fail: nothing is known of the import.
var blindCodes = []code{
	{14, "exporter down", "dark-orange", `up{job="rocketchat_import"} == 0`},
	{15, "no answer", "orange", `rocketchat_import_up{} == 0`},
	{16, "forbidden", "red", `rocketchat_import_auth_failure{reason="forbidden"} == 1`},
	{17, "unauthorized", "red", `rocketchat_import_auth_failure{reason="unauthorized"} == 1`},
}

var (
	stateCodes  = slices.Concat(importCodes, blindCodes)
	scrapeCodes = append([]code{{1, "ok", "green", `rocketchat_import_up{} == 1`}}, blindCodes...)

	// stateCode is the code of each workspace's newest import or, where nothing is
	// known of it, of the scrape that failed.
	stateCode = highest(importCodes) + "\nor on (instance)\n" + highest(blindCodes)
)

// highest is the highest code of each workspace. The highest comes first, since
// "or" drops a later term that has the same labels.
func highest(codes []code) string {
	var terms []string
	for _, c := range slices.Backward(codes) {
		terms = append(terms, fmt.Sprintf("%d + 0 * (%s)", c.number, c.expr))
	}
	return "max by (instance) (\n  " + strings.Join(terms, "\n  or ") + "\n)"
}

func mappings(codes ...code) values {
	options := map[string]dashboard.ValueMappingResult{}
	for i, c := range codes {
		options[strconv.Itoa(c.number)] = shown(c.text, c.color, int32(i))
	}
	return texts(options)
}

func texts(options map[string]dashboard.ValueMappingResult) values {
	return values{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}

// shown is what a value mapping shows; color may be empty.
func shown(text, color string, index int32) dashboard.ValueMappingResult {
	result := dashboard.ValueMappingResult{Text: &text, Index: &index}
	if color != "" {
		result.Color = &color
	}
	return result
}

// nothing shows the -1 of orNothing as text.
func nothing(text string) values { return mappings(code{number: -1, text: text}) }

// moving shows the seconds between two saves of a healthy import as a word.
var moving = dashboard.ValueMapping{RangeMap: &dashboard.RangeMap{
	Type:    dashboard.MappingTypeRangeToText,
	Options: dashboard.DashboardRangeMapOptions{From: cog.ToPtr(0.0), To: cog.ToPtr(90.0), Result: shown("moving", "green", 1)},
}}

// absent shows a cell without a value as a dash.
var absent = dashboard.ValueMapping{SpecialValueMap: &dashboard.SpecialValueMap{
	Type:    dashboard.MappingTypeSpecialValue,
	Options: dashboard.DashboardSpecialValueMapOptions{Match: dashboard.SpecialValueMatchNullAndNan, Result: shown("-", "", 100)},
}}

// shortStep shows the name of a step without what all names begin with.
var shortStep = dashboard.ValueMapping{RegexMap: &dashboard.RegexMap{
	Type:    dashboard.MappingTypeRegexToText,
	Options: dashboard.DashboardRegexMapOptions{Pattern: "importer_(.+)", Result: shown("$1", "", 0)},
}}
