package shipped

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

// limits are how long Rocket.Chat may leave an import unsaved before an alert fires.
type limits struct{ running, loading, transfer time.Duration }

var (
	idleLimit = regexp.MustCompile(`> (\d+) \* (60|3600)\b`)
	window    = regexp.MustCompile(`operation_updated_timestamp_seconds(?:\{[^}]*\})?\[(\w+)\]`)
	spoken    = regexp.MustCompile(`\b\d+ (?:minutes|hours)\b`)
)

// spansIn returns the limits that a query compares with, in its order.
func spansIn(t *testing.T, expr string) (found []time.Duration) {
	t.Helper()
	for _, match := range idleLimit.FindAllStringSubmatch(expr, -1) {
		n, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		unit, err := time.ParseDuration(match[2] + "s")
		require.NoError(t, err)
		found = append(found, time.Duration(n)*unit)
	}
	return found
}

// theLimits reads the limits from the rules, the one place that has them.
func theLimits(t *testing.T) limits {
	t.Helper()
	rules := rulesByName(t)
	running := spansIn(t, rules["RocketChatImportStalled"][0].Expr)
	loading := spansIn(t, rules["RocketChatImportPreparationStalled"][0].Expr)
	require.Len(t, running, 1)
	require.Len(t, loading, 2, "the file is there, the file is under way")
	return limits{running[0], loading[0], loading[1]}
}

func TestAStallNeedsNoSaveForAsLongAsItsLimit(t *testing.T) {
	for _, name := range []string{"RocketChatImportStalled", "RocketChatImportPreparationStalled"} {
		expr := rulesByName(t)[name][0].Expr
		var windows []time.Duration
		for _, match := range window.FindAllStringSubmatch(expr, -1) {
			d, err := time.ParseDuration(match[1])
			require.NoError(t, err)
			windows = append(windows, d)
		}
		var want []time.Duration
		for _, limit := range spansIn(t, expr) {
			want = append(want, limit, limit) // max_over_time > min_over_time
		}
		assert.Equal(t, want, windows, name)
	}
}

func TestTheDashboardShowsAStallWhenItsAlertFires(t *testing.T) {
	l, stalls := theLimits(t), 0
	eachQuery(t, func(where, expr string) {
		if found := spansIn(t, expr); len(found) > 0 {
			for ; len(found) >= 3; found, stalls = found[3:], stalls+1 {
				assert.Equal(t, []time.Duration{l.running, l.loading, l.transfer}, found[:3], where)
			}
			assert.Empty(t, found, where)
		}
	})
	assert.Positive(t, stalls)
}

// The page and the command check both ask for a diagnosis.
func TestTheDiagnosisIsAStallWhenItsAlertFires(t *testing.T) {
	l, now := theLimits(t), time.Date(2026, 11, 24, 6, 31, 55, 0, time.UTC)
	for _, c := range []struct {
		step     client.Step
		importer string
		limit    time.Duration // 0 for none
	}{
		{"importer_importing_messages", "slack", l.running},
		{"importer_finishing", "slack", l.running},
		{"importer_importing_files", "pending-files", 0},
		{"importer_importing_files", "pending-avatars", 0},
		{"importer_preparing_users", "slack", l.loading},
		{"importer_preparing_started", "pending-files", l.loading},
		{"importer_file_loaded", "slack", l.loading},
		{"importer_uploading", "slack", l.transfer},
		{"importer_downloading_file", "slack", l.transfer},
		{"importer_new", "slack", 0},
		{client.StepUserSelection, "slack", 0},
		{"importer_import_failed", "slack", 0},
		{"importer_dreaming", "slack", 0},
		{client.StepDone, "slack", 0},
	} {
		stalledAfter := func(idle time.Duration) bool {
			op := &client.Operation{ID: "a", Importer: c.importer, Step: c.step, Valid: true, Created: now.Add(-idle), Updated: now.Add(-idle)}
			seen := watch.Status{At: now, Snapshot: watch.Snapshot{Up: true, PositionKnown: true, Operation: op, ServerTime: now}}
			return diagnosis.Diagnose(seen).Rank == diagnosis.RankStalled
		}
		if c.limit == 0 {
			assert.False(t, stalledAfter(1000*time.Hour), "%s of %s", c.step, c.importer)
			continue
		}
		assert.False(t, stalledAfter(c.limit), "%s of %s: before the alert", c.step, c.importer)
		assert.True(t, stalledAfter(c.limit+time.Second), "%s of %s: after the alert", c.step, c.importer)
	}
}

func TestTheDocsSayWhenAStallFires(t *testing.T) {
	l := theLimits(t)
	running, loading, transfer := diagnosis.Span(l.running), diagnosis.Span(l.loading), diagnosis.Span(l.transfer)
	for _, c := range []struct {
		file, from, until string
		want              []string
	}{
		{"docs/alerting.md", "| `RocketChatImportStalled` |", "\n", []string{running}},
		{"docs/alerting.md", "| `RocketChatImportPreparationStalled` |", "\n", []string{loading, transfer}},
		{"docs/runbooks.md", "## RocketChatImportStalled\n", "**Where to look.**", []string{running}},
		{"docs/runbooks.md", "## RocketChatImportPreparationStalled\n", "**Where to look.**", []string{loading, transfer}},
		{"alerts/rocketchat-import.rules.yml", "# Uploads and downloads save nothing", "\n", []string{transfer}},
	} {
		_, text, found := strings.Cut(read(t, "../../"+c.file), c.from)
		require.True(t, found, "%s has no %q", c.file, c.from)
		text, _, found = strings.Cut(text, c.until)
		require.True(t, found, "%s has no %q after %q", c.file, c.until, c.from)
		assert.Equal(t, c.want, spoken.FindAllString(strings.Join(strings.Fields(text), " "), -1), fmt.Sprintf("%s: %s", c.file, c.from))
	}
}

func TestThePagesSayTheLimitOfRateLimited(t *testing.T) {
	rule := regexp.MustCompile(`code="429"\}\[(\d+)m\]\)\) >= (\d+)\n`).FindStringSubmatch(read(t, "../../alerts/rocketchat-import.rules.yml"))
	require.NotNil(t, rule)
	assert.Contains(t, read(t, "../../docs/alerting.md"), fmt.Sprintf("answered 429 to %s calls in %s minutes |", rule[2], rule[1]))
	assert.Contains(t, read(t, "../../docs/runbooks.md"), fmt.Sprintf("429 to at least %s of the exporter's calls in %s minutes:", rule[2], rule[1]))
}

func TestEachWayToInstallLimitsTheMemoryAlike(t *testing.T) {
	for file, limit := range map[string]string{
		"../../deploy/systemd/rocketchat_import_exporter.service": "MemoryMax=128M\n",
		"../../deploy/compose/compose.yaml":                       "secrets: [rocketchat_token]\n    mem_limit: 128m\n",
		"../../deploy/kubernetes/values.yaml":                     "    memory: 128Mi\n",
		"../../docs/container.md":                                 " --memory=128m ",
	} {
		assert.Contains(t, read(t, file), limit, file)
	}
}
