package main

import (
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const (
	metricsPage = "docs/metrics.md"
	// What follows this line of the page is written by the test.
	pageMarker = "<!-- What follows is written by: make generate -->\n"
)

// metricsSeen are the metrics that an exporter has shown, by name.
type metricsSeen map[string]*metricSeen

// metricSeen is a metric and the values that its labels had.
type metricSeen struct {
	help   string
	kind   dto.MetricType
	labels map[string]map[string]bool
}

// see takes note of an exposition.
func (m metricsSeen) see(t *testing.T, exposition string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	for name, family := range families {
		if !strings.HasPrefix(name, "rocketchat_import_") {
			continue
		}
		seen, ok := m[name]
		if !ok {
			seen = &metricSeen{help: family.GetHelp(), kind: family.GetType(), labels: map[string]map[string]bool{}}
			m[name] = seen
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if seen.labels[label.GetName()] == nil {
					seen.labels[label.GetName()] = map[string]bool{}
				}
				seen.labels[label.GetName()][label.GetValue()] = true
			}
		}
	}
}

// page lists the metrics in Markdown.
func (m metricsSeen) page() string {
	var page strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		seen := m[name]
		fmt.Fprintf(&page, "\n### %s\n\n%s. %s\n", name, strings.ToLower(seen.kind.String()), seen.help)
		for _, label := range slices.Sorted(maps.Keys(seen.labels)) {
			fmt.Fprintf(&page, "\n- `%s`", label)
			if label != "code" && !strings.HasSuffix(name, "_info") { // nobody can list those
				fmt.Fprintf(&page, ": `%s`", strings.Join(slices.Sorted(maps.Keys(seen.labels[label])), "`, `"))
			}
		}
		if len(seen.labels) > 0 {
			page.WriteString("\n")
		}
	}
	return page.String()
}

func TestThePageOfMetricsIsWhatTheExporterShows(t *testing.T) {
	seen := metricsSeen{}
	for _, generation := range rocketchatsim.Generations() {
		seeAll(t, seen, generation)
	}

	page, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	written, _, found := strings.Cut(string(page), pageMarker)
	if !found {
		t.Fatalf("%s has no line %q", metricsPage, pageMarker)
	}
	want := written + pageMarker + seen.page()
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s is stale: run make generate", metricsPage)
	}
}

// seeAll takes note of all that the exporter shows of an import that counts
// everything, in a workspace of a generation.
func seeAll(t *testing.T, seen metricsSeen, generation rocketchatsim.Generation) {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation})
	sim.SetUser("watcher", secret, rocketchatsim.RunImport) // and not exempt, so that the rate limit shows
	op := rocketchatsim.SlackOperation(rocketchatsim.StepUserSelection, time.Now())
	op.Count = &rocketchatsim.Count{
		Total: new(4), Users: new(1), Channels: new(1), Messages: new(1), Contacts: new(1), Completed: new(0), Error: new(0),
	}
	sim.SetOperation(op)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)

	f := newConfigFile(t, "workspaces:\n"+entry("acme", server.URL))
	p := start(t, "--config.file="+f.path)
	seen.see(t, p.get("/probe?target=acme"))
	seen.see(t, p.get("/metrics"))
}
