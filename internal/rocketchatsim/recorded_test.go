package rocketchatsim_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

// lines are the recorded replies of a file.
func lines(t *testing.T, name string) []string {
	content, err := os.ReadFile(filepath.Join("..", "..", "client", "testdata", "recorded", name))
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

// shape is the names and types of the fields of a JSON value, sorted. The step and
// the validity of an operation are part of its shape.
func shape(value any) string {
	switch v := value.(type) {
	case map[string]any:
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name == "status" || name == "valid" {
				fields = append(fields, fmt.Sprintf("%s=%v", name, v[name]))
				continue
			}
			fields = append(fields, name+":"+shape(v[name]))
		}
		return "{" + strings.Join(fields, " ") + "}"
	case []any:
		var entries []string
		for _, entry := range v {
			entries = append(entries, shape(entry))
		}
		slices.Sort(entries)
		return "[" + strings.Join(slices.Compact(entries), " ") + "]"
	}
	return fmt.Sprintf("%T", value)
}

func shapes(t *testing.T, bodies []string) (all []string) {
	for _, body := range bodies {
		all = append(all, shape(decode[any](t, body)))
	}
	return slices.Compact(all)
}

// trace returns the shape of each reply of getCurrentImportOperation that differs
// from the one before.
func (w *workspace) trace(length, every time.Duration) []string {
	seen := []string{w.get(sim.GetCurrentImportOperation).Body.String()}
	for range length / every {
		w.clock.Advance(every)
		seen = append(seen, w.get(sim.GetCurrentImportOperation).Body.String())
	}
	return shapes(w.t, slices.Compact(seen))
}

// requireSubsequence requires that what was recorded was also seen, in this order.
func requireSubsequence(t *testing.T, seen, recording []string) {
	t.Helper()
	for _, want := range shapes(t, recording) {
		i := slices.Index(seen, want)
		require.GreaterOrEqual(t, i, 0, "%s\nis not in the rest of the simulation:\n%s", want, strings.Join(seen, "\n"))
		seen = seen[i:]
	}
}

// until ends the script at the beginning of the step.
func until(script sim.Script, step string) sim.Script {
	i := slices.IndexFunc(script.Phases, func(p sim.Phase) bool { return p.Step == step })
	script.Phases = append(script.Phases[:i], sim.Phase{Step: step})
	return script
}

func TestOperationsHaveTheRecordedFieldsAndCounts(t *testing.T) {
	slack := sim.SlackImport(sim.Content{Users: 55, Channels: 5, Direct: 3, Messages: 49, Skipped: 1})
	small := sim.SlackImport(sim.Content{Users: 12, Channels: 5, Direct: 3, Messages: 49, Skipped: 1})
	imports := "importers/"
	for _, c := range []struct {
		file   string
		script sim.Script
		until  time.Duration // 0 is the end of the script
		then   func(*sim.Server)
		// whole is whether each save was recorded, and not a look now and then.
		whole bool
	}{
		{file: "operation-file_loaded.json", script: small},
		{file: "operation-preparing.json", script: small},
		{file: "operation-user_selection.json", script: small, until: 45 * time.Second},
		{file: "operation-importing_messages.json", script: small, until: 120 * time.Second},
		{file: "operation-done.json", script: sim.SlackImport(sim.Content{Users: 12, Channels: 4, Direct: 1, Messages: 40})},
		{file: imports + "slack-operations.jsonl", script: slack, whole: true},
		{file: imports + "slack-failing-users-operations.jsonl", script: sim.SlackImport(sim.Content{Users: 200, Channels: 5, Direct: 3, Messages: 49, Skipped: 1})},
		{file: imports + "bad-broken-zip-to-slack-operations.jsonl", script: until(sim.SlackImport(sim.Content{}), sim.StepFileLoaded)},
		{file: imports + "restart-in-file_loaded-operation.json", script: slack, until: 11 * time.Second, then: (*sim.Server).Restart},
		{file: imports + "restart-in-user_selection-operation.json", script: slack, until: 50 * time.Second, then: (*sim.Server).Restart},
		{file: imports + "restart-in-importing_users-operation.json", script: slack, until: 66 * time.Second, then: (*sim.Server).Restart},
		{file: imports + "failed-operation.json", script: small, until: 70 * time.Second, then: func(s *sim.Server) {
			s.Update(func(op *sim.Operation) { op.Step = sim.StepImportFailed })
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: sim.Classic})
			recording := lines(t, c.file)
			seen := shapes(t, []string{w.get(sim.GetCurrentImportOperation).Body.String()})
			length := w.Start(c.script, 1)
			if c.until == 0 {
				c.until = length
			}
			seen = append(seen, w.trace(c.until, 200*time.Millisecond)...)
			if c.then != nil {
				c.then(w.Server)
				seen = append(seen, w.trace(5*time.Second, 200*time.Millisecond)...)
			}
			requireSubsequence(t, seen, recording)
			if !c.whole {
				return
			}
			require.Equal(t, strings.Join(shapes(t, recording), "\n"), strings.Join(slices.Compact(seen), "\n"))
			end := decode[struct{ Operation map[string]any }](t, recording[len(recording)-1]).Operation
			for _, field := range []string{"type", "importerKey", "count", "messagesstatus", "fileData"} {
				assert.Equal(t, end[field], w.record()[field], field)
			}
		})
	}
}

