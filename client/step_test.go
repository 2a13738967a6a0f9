package client

import "testing"

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
		{"something_else", StateUnknown, false},
		{"", StateUnknown, false},
	}
	if len(known) != len(Steps()) {
		t.Fatalf("Steps has %d steps, the table %d", len(Steps()), len(known))
	}
	for i, r := range known {
		if Steps()[i] != r.step {
			t.Errorf("Steps()[%d] is %s, want %s", i, Steps()[i], r.step)
		}
		if !r.step.Known() {
			t.Errorf("%s is not known", r.step)
		}
	}
	for _, r := range unknown {
		if r.step.Known() {
			t.Errorf("%q is known", r.step)
		}
	}
	for _, r := range append(known, unknown...) {
		if r.step.Running() != (r.state == StateImporting) {
			t.Errorf("%q: Running is %v", r.step, r.step.Running())
		}
		valid := &Operation{Step: r.step, Valid: true}
		if valid.State() != r.state || valid.Waiting() != r.waiting {
			t.Errorf("valid in %q: state %q, waiting %v, want %q, %v", r.step, valid.State(), valid.Waiting(), r.state, r.waiting)
		}
		want := StateError
		if r.step == StepDone {
			want = StateDone
		}
		invalid := &Operation{Step: r.step}
		if invalid.State() != want || invalid.Waiting() {
			t.Errorf("not valid in %q: state %q, waiting %v, want %q, not waiting", r.step, invalid.State(), invalid.Waiting(), want)
		}
	}
}

func TestNoOperationIsStateNoneAndNotWaiting(t *testing.T) {
	var none *Operation
	if none.State() != StateNone || none.Waiting() {
		t.Errorf("got %q, %v", none.State(), none.Waiting())
	}
}

func TestStatesAreTheEightOfImportStatus(t *testing.T) {
	want := []State{"none", "new", "loading", "ready", "importing", "done", "error", "canceled"}
	got := States()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestStagedCountsAreAllButCompletedAndError(t *testing.T) {
	c := Counts{
		Total: known(7), Completed: known(5), Error: known(1),
		Users: known(1), Channels: known(2), Messages: known(3), Contacts: known(4),
	}
	want := Counts{Total: known(7), Users: known(1), Channels: known(2), Messages: known(3), Contacts: known(4)}
	if got := c.Staged(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
