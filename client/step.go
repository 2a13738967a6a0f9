package client

import (
	"slices"
	"strings"
)

// Step is the point that an operation has reached, as its field status says it
// (getCurrentImportOperation, 3.0 to 8.x). A future server may use one that is
// not among [Steps].
type Step string

// StepUserSelection is the step in which the import waits for an administrator
// to choose what to import. It is the only step in which a call of
// getImportFileData changes nothing, but for an early 3.x record that does not
// carry the selection, as it should in this step: such a server prepares it anew.
const StepUserSelection Step = "importer_user_selection"

// Steps returns every step known from Rocket.Chat 3.0 to 8.x, in the order in
// which an import goes through them.
func Steps() []Step {
	return []Step{
		"importer_new",
		"importer_uploading",
		"importer_downloading_file",
		"importer_file_loaded",
		"importer_preparing_started",
		"importer_preparing_users",
		"importer_preparing_channels",
		"importer_preparing_messages",
		"importer_preparing_contacts",
		StepUserSelection,
		"importer_importing_started",
		"importer_importing_users",
		"importer_importing_channels",
		"importer_importing_messages",
		"importer_importing_contacts",
		"importer_importing_files",
		"importer_finishing",
		"importer_done",
		"importer_import_failed",
		"importer_import_cancelled",
	}
}

// Known reports whether the step is one of [Steps].
func (s Step) Known() bool { return slices.Contains(Steps(), s) }

// State is the coarse state of a workspace's newest import, in the words of
// import.status (Rocket.Chat 6.3.0 and later).
type State string

// The states. StateUnknown stands for a step that this program cannot place.
const (
	StateUnknown   State = ""
	StateNone      State = "none"
	StateNew       State = "new"
	StateLoading   State = "loading"
	StateReady     State = "ready"
	StateImporting State = "importing"
	StateDone      State = "done"
	StateError     State = "error"
	StateCanceled  State = "canceled"
)

// States returns the eight known states, [StateUnknown] not among them.
func States() []State {
	return []State{StateNone, StateNew, StateLoading, StateReady, StateImporting, StateDone, StateError, StateCanceled}
}

// state maps a step as import.status does for a valid operation. Steps that a
// newer server added are placed by the two families that exist.
func (s Step) state() State {
	switch {
	case s == "importer_new":
		return StateNew
	case s == "importer_uploading", s == "importer_file_loaded", s.waiting():
		return StateLoading
	case s == StepUserSelection:
		return StateReady
	case s == "importer_finishing", strings.HasPrefix(string(s), "importer_importing_"):
		return StateImporting
	case s == "importer_done":
		return StateDone
	case s == "importer_import_failed":
		return StateError
	case s == "importer_import_cancelled":
		return StateCanceled
	default:
		return StateUnknown
	}
}

// waiting reports whether getImportFileData answers {"waiting": true} in this
// step of a valid operation.
func (s Step) waiting() bool {
	return s == "importer_downloading_file" || strings.HasPrefix(string(s), "importer_preparing_")
}
