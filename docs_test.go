package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const (
	metricsPage = "docs/metrics.md"
	// What follows this line of the page is written by the test.
	pageMarker = "<!-- What follows is written by: make generate -->\n"
)

func TestThePageOfMetricsIsWhatTheExporterShows(t *testing.T) {
	seen := map[string]*dto.MetricFamily{}
	for _, generation := range rocketchatsim.Generations() {
		r := simtest.New(t, generation)
		r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit) // so that the rate limit shows
		op := simtest.Operation(rocketchatsim.StepUserSelection)
		op.Count = &rocketchatsim.Count{ // everything
			Total: new(4), Users: new(1), Channels: new(1), Messages: new(1), Contacts: new(1), Completed: new(0), Error: new(0),
		}
		r.Sim.SetOperation(op)
		file := strings.Replace(workspacesAt(r.Config.URL.String(), "acme"), "}", ", min_interval: 0s}", 1)
		p := start(t, "--config.file="+temporary(t, file))
		see(t, seen, p.get("/probe?target=acme"))
		for _, step := range []string{rocketchatsim.StepImportingUsers, rocketchatsim.StepDone, rocketchatsim.StepUserSelection} { // it is aborted, and then set back
			r.Update(func(op *rocketchatsim.Operation) { op.Step, op.Valid = step, step != rocketchatsim.StepDone })
			see(t, seen, p.get("/probe?target=acme"))
		}
		see(t, seen, p.get("/metrics"))
	}
	page, err := os.ReadFile(metricsPage)
	require.NoError(t, err)
	written, _, found := strings.Cut(string(page), pageMarker)
	require.True(t, found, "%s has no line %q", metricsPage, pageMarker)
	want := written + pageMarker + listOf(seen)
	if *update {
		require.NoError(t, os.WriteFile(metricsPage, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(page), "%s is stale: run make generate", metricsPage)
}

// see adds an exposition to what was seen.
func see(t *testing.T, seen map[string]*dto.MetricFamily, exposition string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition))
	require.NoError(t, err)
	for name, family := range families {
		if before := seen[name]; before != nil {
			family.Metric = append(family.Metric, before.Metric...)
		}
		seen[name] = family
	}
}

// listOf lists the exporter's own metrics in Markdown.
func listOf(seen map[string]*dto.MetricFamily) string {
	var page strings.Builder
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if !strings.HasPrefix(name, "rocketchat_import_") {
			continue
		}
		family := seen[name]
		fmt.Fprintf(&page, "\n### %s\n\n%s. %s\n", name, strings.ToLower(family.GetType().String()), family.GetHelp())
		values := map[string][]string{} // of each label
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				values[label.GetName()] = append(values[label.GetName()], label.GetValue())
			}
		}
		for _, label := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(&page, "\n- `%s`", label)
			if label != "code" && label != "operation_id" && !strings.HasSuffix(name, "_info") { // nobody can list those
				slices.Sort(values[label])
				fmt.Fprintf(&page, ": `%s`", strings.Join(slices.Compact(values[label]), "`, `"))
			}
		}
		if len(values) > 0 {
			page.WriteString("\n")
		}
	}
	return page.String()
}
