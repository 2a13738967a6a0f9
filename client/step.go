package client

import (
	"slices"
	"strings"
)

// Step is the step of an operation, from its field status (getCurrentImportOperation, 3.0 to 8.x).
// A future server may send one that is not among [Steps].
type Step string

const (
	// StepUserSelection is the step in which the import waits until an administrator chooses what
	// to import. In every other step a call of getImportFileData may wipe the import. In this step
	// it changes nothing, except on a server before 3.14.0 whose record lacks fileData: such a
	// server prepares the file again.
	StepUserSelection Step = "importer_user_selection"
	// StepDone is the end of an import, whatever its counts say.
	StepDone Step = "importer_done"
)

// Steps returns every step known from Rocket.Chat 3.0 to 8.x, in the order in
// which an import goes through them.
func Steps() []Step {
	return []Step{
		"importer_new", "importer_uploading", "importer_downloading_file", "importer_file_loaded",
		"importer_preparing_started", "importer_preparing_users", "importer_preparing_contacts",
		"importer_preparing_channels", "importer_preparing_messages",
		StepUserSelection,
		"importer_importing_started", "importer_importing_users", "importer_importing_contacts",
		"importer_importing_channels", "importer_importing_messages", "importer_importing_files",
		"importer_finishing", StepDone, "importer_import_failed", "importer_import_cancelled",
	}
}

// Known reports whether the step is one of [Steps].
func (s Step) Known() bool { return slices.Contains(Steps(), s) }

// Running reports whether an import runs in this step: importer_importing_* or importer_finishing.
func (s Step) Running() bool {
	return s == "importer_finishing" || strings.HasPrefix(string(s), "importer_importing_")
}

// State is the coarse state of a workspace's newest import, in the words of
// import.status (Rocket.Chat 6.3.0 and later).
type State string

// The states. StateUnknown is the state of an unknown step.
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

// States returns the eight known states, without [StateUnknown].
func States() []State {
	return []State{StateNone, StateNew, StateLoading, StateReady, StateImporting, StateDone, StateError, StateCanceled}
}

// State maps the step of a valid operation as import.status does. A step that a
// newer server added is placed by the two families of names that exist.
func (s Step) State() State {
	switch {
	case s == "importer_new":
		return StateNew
	case s == "importer_uploading", s == "importer_file_loaded", s.waiting():
		return StateLoading
	case s == StepUserSelection:
		return StateReady
	case s.Running():
		return StateImporting
	case s == StepDone:
		return StateDone
	case s == "importer_import_failed":
		return StateError
	case s == "importer_import_cancelled":
		return StateCanceled
	default:
		return StateUnknown
	}
}

// waiting reports whether a valid operation in this step is still being prepared.
func (s Step) waiting() bool {
	return s == "importer_downloading_file" || strings.HasPrefix(string(s), "importer_preparing_")
}
