package situations

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
	"rocketchat_import_exporter/internal/check"
	"rocketchat_import_exporter/internal/page"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
	"rocketchat_import_exporter/internal/watch"
)

var update = flag.Bool("update", false, "write the table anew")

const golden = "testdata/situations.md"

// workspace is a simulated Rocket.Chat, and what watches it.
type workspace struct {
	*simtest.Rig
	name    string
	watcher *watch.Watcher
	api     *collector.API
	down    bool // the exporter does not run
	// series are the values of each series at each scrape so far, in the notation of promtool's tests.
	series map[string][]string
	// last is the newest scrape's values.
	last map[string]string
}

func newWorkspace(t *testing.T, name string) *workspace {
	t.Helper()
	w := &workspace{Rig: simtest.New(t, rocketchatsim.Latest), name: name, api: collector.NewAPI(), series: map[string][]string{}}
	// The page takes the present for now. It shows no time that is to come, and nothing is overdue.
	w.Clock.Advance(time.Until(simtest.Epoch).Abs() + time.Hour)
	restartExporter(t, w)
	return w
}

// restartExporter starts an exporter that knows nothing.
func restartExporter(t *testing.T, w *workspace) {
	if w.watcher != nil {
		w.watcher.Close()
	}
	c, err := w.Config.Client("test", w.api.Observe)
	require.NoError(t, err)
	w.watcher = watch.New(t.Context(), c, w.Config, watch.NewMemory(log.NewNopLogger(), watch.MaxTook), w.Clock.Now)
	t.Cleanup(w.watcher.Close)
}

