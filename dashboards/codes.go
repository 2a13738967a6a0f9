package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A code is a number that stands for a condition, since panels draw one numeric series best. A higher
// code is more pressing, so the maximum over many workspaces is the one to look at.
type code struct {
	number int
	text   string // what people read
	color  string
	expr   string // has a series for each workspace in this condition
}

const grey = "#6e7784"

// importCodes are the conditions of the newest import.
var importCodes = []code{
	{0, "no import yet", grey, inState("none")},
	{1, "canceled", "#8a8f98", inState("canceled")},
	{2, "given up", "#8a8f98", invalid + inStep("importer_(new|file_loaded)")},
	{3, "done", "green", inState("done")},
	{4, "ended", "#8a8f98", ended},
	{5, "new", "light-blue", inState("new")},
	{6, "ready to start", "yellow", inState("ready")},
	{7, "nothing staged", "#8a8f98", nothingStaged},
	// In the exporter's mode unguarded nothing else is known.
	{8, "loading", "purple", inState("loading") + " or " + lately("rocketchat_import_waiting{}") + " == 1"},
	{9, "importing", "blue", inState("importing")},
	// The server is in a step that the exporter does not know.
	{10, "unknown step", "orange", maxBy("workspace", lately("rocketchat_import_state{}")) + " == 0"},
	{13, "failed", "red", inStep("importer_import_failed")},
	{14, "interrupted", "red", invalid + inStep("importer_(uploading|downloading_file|preparing_.+|importing_.+|finishing)")},
	{15, "aborted", "red", aborted},
	{16, "set back", "dark-red", setBack},
	{17, "stalled", "dark-red", stalled},
}

// blindCodes are the scrapes that fail. What is known to be bad is more pressing.
var blindCodes = []code{
	{11, "exporter down", "dark-orange", `up{job="rocketchat_import"} == 0`},
	{12, "no answer", "orange", `rocketchat_import_up{} == 0`},
}

// refusedCodes are the refusals, which end when somebody acts.
var refusedCodes = []code{
	{18, "forbidden", "red", `rocketchat_import_auth_failure{reason="forbidden"} == 1`},
	{19, "unauthorized", "red", `rocketchat_import_auth_failure{reason="unauthorized"} == 1`},
}

var (
	stateCodes  = byNumber(importCodes, blindCodes, refusedCodes)
	scrapeCodes = byNumber([]code{{1, "ok", "green", `rocketchat_import_up{} == 1`}}, blindCodes, refusedCodes)

	// stateCode is the code of each workspace's newest import, unless Rocket.Chat refuses the
	// exporter or, where nothing is known of the import, of the scrape that failed.
	stateCode = highest(refusedCodes) + "\nor on (workspace)\n" + highest(importCodes) + "\nor on (workspace)\n" + highest(blindCodes)
)

func byNumber(codes ...[]code) []code {
	return slices.SortedFunc(slices.Values(slices.Concat(codes...)), func(a, b code) int { return a.number - b.number })
}

// highest is the highest code of each workspace. "or" drops a later term that has the same labels.
func highest(codes []code) string {
	var terms []string
	for _, c := range slices.Backward(codes) {
		terms = append(terms, fmt.Sprintf("%d + 0 * (%s)", c.number, c.expr))
	}
	return "max by (workspace) (\n  " + strings.Join(terms, "\n  or ") + "\n)"
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
func nothing(text string) values { return mappings(code{number: -1, text: text, color: grey}) }

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

// without shows names without what all of them begin with.
func without(prefix string) values {
	return values{{RegexMap: &dashboard.RegexMap{
		Type:    dashboard.MappingTypeRegexToText,
		Options: dashboard.DashboardRegexMapOptions{Pattern: "^" + prefix + "(.+)$", Result: shown("$1", "", 0)},
	}}}
}
