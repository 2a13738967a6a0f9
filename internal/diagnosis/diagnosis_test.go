package diagnosis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
)

// looked is a workspace whose import was saved an hour before the newest look.
func looked(importer string, step client.Step, valid bool) watch.Status {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	op := &client.Operation{ID: "a", Importer: importer, Step: step, Valid: valid, Updated: now.Add(-time.Hour)}
	return watch.Status{At: now, Snapshot: watch.Snapshot{PositionKnown: true, ServerTime: now, Operation: op}}
}

func TestAdviceSpeaksOfAFileOnlyWhereThereWasOne(t *testing.T) {
	const running, preparing = client.Step("importer_importing_users"), client.Step("importer_preparing_users")
	for importer, sentences := range map[string][]string{
		"slack": {
			"ready: waits for somebody to press start",
			"nothing staged: it was cleared. Somebody called import.clear. To import after all, upload the file again.",
			"interrupted while importing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Find out why, then import the same file again. What was imported before is still there.",
			"interrupted while preparing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Nothing has been imported yet: upload the file again.",
			"ended: finished before Rocket.Chat was restarted, or aborted. Rocket.Chat does not say which. Compare some of what was imported with where it came from. If something is missing, import the same file again.",
			"failed. Look for the error in the log of Rocket.Chat. Fix the cause, then import the same file again. What was imported before is still there.",
		},
		"api": {
			"ready: waits for a program to add records or to run it",
			"nothing staged: it was cleared. Somebody called import.clear. To import after all, let the program send its records as a new import.",
			"interrupted while importing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Find out why, then let the program send its records as a new import. What was imported before is still there.",
			"interrupted while preparing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Nothing has been imported yet: let the program send its records as a new import.",
			"ended: finished before Rocket.Chat was restarted, or aborted. Rocket.Chat does not say which. Compare some of what was imported with where it came from. If something is missing, let the program send its records as a new import.",
			"failed. Look for the error in the log of Rocket.Chat. Fix the cause, then let the program send its records as a new import. What was imported before is still there.",
		},
		"pending-files": {
			"set back: this download never waits for a start. " + adviceDownloadSetBack,
			"nothing staged: it was cleared. Somebody called import.clear. To import after all, start the download on the import page again.",
			"interrupted while importing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Find out why, then start the download on the import page again. What was imported before is still there.",
			"interrupted while preparing users: it never finishes. Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Nothing has been imported yet: start the download on the import page again.",
			"ended: finished before Rocket.Chat was restarted, or aborted. Rocket.Chat does not say which. Compare some of what was imported with where it came from. If something is missing, start the download on the import page again.",
			"failed. Look for the error in the log of Rocket.Chat. Fix the cause, then start the download on the import page again. What was imported before is still there.",
		},
	} {
		var got []string
		for _, seen := range []watch.Status{
			looked(importer, client.StepUserSelection, true), looked(importer, client.StepUserSelection, false),
			looked(importer, running, false), looked(importer, preparing, false),
			looked(importer, client.StepDone, false), looked(importer, "importer_import_failed", true),
		} {
			d := Diagnose(seen)
			sentence := d.Words + d.More
			if d.Advice != "" {
				sentence += ". " + d.Advice
			}
			got = append(got, sentence)
		}
		assert.Equal(t, sentences, got, importer)
	}
}

func TestAnAPIImportWithoutRecordsWaitsForThem(t *testing.T) {
	seen := looked("api", client.StepUserSelection, true)
	seen.Snapshot.Operation.Counts.Total.Known = true
	assert.Equal(t, ": no program has added records yet", Diagnose(seen).More)
}

func TestSavedNeverSaysMoreThanIsKnown(t *testing.T) {
	known := func(n int64) client.OptionalCount { return client.OptionalCount{Value: n, Known: true} }
	for want, counts := range map[string]client.Counts{
		"; 1,500 of 2,000 saved": {Total: known(2000), Completed: known(1500)},
		"; 1,500 saved":          {Total: known(0), Completed: known(1500)},
		"":                       {Total: known(2000)},
	} {
		assert.Equal(t, want, Saved(&client.Operation{Counts: counts}))
	}
}
