package check

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
	"rocketchat_import_exporter/internal/words"
)

// Import is the newest import. A nil pointer means that the server does not say.
type Import struct {
	ID       string `json:"id"`
	Importer string `json:"importer"`
	State    string `json:"state"`
	Step     string `json:"step"`
	// Expected, Completed and Failed count records. Imports that are started
	// from Rocket.Chat's page count their failed records in Completed.
	Expected  *int64 `json:"records_expected"`
	Completed *int64 `json:"records_completed"`
	Failed    *int64 `json:"records_failed"`
	// SecondsSinceSave is how long ago Rocket.Chat last saved the record, by its own clock.
	SecondsSinceSave *float64 `json:"seconds_since_save"`
	// NothingStaged is true in importer_user_selection without anything to import.
	NothingStaged bool `json:"nothing_staged"`
	// Meaning says in words what State, Step and SecondsSinceSave mean.
	Meaning string `json:"meaning"`

	saved string // how many records are saved, after a semicolon
}

// newImport returns the import of an answer, or nil if there never was one.
func newImport(answer client.OperationAnswer) *Import {
	op := answer.Operation
	if op == nil {
		return nil
	}
	seen := watch.Status{
		Snapshot: watch.Snapshot{PositionKnown: true, Operation: op},
		// Without a Date header nobody knows how old the save is. It is no stall then.
		At: cmp.Or(answer.ServerTime, op.Updated, answer.AnsweredAt),
	}
	diagnosis := words.Diagnose(seen)
	i := &Import{
		ID: op.ID, Importer: op.Importer, State: string(op.State()), Step: string(op.Step),
		Expected: known(op.Counts.Total), Completed: known(op.Counts.Completed), Failed: known(op.Counts.Error),
		NothingStaged: diagnosis.Words == words.NothingStaged,
		Meaning:       meaning(diagnosis),
		saved:         words.Saved(op),
	}
	if age, ok := seen.Idle(); ok && !answer.ServerTime.IsZero() {
		i.SecondsSinceSave = new(age.Seconds())
	}
	return i
}

func known(n client.OptionalCount) *int64 {
	if !n.Known {
		return nil
	}
	return &n.Value
}

// meaning is a diagnosis in whole sentences.
func meaning(d words.Diagnosis) string {
	text := strings.ToUpper(d.Words[:1]) + d.Words[1:] + d.More + "."
	if d.Advice != "" {
		text += " " + d.Advice
	}
	if d.Runbook != "" {
		text += " See " + d.Runbook + " in docs/runbooks.md."
	}
	return text
}

// write writes the import in lines. i may be nil.
func (i *Import) write(b *strings.Builder) {
	if i == nil {
		b.WriteString("  import       there never was one\n")
		return
	}
	fmt.Fprintf(b, "  import       %s, state %s (%s)%s", cmp.Or(i.Importer, "unknown importer"), cmp.Or(i.State, "unknown"), i.Step, i.saved)
	if i.Failed != nil && *i.Failed > 0 {
		fmt.Fprintf(b, ", %d failed", *i.Failed)
	}
	age := "not known"
	if i.SecondsSinceSave != nil {
		age = words.Span(time.Duration(*i.SecondsSinceSave*float64(time.Second))) + " ago"
	}
	fmt.Fprintf(b, "\n  last saved   %s\n  meaning      %s\n", age, i.Meaning)
}
