package client

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStateIsWhatImportStatusSays(t *testing.T) {
	var steps []Step
	for _, test := range []struct {
		state   State // of a valid operation
		waiting bool  // of a valid operation
		steps   string
		unknown string // steps that a newer server may add
	}{
		{StateNew, false, "new", ""},
		{StateLoading, false, "uploading", ""},
		{StateLoading, true, "downloading_file", ""},
		{StateLoading, false, "file_loaded", ""},
		{StateLoading, true, "preparing_started preparing_users preparing_contacts preparing_channels preparing_messages", "preparing_spaceships"},
		{StateReady, false, "user_selection", ""},
		{StateImporting, false, "importing_started importing_users importing_contacts importing_channels importing_messages " +
			"importing_files finishing", "importing_spaceships"},
		{StateDone, false, "done", ""},
		{StateError, false, "import_failed", ""},
		{StateCanceled, false, "import_cancelled", ""},
		{StateUnknown, false, "", "preparing importing user_selection_2 DONE"},
	} {
		for name := range strings.FieldsSeq(test.steps + " " + test.unknown) {
			step := Step("importer_" + name)
			isKnown := !slices.Contains(strings.Fields(test.unknown), name)
			if isKnown {
				steps = append(steps, step)
			}
			assert.Equal(t, isKnown, step.Known(), step)
			assert.Equal(t, test.state == StateImporting, step.Running(), step)
			valid, invalid := &Operation{Step: step, Valid: true}, &Operation{Step: step}
			assert.Equal(t, test.state, valid.State(), step)
			assert.Equal(t, test.waiting, valid.Waiting(), step)
			assert.False(t, invalid.Waiting(), step)
			assert.Equal(t, step == StepDone, invalid.State() == StateDone, step)
			assert.Equal(t, step != StepDone, invalid.State() == StateError, step)
		}
	}
	assert.Equal(t, steps, Steps())
	assert.Equal(t, []State{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"}, States())

	var none *Operation
	assert.Equal(t, StateNone, none.State())
	assert.False(t, none.Waiting())
}
