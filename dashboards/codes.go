package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A code is a number that stands for a condition: timelines, tables and stats
// draw one numeric series best, and value mappings turn it into text and colour.
// A higher code is the more pressing one, so that the maximum over many
// workspaces is the one to look at.
type code struct {
	number int
	name   string // value of the metric's label state; empty where there is none
	text   string // what people read
	color  string
}

const loading = 5

// stateCodes are the states of rocketchat_import_state.
var stateCodes = []code{
	{0, "none", "no import yet", "#6e7784"},
	{1, "canceled", "canceled", "#8a8f98"},
	{2, "done", "done", "green"},
	{3, "new", "new", "light-blue"},
	{4, "ready", "ready to start", "yellow"},
	{loading, "loading", "loading", "purple"},
	{6, "importing", "importing", "blue"},
	{8, "error", "error", "red"},
}

// unknownState is shown when all eight states are 0: the server is in a step
// that the exporter does not know.
var unknownState = code{7, "", "unknown step", "orange"}

// The codes of what a scrape found out.
const (
	scrapeExporterDown = -1
	scrapeFailed       = 0
	scrapeOK           = 1
	scrapeForbidden    = 2
	scrapeUnauthorized = 3
)

var scrapeCodes = []code{
	{scrapeExporterDown, "", "exporter down", "dark-red"},
	{scrapeFailed, "", "no answer", "orange"},
	{scrapeOK, "", "ok", "green"},
	{scrapeForbidden, "", "forbidden", "red"},
	{scrapeUnauthorized, "", "unauthorized", "red"},
}

// stateCode is the code of each workspace's state. A server known through
// rocketchat_import_waiting alone (the exporter's unguarded mode) is loading
// while that is 1.
func stateCode() string {
	var terms []string
	for _, state := range stateCodes {
		is := lately("rocketchat_import_state", fmt.Sprintf(`state="%s"`, state.name))
		terms = append(terms, fmt.Sprintf("%d * (%s == 1)", state.number, is))
	}
	known := "max by (instance) (\n  " + strings.Join(terms, "\n  or ") + "\n)"
	unknown := fmt.Sprintf("%d + (%s == 0)", unknownState.number, maxBy("instance", lately("rocketchat_import_state")))
	waiting := fmt.Sprintf("%d * (%s == 1)", loading, maxBy("instance", lately("rocketchat_import_waiting")))
	return strings.Join([]string{known, unknown, waiting}, "\nor ")
}

// scrapeCode is the code of each workspace's latest scrape.
func scrapeCode() string {
	refused := func(number int, reason string) string {
		return fmt.Sprintf("%d * (%s == 1)", number, selector("rocketchat_import_auth_failure", fmt.Sprintf(`reason="%s"`, reason)))
	}
	return strings.Join([]string{
		"max by (instance) (\n  " + refused(scrapeUnauthorized, "unauthorized") + "\n  or " + refused(scrapeForbidden, "forbidden") + "\n)",
		maxBy("instance", selector("rocketchat_import_up")),
		maxBy("instance", selector("up", `job="rocketchat_import"`)) + " - 1",
	}, "\nor ")
}

func allStates() []code { return append(slices.Clone(stateCodes), unknownState) }

func mappings(codes ...code) []dashboard.ValueMapping {
	options := make(map[string]dashboard.ValueMappingResult, len(codes))
	for i, c := range codes {
		options[strconv.Itoa(c.number)] = dashboard.ValueMappingResult{
			Text:  cog.ToPtr(c.text),
			Color: cog.ToPtr(c.color),
			Index: cog.ToPtr(int32(i)),
		}
	}
	return []dashboard.ValueMapping{{
		ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options},
	}}
}

// withoutPrefix shows texts that begin with prefix without it.
func withoutPrefix(prefix string) []dashboard.ValueMapping {
	return []dashboard.ValueMapping{{
		RegexMap: &dashboard.RegexMap{
			Type: dashboard.MappingTypeRegexToText,
			Options: dashboard.DashboardRegexMapOptions{
				Pattern: prefix + "(.+)",
				Result:  dashboard.ValueMappingResult{Text: cog.ToPtr("$1"), Index: cog.ToPtr(int32(0))},
			},
		},
	}}
}
