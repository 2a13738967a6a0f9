package main

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
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

var (
	markdownLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	markdownHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor     = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestEveryLinkOfAServedPageLeadsToAServedPage(t *testing.T) {
	p := start(t, credentials...)
	links := 0
	require.NoError(t, fs.WalkDir(docs, ".", func(page string, _ fs.DirEntry, err error) error {
		if path.Ext(page) != ".md" {
			return err
		}
		for _, link := range markdownLink.FindAllStringSubmatch(p.get("/"+page), -1) {
			file, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			links++
			target := "/" + page
			if file != "" {
				target = path.Join(path.Dir(target), file)
			}
			content := p.get(target)
			if anchor != "" {
				assert.Contains(t, anchors(content), anchor, "%s links to %s", page, link[1])
			}
		}
		return err
	}))
	assert.NotZero(t, links)
}

// anchors are the anchors that GitHub makes of the headings of a page.
func anchors(page string) (found []string) {
	for _, heading := range markdownHeading.FindAllStringSubmatch(page, -1) {
		text := notInAnchor.ReplaceAllString(strings.ToLower(heading[1]), "")
		found = append(found, strings.ReplaceAll(text, " ", "-"))
	}
	return found
}

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
		p := start(t, "--config.file="+temporary(t, workspacesAt(r.Config.URL.String(), "acme")))
		see(t, seen, p.get("/probe?target=acme"))
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
			if label != "code" && !strings.HasSuffix(name, "_info") { // nobody can list those
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