func TestSelectionsHaveTheRecordedFields(t *testing.T) {
	one := sim.Selection{Users: 1, Channels: 1, ChannelsDirect: 1}
	withBot := sim.Selection{Users: 2, UsersBot: 1, Channels: 2, ChannelsPrivate: 1, ChannelsDirect: 1}
	slack := sim.SlackOperation(sim.StepUserSelection, epoch)
	valid := func(key, name string) sim.Operation {
		return sim.Operation{ImporterKey: key, Type: name, Step: sim.StepDone, Valid: true}
	}
	for _, c := range []struct {
		file      string
		op        sim.Operation
		selection sim.Selection
	}{
		{"filedata-user_selection.json", slack, one},
		{"importers/slack-filedata.json", slack, withBot},
		{"importers/csv-filedata.json", valid("csv", "CSV"), one},
		{"importers/hipchatenterprise-filedata.json", valid("hipchatenterprise", "HipChat (tar.gz)"), withBot},
		{"importers/api-filedata-first-4-of-90-users.json", sim.APIOperation(sim.StepUserSelection, epoch), sim.Selection{Users: 1}},
		{"importers/pending-files-filedata-when-done.json", valid("pending-files", "Pending Files"), sim.Selection{}},
		{"importers/slack-filedata-while-preparing.json", sim.SlackOperation(sim.StepPreparingUsers, epoch), one},
		{"importers/none-filedata.json", sim.Operation{}, one},
	} {
		w := newWorkspace(t, sim.Config{Generation: sim.Classic})
		if c.op.Type != "" {
			w.SetOperation(c.op)
			require.NoError(t, w.SetSelection(c.selection))
		}
		assert.Equal(t, shapes(t, lines(t, c.file)), shapes(t, []string{w.get(sim.GetImportFileData).Body.String()}), c.file)
	}
}

func TestRecordsThatNoScriptLeadsToHaveTheRecordedFields(t *testing.T) {
	for file, place := range map[string]func(*workspace){
		"operation-new-api.json": func(w *workspace) { w.SetOperation(sim.APIOperation(sim.StepNew, epoch)) },
		"importers/cleared-ready-operation.json": func(w *workspace) {
			op := sim.APIOperation(sim.StepUserSelection, epoch)
			op.Count = &sim.Count{Total: new(90), Users: new(90)}
			w.SetOperation(op)
			w.Clear()
		},
	} {
		w := newWorkspace(t, sim.Config{Generation: sim.Classic})
		place(w)
		assert.Equal(t, shapes(t, lines(t, file)), shapes(t, []string{w.get(sim.GetCurrentImportOperation).Body.String()}), file)
	}
}
