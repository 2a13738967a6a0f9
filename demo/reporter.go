package main

import (
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// repeatEvery is how often the demo prints an import that stays in its step.
const repeatEvery = 5 * time.Second

// reporter says in a line what has changed in one workspace.
type reporter struct {
	last rocketchatsim.Operation
	line string
	at   time.Time // of the line
}

// next returns the next line, or an empty one if nothing has changed.
func (r *reporter) next(op rocketchatsim.Operation, found bool) string {
	if !found {
		return ""
	}
	line := describe(op)
	changed := op.ID != r.last.ID || op.Step != r.last.Step || op.Valid != r.last.Valid
	if line == r.line || !changed && time.Since(r.at) < repeatEvery {
		return ""
	}
	r.last, r.line, r.at = op, line, time.Now()
	return line
}

// describe says in words where an import is.
func describe(op rocketchatsim.Operation) string {
	var total, completed int64
	if op.Count != nil {
		total, completed = value(op.Count.Total), value(op.Count.Completed)
	}
	progress := fmt.Sprintf("%s of %s records", diagnosis.Grouped(completed), diagnosis.Grouped(total))
	doing := strings.ReplaceAll(strings.TrimPrefix(op.Step, "importer_"), "_", " ")
	switch {
	case op.Step == rocketchatsim.StepNew:
		return "an import begins"
	case op.Step == rocketchatsim.StepUploading:
		return "the file is uploaded"
	case op.Step == rocketchatsim.StepFileLoaded:
		return "the file is there"
	case op.Step == rocketchatsim.StepUserSelection:
		return "ready: it waits for somebody to press start, and the exporter reads the selection"
	case op.Step == rocketchatsim.StepImportingStarted:
		return "somebody presses start"
	case op.Step == rocketchatsim.StepDone && op.Valid:
		return "finished: " + progress + " counted, since some messages are skipped and so the last counts are not saved"
	case op.Step == rocketchatsim.StepDone:
		return "aborted, although Rocket.Chat says importer_done: " + progress
	case strings.HasPrefix(op.Step, "importer_preparing"):
		return "preparing: " + diagnosis.Grouped(total) + " records staged"
	case !op.Valid:
		return doing + ": " + progress + ", but Rocket.Chat has given the import up"
	default:
		return doing + ": " + progress
	}
}

func value(n *int) int64 {
	if n == nil {
		return 0
	}
	return int64(*n)
}