var sample = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? (.+)$`)

// scrape records what the exporter answers, or that it does not.
func (w *workspace) scrape(minute int) {
	w.last = map[string]string{"up{}": "0"}
	if !w.down {
		answer := httptest.NewRecorder()
		collector.Serve(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil), w.watcher, w.api, nil, log.NewNopLogger())
		for _, m := range sample.FindAllStringSubmatch(answer.Body.String(), -1) {
			w.last[m[1]+"{"+m[2]+"}"] = m[3]
		}
		w.last["up{}"] = "1"
	}
	for series, value := range w.last {
		for len(w.series[series]) < minute {
			w.series[series] = append(w.series[series], "_")
		}
		w.series[series] = append(w.series[series], value)
	}
	for series, values := range w.series {
		if len(values) == minute { // it was there once
			w.series[series] = append(values, "stale")
		}
	}
}

// readSelection does what an exporter must not: it calls getImportFileData whatever the step.
func (w *workspace) readSelection() {
	request := httptest.NewRequest(http.MethodGet, "/api/v1/"+rocketchatsim.GetImportFileData, nil)
	request.Header.Set("X-User-Id", simtest.UserID)
	request.Header.Set("X-Auth-Token", simtest.Token)
	w.Sim.ServeHTTP(httptest.NewRecorder(), request)
}

func TestNothingContradictsWhatIsSaidElsewhere(t *testing.T) {
	var workspaces []*workspace
	var series strings.Builder
	for i, s := range situations {
		w := newWorkspace(t, fmt.Sprintf("w%02d", i))
		for minute := range minutes + 1 {
			if a := s.acts[minute]; a != nil {
				a(t, w)
			}
			w.scrape(minute)
			if minute < minutes {
				w.Clock.Advance(time.Minute)
			}
		}
		for name, values := range w.series {
			fmt.Fprintf(&series, "  %s %s\n", strings.Replace(name, "{", `{job="rocketchat_import",instance="`+w.name+`",`, 1), strings.Join(values, " "))
		}
		workspaces = append(workspaces, w)
	}
	p := newPrometheus(t, series.String())
	board := readDashboard(t)

	var table strings.Builder
	table.WriteString("What dashboard, page, check, metrics and alerts say of the same import. `go test ./situations -update` in test/ writes it.\n\n" +
		"| situation | dashboard | page | check | metrics | alerts |\n|---|---|---|---|---|---|\n")
	for i, w := range workspaces {
		row := []string{situations[i].name, p.dashboard(board, w.name), w.page(), w.check(t), w.metrics(), p.alerts(w.name)}
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", "\\|")
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(row, " | "))
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(table.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), table.String(), "read the difference, then go test ./situations -update")
}

// prometheus has all series, and the alerts that the rules make of them.
type prometheus struct {
	t       *testing.T
	engine  *promql.Engine
	storage *teststorage.TestStorage
}

// late lets the rules write into the past: all series are there before they begin.
func late(o *tsdb.Options) { o.OutOfOrderTimeWindow = (2 * minutes * time.Minute).Milliseconds() }

var end = time.Unix(0, 0).Add(minutes * time.Minute)

func newPrometheus(t *testing.T, series string) prometheus {
	t.Helper()
	p := prometheus{t, promqltest.NewTestEngine(t, false, 5*time.Minute, 10_000_000), promqltest.LoadedStorage(t, "load 1m\n"+series, late)}
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(p.engine, p.storage), AppendableV2: p.storage, Queryable: p.storage, Context: t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: promslog.NewNopLogger(), Parser: parser.NewParser(parser.Options{}),
	})
	groups, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, "../../alerts/rocketchat-import.rules.yml")
	require.Empty(t, errs)
	for _, g := range groups {
		for _, r := range g.Rules() {
			if r, ok := r.(*rules.AlertingRule); ok {
				r.SetRestored(true) // else ALERTS is not written
			}
		}
	}
	for at := time.Unix(0, 0); !at.After(end); at = at.Add(time.Minute) {
		for _, name := range []string{"records", "alerts"} {
			for _, g := range groups {
				if g.Name() == "rocketchat-import-"+name {
					g.Eval(t.Context(), at)
					for _, r := range g.Rules() {
						require.NoError(t, r.LastError(), r.Name())
					}
				}
			}
		}
	}
	return p
}

// ask evaluates a query at the end.
func (p prometheus) ask(query string) promql.Vector {
	p.t.Helper()
	q, err := p.engine.NewInstantQuery(p.t.Context(), p.storage, nil, query, end)
	require.NoError(p.t, err, query)
	vector, err := q.Exec(p.t.Context()).Vector()
	require.NoError(p.t, err, query)
	return vector
}

func (p prometheus) alerts(instance string) string {
	var names []string
	for _, alert := range p.ask(fmt.Sprintf(`ALERTS{alertstate="firing",instance=%q}`, instance)) {
		names = append(names, strings.TrimPrefix(alert.Metric.Get("alertname"), "RocketChatImport")+" ("+alert.Metric.Get("severity")+")")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// dashboard is the State and the Progress of a workspace alone.
func (p prometheus) dashboard(board map[string]tile, instance string) string {
	ask := func(title string) (value string) {
		query := strings.NewReplacer("$cluster", ".*", "$namespace", ".*", "$instance", instance).Replace(board[title].Targets[0].Expr)
		for _, s := range p.ask(query) {
			value = strconv.FormatFloat(s.F, 'f', -1, 64)
		}
		return value
	}
	said := board["State"].texts(p.t)[ask("State")]
	if progress, err := strconv.ParseFloat(ask("Progress"), 64); err == nil && progress >= 0 {
		said += fmt.Sprintf(", %.1f %%", 100*progress)
	}
	return said
}

type tile struct {
	Title, Type string
	Targets     []struct{ Expr string }
	FieldConfig struct {
		Defaults struct {
			Mappings []struct{ Options json.RawMessage }
		}
	}
}

// texts are what the tile shows instead of numbers.
func (t tile) texts(tt *testing.T) map[string]string {
	var options map[string]struct{ Text string }
	require.NoError(tt, json.Unmarshal(t.FieldConfig.Defaults.Mappings[0].Options, &options))
	texts := map[string]string{}
	for number, option := range options {
		texts[number] = option.Text
	}
	return texts
}

// readDashboard is the tiles of the shipped dashboard by title.
func readDashboard(t *testing.T) map[string]tile {
	t.Helper()
	text, err := os.ReadFile("../../dashboards/rocketchat-import.json")
	require.NoError(t, err)
	var board struct{ Panels []tile }
	require.NoError(t, json.Unmarshal(text, &board))
	tiles := map[string]tile{}
	for _, p := range board.Panels {
		if p.Type == "stat" {
			tiles[p.Title] = p
		}
	}
	return tiles
}

var (
	cells = regexp.MustCompile(`(?s)<td role="cell"[^>]*>(.*?)</td>`)
	times = regexp.MustCompile(`(, seen )?<time.*?</time>`)
	links = regexp.MustCompile(`(?s)<a .*?</a>|<progress.*?</progress>`)
	tags  = regexp.MustCompile(`(?s)<.*?>`)
)

// page is the State and the Progress of the workspace in the table of the exporter's page, without times.
func (w *workspace) page() string {
	if w.down {
		return "no page"
	}
	answer := httptest.NewRecorder()
	home := page.Home{TelemetryPath: "/metrics", Workspaces: func() []page.Workspace {
		return []page.Workspace{{Name: w.name, URL: "https://chat.example.com", Status: w.watcher.Status(), Hint: func(client.Hint) string { return "" }}}
	}}
	home.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	var said []string
	for _, cell := range cells.FindAllStringSubmatch(answer.Body.String(), 2) {
		text := strings.ReplaceAll(cell[1], "<br>", "; ")
		for _, gone := range []*regexp.Regexp{times, links, tags} {
			text = gone.ReplaceAllString(text, "")
		}
		if text = strings.Join(strings.Fields(html.UnescapeString(text)), " "); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, ", ")
}

// check is the first sentence of what the command says of the import, or what it says of the failure.
func (w *workspace) check(t *testing.T) string {
	result := check.Run(t.Context(), w.name, w.Config, "test")
	switch {
	case !result.OK:
		return string(result.Reason)
	case result.Import == nil:
		return "no import"
	}
	first, _, _ := strings.Cut(result.Import.Meaning, ". ")
	return strings.TrimSuffix(first, ".")
}

// metrics are those that say how the import is.
func (w *workspace) metrics() string {
	var said []string
	for series, value := range w.last {
		name, isOurs := strings.CutPrefix(series, "rocketchat_import_")
		metric, its, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		switch {
		case series == "up{}" && value == "0", isOurs && metric == "up" && value == "0":
			said = append(said, strings.TrimSuffix(series, "{}")+" 0")
		case isOurs && slices.Contains([]string{"state", "step", "operation_incident", "auth_failure"}, metric) && value == "1":
			for _, label := range regexp.MustCompile(`(state|step|kind|reason)="(?:importer_)?(.*?)"`).FindAllStringSubmatch(its, -1) {
				said = append(said, metric+" "+label[2])
			}
		case isOurs && slices.Contains([]string{"operation_valid", "operation_finished"}, metric), isOurs && metric == "server_instances" && value != "1":
			said = append(said, metric+" "+value)
		}
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}
