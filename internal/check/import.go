package check

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/watch"
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
}

// newImport returns the import of an answer, or nil if there never was one.
func newImport(answer client.OperationAnswer) *Import {
	op := answer.Operation
	if op == nil {
		return nil
	}
	i := &Import{
		ID: op.ID, Importer: op.Importer, State: string(op.State()), Step: string(op.Step),
		Expected: known(op.Counts.Total), Completed: known(op.Counts.Completed), Failed: known(op.Counts.Error),
		NothingStaged: op.Step == client.StepUserSelection && (!op.Valid || empty(op.Counts)),
	}
	var age time.Duration // 0 if it is not known, which is no stall
	if !answer.ServerTime.IsZero() && !op.Updated.IsZero() {
		age = max(0, answer.ServerTime.Sub(op.Updated)) // a Date has no fractions
		i.SecondsSinceSave = new(age.Seconds())
	}
	i.Meaning = i.meaning(op, age)
	return i
}

// empty reports whether the file held nothing to import. Messages alone are
// not: nobody has written them. That is how a file of another kind looks.
func empty(c client.Counts) bool {
	return c.Users.Value+c.Channels.Value+c.Contacts.Value == 0 && c.Total.Value <= c.Messages.Value
}

func known(n client.OptionalCount) *int64 {
	if !n.Known {
		return nil
	}
	return &n.Value
}

func (i *Import) meaning(op *client.Operation, age time.Duration) string {
	most := watch.StalledAfter(op)
	stalled := most > 0 && age > most
	switch state := op.State(); {
	case i.NothingStaged:
		return "Nothing staged: the file was empty or of another kind, or the staged data was cleared. Upload it again."
	case op.Step == client.StepDone && !op.Valid:
		return "Ended: finished before Rocket.Chat was restarted, or aborted" + i.saved() + "."
	case state == client.StateDone:
		return "Finished."
	case !op.Valid:
		return "Interrupted: Rocket.Chat was restarted, another instance of it was started, or the import was cleared. It does not continue: start a new one."
	case state == client.StateError:
		return "Failed. Rocket.Chat's log says why."
	case state == client.StateCanceled:
		return "Canceled."
	case state == client.StateReady:
		return "Ready: it waits for somebody to press start."
	case state == client.StateImporting && op.PendingDownloads():
		return "Running. Rocket.Chat may save only every 500 files or avatars, so a long time without a save is normal."
	case state == client.StateImporting && stalled:
		return "Stalled: a running import is saved more often than this. See RocketChatImportStalled in docs/runbooks.md."
	case state == client.StateImporting:
		return "Running."
	case state == client.StateLoading && stalled:
		return "Stalled: the file cannot be read, or nobody has opened the import page. See RocketChatImportPreparationStalled in docs/runbooks.md."
	case op.Step == "importer_file_loaded":
		return "Waiting: preparation begins when somebody opens the import page."
	case state == client.StateLoading:
		return "Preparing the file."
	case state == client.StateNew:
		return "New: it waits for its file or its records."
	default:
		return "This version of the exporter does not know the step."
	}
}

// saved returns how many records are saved, or nothing if that is not known.
func (i *Import) saved() string {
	if i.Expected == nil || i.Completed == nil {
		return ""
	}
	return fmt.Sprintf("; %d of %d saved", *i.Completed, *i.Expected)
}

// write writes the import in lines. i may be nil.
func (i *Import) write(b *strings.Builder) {
	if i == nil {
		b.WriteString("  import       there never was one\n")
		return
	}
	fmt.Fprintf(b, "  import       %s, state %s (%s)%s", cmp.Or(i.Importer, "unknown importer"), cmp.Or(i.State, "unknown"), i.Step, i.saved())
	if i.Failed != nil && *i.Failed > 0 {
		fmt.Fprintf(b, ", %d failed", *i.Failed)
	}
	age := "not known"
	if i.SecondsSinceSave != nil {
		unit := time.Second
		since := time.Duration(*i.SecondsSinceSave * float64(time.Second))
		if since > time.Hour {
			unit = time.Minute
		}
		age = model.Duration(since.Round(unit)).String() + " ago"
	}
	fmt.Fprintf(b, "\n  last saved   %s\n  meaning      %s\n", age, i.Meaning)
}
