// Package check finds out whether a workspace can be watched, and what to do if not.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/diagnosis"
	"rocketchat_import_exporter/internal/watch"
)

// Result is what is known about one workspace. A nil pointer means not known.
type Result struct {
	Workspace string `json:"workspace"`
	URL       string `json:"url"`
	// Reached is true if Rocket.Chat itself answered, and false if nothing did,
	// or only something in front of it.
	Reached *bool `json:"reached"`
	// TokenAccepted and Permitted are what Rocket.Chat itself said about the
	// credentials, and about the permission to use the import API.
	TokenAccepted *bool `json:"token_accepted"`
	Permitted     *bool `json:"permitted"`
	// OK is true if all three are true.
	OK bool `json:"ok"`
	// ServerTime is the Date header of the answer.
	ServerTime *time.Time `json:"server_time"`
	// Import is the newest import, or nil if there never was one.
	Import *Import `json:"import"`
	// LookSeconds is how long the answer took, from the question on. NotRead says why such a look does
	// not lead to a read of the selection; empty if it does.
	LookSeconds *float64 `json:"look_seconds,omitempty"`
	NotRead     string   `json:"selection_not_read,omitempty"`
	// Notes say what the exporter cannot show of this server.
	Notes []string `json:"notes,omitempty"`
	// Reason, Problem and Hint say what is wrong and what to do. They are empty if OK.
	Reason  client.Reason `json:"reason,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Hint    string        `json:"hint,omitempty"`
}

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
	// Percent of the expected records are completed or have failed, rounded down. A finished import
	// has 100.
	Percent *int64 `json:"percent"`
	// SecondsSinceSave is how long ago Rocket.Chat last saved the record, by its own clock.
	SecondsSinceSave *float64 `json:"seconds_since_save"`
	// Staged is how many records of each kind the import holds, and CountedBy who says so: the
	// selection or the record.
	Staged    map[string]int64 `json:"staged,omitempty"`
	CountedBy string           `json:"counted_by,omitempty"`
	// NothingStaged is true in importer_user_selection without anything to import.
	NothingStaged bool `json:"nothing_staged"`
	// Meaning says in words what State, Step and SecondsSinceSave mean.
	Meaning string `json:"meaning"`
	staged  string // Staged in words
	saved   string // how many records are saved, after a semicolon
}

// Run asks a workspace for its newest import, which changes nothing, within
// w.Timeout. It reads no selection.
func Run(ctx context.Context, name string, w config.Workspace, userAgent string) Result {
	r := Result{Workspace: name, URL: w.URL.String()}
	c, err := w.Client(userAgent, nil)
	if err != nil {
		r.Reason, r.Problem, r.Hint = client.Settings, err.Error(), "Correct "+w.SettingName(config.SettingHTTP.Key)+"."
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	look, err := c.Look(ctx)
	if err != nil {
		return Failed(name, w, err)
	}
	defer look.Close()
	answer := look.OperationAnswer
	yes := true
	r.Reached, r.TokenAccepted, r.Permitted, r.OK = &yes, &yes, &yes, true
	r.Import = newImport(answer)
	r.LookSeconds, r.NotRead = new(answer.Took.Seconds()), watch.WhyNotRead(answer, w.FileData)
	if answer.ServerTime.IsZero() {
		r.Notes = append(r.Notes, "The answer has no Date header: nobody can tell how long ago the import last moved. Let the proxy in front of Rocket.Chat keep the header.")
	} else {
		r.ServerTime = &answer.ServerTime
	}
	if op := answer.Operation; op != nil && !op.CreatedISO {
		r.Notes = append(r.Notes, diagnosis.OldServer)
	}
	return r
}

// newImport returns the import of an answer, or nil if there never was one.
func newImport(answer client.OperationAnswer) *Import {
	op := answer.Operation
	if op == nil {
		return nil
	}
	d := diagnosis.DiagnoseAnswer(answer)
	i := &Import{
		ID: op.ID, Importer: op.Importer, State: string(op.State()), Step: string(op.Step),
		Expected: known(op.Counts.Total), Completed: known(op.Counts.Completed), Failed: known(op.Counts.Error),
		NothingStaged: d.Words == diagnosis.NothingStaged,
		Meaning:       strings.TrimSpace(d.Sentence() + " " + d.ToDo()),
		saved:         diagnosis.Saved(op),
	}
	i.count(watch.NewSnapshot(answer))
	if total := op.Counts.Total.Value; d.Words == "finished" {
		i.Percent = new(int64(100))
	} else if total > 0 && op.Counts.Completed.Known {
		i.Percent = new(min(100*(op.Counts.Completed.Value+op.Counts.Error.Value)/total, 100))
	}
	if !answer.ServerTime.IsZero() && !op.Updated.IsZero() {
		i.SecondsSinceSave = new(max(answer.ServerTime.Sub(op.Updated), 0).Seconds())
	}
	return i
}

// count sets what the import holds.
func (i *Import) count(s watch.Snapshot) {
	counts, by := diagnosis.Staged(s)
	if len(counts) == 0 {
		return
	}
	i.Staged, i.CountedBy = map[string]int64{}, by
	var words []string
	for _, c := range counts {
		i.Staged[strings.ToLower(c.Kind)] = c.Number
		words = append(words, diagnosis.Number(c.Number, strings.ToLower(strings.TrimSuffix(c.Kind, "s"))))
	}
	i.staged = strings.Join(words, ", ") + ", counted by the " + by
}

func known(n client.OptionalCount) *int64 {
	if !n.Known {
		return nil
	}
	return &n.Value
}

// Failed returns the result of a call that failed.
func Failed(name string, w config.Workspace, err error) Result {
	r := Result{Workspace: name, URL: w.URL.String(), Problem: err.Error()}
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return r
	}
	r.Reason, r.Hint = e.Reason, w.Hint(e.Hint)
	if e.Reason != client.Settings && e.Answered != client.Unclear {
		r.Reached = new(e.Answered == client.RocketChat)
	}
	if e.TokenAccepted || e.Reason == client.Unauthorized {
		r.TokenAccepted = &e.TokenAccepted
	}
	if e.Reason == client.Forbidden {
		r.Permitted = new(bool)
	}
	return r
}

// String is the result in words.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", r.Workspace, r.URL)
	fmt.Fprintf(&b, "  Rocket.Chat  %s\n", word(r.Reached, "was reached", "did not answer"))
	fmt.Fprintf(&b, "  token        %s\n", word(r.TokenAccepted, "is accepted", "is not accepted"))
	fmt.Fprintf(&b, "  permission   %s\n", word(r.Permitted, "run-import is there", "run-import is missing"))
	switch i := r.Import; {
	case !r.OK:
		fmt.Fprintf(&b, "  problem      %s\n  what to do   %s\n", r.Problem, r.Hint)
	case i == nil:
		b.WriteString("  import       there never was one\n")
	default:
		failed, percent, age := "", "", "not known"
		if i.Percent != nil {
			percent = fmt.Sprintf(", %d %%", *i.Percent)
		}
		if i.Failed != nil && *i.Failed > 0 {
			failed = fmt.Sprintf(", %d failed", *i.Failed)
		}
		if i.SecondsSinceSave != nil {
			age = diagnosis.Span(time.Duration(*i.SecondsSinceSave*float64(time.Second))) + " ago"
		}
		importer, state := cmp.Or(i.Importer, "unknown importer"), cmp.Or(i.State, "unknown")
		fmt.Fprintf(&b, "  import       %s, state %s (%s)%s%s%s\n", importer, state, i.Step, percent, i.saved, failed)
		if i.staged != "" {
			fmt.Fprintf(&b, "  staged       %s\n", i.staged)
		}
		fmt.Fprintf(&b, "  last moved   %s\n  meaning      %s\n", age, i.Meaning)
		if state == string(client.StateImporting) {
			b.WriteString("  time left    one look cannot tell: run rocketchat_import_exporter watch\n")
		}
	}
	if r.LookSeconds != nil {
		fmt.Fprintf(&b, "  look         took %.0f ms\n", *r.LookSeconds*1e3)
		selection := "a scrape would read it now"
		if r.NotRead != "" {
			selection = "would not be read: " + r.NotRead
		}
		fmt.Fprintf(&b, "  selection    %s\n", selection)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "  note         %s\n", note)
	}
	return b.String()
}

func word(known *bool, yes, no string) string {
	switch {
	case known == nil:
		return "not known"
	case *known:
		return yes
	default:
		return no
	}
}
