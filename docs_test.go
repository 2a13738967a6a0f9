package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
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

func TestEveryReasonIsWhereReasonsAreListed(t *testing.T) {
	read := func(file string) string {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(content)
	}
	var want, sorted []string
	for _, reason := range client.Reasons() {
		want = append(want, string(reason))
		sorted = append(sorted, "`"+string(reason)+"`")
		assert.Contains(t, read("collector/testdata/none.prom"), fmt.Sprintf("rocketchat_import_scrape_failures_total{reason=%q} 0\n", reason))
		assert.Contains(t, read("internal/check/testdata/check.txt"), fmt.Sprintf("%q:%q", "reason", reason), "check never says it")
	}
	slices.Sort(sorted)
	assert.Contains(t, read(metricsPage), "- `reason`: "+strings.Join(sorted, ", ")+"\n")
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .* \\| .* \\|$").FindAllStringSubmatch(read("docs/troubleshooting.md"), -1) {
		told = append(told, row[1])
	}
	assert.Equal(t, want, told)
	// What counts or draws failures by reason takes whatever reasons there are.
	assert.Regexp(t, `by \([a-z, ]*reason\) [^"]*rocketchat_import_scrape_failures_total`, read("dashboards/rocketchat-import.json"))
	assert.Contains(t, read("docs/runbooks.md"), "[troubleshooting.md](troubleshooting.md) says what to do about each.")
}
