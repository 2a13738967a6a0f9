package collector

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Snapshot is what one scrape knows of a workspace's newest import. It is a
// value of its own: nothing in it changes once it was handed out.
type Snapshot struct {
	// Up is true if Rocket.Chat gave a usable answer; that there never was an
	// import is one. If it is false, the fields that describe the import are zero.
	Up bool
	// Unauthorized and Forbidden tell whether the call for the operation was
	// refused, or the last read of its selection was.
	Unauthorized, Forbidden bool
	// Duration is how long the snapshot took, the wait for a selection included.
	Duration time.Duration
	// Failures counts the failures so far, by reason, this snapshot's included.
	Failures map[client.Reason]uint64

	// State is the state of the import, if StateKnown; [client.StateUnknown] for
	// a step that cannot be placed.
	State      client.State
	StateKnown bool
	// StepKnown is true where the server told of an operation, or that there is
	// none, by [client.CurrentOperation].
	StepKnown bool
	// Operation is nil where there is none or it is not known.
	Operation *client.Operation
	// Selection is nil where it is not known.
	Selection *client.Selection
	// Waiting tells whether the server is still preparing the file.
	Waiting bool
}

// snapshotOf is what an answer of getCurrentImportOperation tells; op is nil
// if there never was an import.
func snapshotOf(op *client.Operation) Snapshot {
	s := Snapshot{State: op.State(), StateKnown: true, StepKnown: true, Operation: op, Waiting: op.Waiting()}
	if op == nil {
		s.Selection = &client.Selection{}
	} else {
		s.Selection = op.FileData
	}
	return s
}
