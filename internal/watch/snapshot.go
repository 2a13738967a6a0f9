package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

// Snapshot is what one scrape knows of a workspace's newest import. Nothing in
// it changes after it is handed out.
type Snapshot struct {
	// Up is true if Rocket.Chat returned a usable answer; "no import yet" is
	// one. If it is false, the fields that describe the import are zero.
	Up bool
	// Unauthorized and Forbidden report whether Rocket.Chat refused the call
	// for the operation, or the last read of its selection.
	Unauthorized, Forbidden bool
	// Duration is how long the snapshot took, including the wait for a selection.
	Duration time.Duration
	// Failures counts failed calls by reason, including this snapshot's.
	Failures map[client.Reason]uint64
	// Incidents and Reads count since the watcher started. A kind or result that
	// never occurred may be missing.
	Incidents map[Incident]uint64
	Reads     map[ReadResult]uint64

	// PositionKnown is true if Rocket.Chat returned the operation, or said that
	// there is none. State is meaningful only then; it is [client.StateUnknown]
	// for a step that this program cannot place.
	PositionKnown bool
	State         client.State
	// Operation is nil if there is none or it is not known.
	Operation *client.Operation
	// Ending is how an operation in importer_done ended.
	Ending Ending
	// ServerTime is Rocket.Chat's clock at the same answer as Operation; zero if
	// that answer had no Date header, and in mode unguarded.
	ServerTime time.Time
	// Selection is nil if it is not known. Each of its parts may be unknown too.
	Selection *client.Selection
	// Waiting reports whether Rocket.Chat is fetching or preparing the file.
	Waiting bool
}

// noImport is the snapshot of a workspace that never had an import.
func noImport() Snapshot {
	zero := client.OptionalCount{Known: true}
	return Snapshot{PositionKnown: true, State: client.StateNone, Selection: &client.Selection{Users: zero, Channels: zero, Messages: zero}}
}

// snapshotOf is what an answer of getCurrentImportOperation says.
func snapshotOf(answer client.OperationAnswer) Snapshot {
	op := answer.Operation
	s := noImport()
	if op != nil {
		s = Snapshot{PositionKnown: true, State: op.State(), Operation: op, Selection: op.Selection, Waiting: op.Waiting()}
		// An ISO ts proves that the server keeps no selection in the record.
		if op.CreatedISO || emptied(op) {
			s.Selection = nil
		}
	}
	s.ServerTime = answer.ServerTime
	return s
}

// emptied reports whether nothing is staged for op: import.clear and a new
// import empty what waits for its selection, and make the record not valid.
func emptied(op *client.Operation) bool {
	return op.Step == client.StepUserSelection && !op.Valid
}
