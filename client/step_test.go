package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStateIsWhatImportStatusSays(t *testing.T) {
	type row struct {
		step    Step
		state   State // of a valid operation
		waiting bool  // of a valid operation
	}
	known := []row{
		{"importer_new", StateNew, false},
		{"importer_uploading", StateLoading, false},
		{"importer_downloading_file", StateLoading, true},
		{"importer_file_loaded", StateLoading, false},
		{"importer_preparing_started", StateLoading, true},
		{"importer_preparing_users", StateLoading, true},
		{"importer_preparing_channels", StateLoading, true},
		{"importer_preparing_messages", StateLoading, true},
		{"importer_preparing_contacts", StateLoading, true},
		{"importer_user_selection", StateReady, false},
		{"importer_importing_started", StateImporting, false},
		{"importer_importing_users", StateImporting, false},
		{"importer_importing_channels", StateImporting, false},
		{"importer_importing_messages", StateImporting, false},
		{"importer_importing_contacts", StateImporting, false},
		{"importer_importing_files", StateImporting, false},
		{"importer_finishing", StateImporting, false},
		{"importer_done", StateDone, false},
		{"importer_import_failed", StateError, false},
		{"importer_import_cancelled", StateCanceled, false},
	}
	unknown := []row{
		{"importer_preparing_spaceships", StateLoading, true},
		{"importer_importing_spaceships", StateImporting, false},
		{"importer_preparing", StateUnknown, false},
		{"importer_importing", StateUnknown, false},
		{"importer_user_selection_2", StateUnknown, false},
		{"IMPORTER_DONE", StateUnknown, false},
		{"", StateUnknown, false},
	}
	var steps []Step
	for i, r := range append(known, unknown...) {
		if i < len(known) {
			steps = append(steps, r.step)
		}
		assert.Equal(t, i < len(known), r.step.Known(), r.step)
		assert.Equal(t, r.state == StateImporting, r.step.Running(), r.step)
		valid, invalid := &Operation{Step: r.step, Valid: true}, &Operation{Step: r.step}
		assert.Equal(t, r.state, valid.State(), r.step)
		assert.Equal(t, r.waiting, valid.Waiting(), r.step)
		assert.False(t, invalid.Waiting(), r.step)
		if r.step == StepDone {
			assert.Equal(t, StateDone, invalid.State())
		} else {
			assert.Equal(t, StateError, invalid.State(), r.step)
		}
	}
	assert.Equal(t, steps, Steps())

	var none *Operation
	assert.Equal(t, StateNone, none.State())
	assert.False(t, none.Waiting())
}

func TestStatesAreTheEightOfImportStatus(t *testing.T) {
	assert.Equal(t, []State{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"}, States())
}

func TestStagedCountsAreAllButCompletedAndError(t *testing.T) {
	c := Counts{
		Total: known(7), Completed: known(5), Error: known(1),
		Users: known(1), Channels: known(2), Messages: known(3), Contacts: known(4),
	}
	want := Counts{Total: known(7), Users: known(1), Channels: known(2), Messages: known(3), Contacts: known(4)}
	assert.Equal(t, want, c.Staged())
}
