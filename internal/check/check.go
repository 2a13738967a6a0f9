// Package check finds out whether a workspace can be watched, and what to do if not.
package check

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"
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
	// selection or the operation.
	Staged    map[string]int64 `json:"staged,omitempty"`
	CountedBy string           `json:"counted_by,omitempty"`
	// NothingStaged is true in importer_user_selection without anything to import.
	NothingStaged bool `json:"nothing_staged"`
	// Meaning says in words what State, Step and SecondsSinceSave mean.
	Meaning string `json:"meaning"`
	// Progress, Moved and Holds are Percent, SecondsSinceSave and Staged in words.
	Progress string `json:"-"`
	Moved    string `json:"-"`
	Holds    string `json:"-"`
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
		Moved:         "not known",
	}
	i.count(watch.NewSnapshot(answer))
	if total := op.Counts.Total.Value; d.Words == "finished" {
		i.Percent = new(int64(100))
	} else if total > 0 && op.Counts.Completed.Known {
		i.Percent = new(min(100*op.Counts.Handled()/total, 100))
	}
	if i.Percent != nil {
		i.Progress = fmt.Sprintf(", %d %%", *i.Percent)
	}
	i.Progress += diagnosis.Saved(op)
	if failed := op.Counts.Error; failed.Value > 0 {
		i.Progress += fmt.Sprintf(", %d failed", failed.Value)
	}
	if !answer.ServerTime.IsZero() && !op.Updated.IsZero() {
		age := max(answer.ServerTime.Sub(op.Updated), 0)
		i.SecondsSinceSave, i.Moved = new(age.Seconds()), diagnosis.Span(age)+" ago"
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
	i.Holds = strings.Join(words, ", ") + ", counted by the " + by
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

//go:embed result.txt
var layout string

var result = template.Must(template.New("").Funcs(template.FuncMap{
	"word":         word,
	"milliseconds": func(seconds *float64) string { return fmt.Sprintf("%.0f", *seconds*1e3) },
}).Parse(layout))

// String is the result in words.
func (r Result) String() string {
	var b strings.Builder
	result.Execute(&b, r) // cannot fail
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
