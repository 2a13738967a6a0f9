// Package check tells whether a workspace can be watched, and what to do if not.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
)

// Result is what was found out about one workspace. A pointer is nil where
// something was not found out.
type Result struct {
	Workspace string `json:"workspace"`
	URL       string `json:"url"`
	// Reached tells whether Rocket.Chat itself answered.
	Reached *bool `json:"reached"`
	// TokenAccepted tells whether it accepted user id and token.
	TokenAccepted *bool `json:"token_accepted"`
	// Permitted tells whether the user may use the import API.
	Permitted *bool `json:"permitted"`
	// OK is true if all three are.
	OK bool `json:"ok"`
	// Import is the newest import; nil if there never was one or it was not found out.
	Import *Import `json:"import"`
	// Reason, Problem and Hint say what is wrong and what to do; empty if OK.
	Reason  client.Reason `json:"reason,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Hint    string        `json:"hint,omitempty"`
}

// Import is how far an import is. A count is nil where the server does not tell.
type Import struct {
	ID        string `json:"id"`
	Importer  string `json:"importer"`
	State     string `json:"state"`
	Step      string `json:"step"`
	Expected  *int64 `json:"records_expected"`
	Completed *int64 `json:"records_completed"`
	Failed    *int64 `json:"records_failed"`
}

// Run asks a workspace for its newest import, which changes nothing, within
// w.Timeout. It reads no selection.
func Run(ctx context.Context, name string, w config.Workspace, userAgent string) Result {
	r := Result{Workspace: name, URL: w.URL.String()}
	c, err := w.Client(userAgent, nil)
	if err != nil {
		r.Problem, r.Hint = err.Error(), "Fix the HTTP client settings (http_config)."
		return r
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	answer, err := c.CurrentOperation(ctx)
	if err != nil {
		r.failed(err)
		return r
	}
	yes := true
	r.Reached, r.TokenAccepted, r.Permitted, r.OK = &yes, &yes, &yes, true
	if op := answer.Operation; op != nil {
		r.Import = &Import{
			ID: op.ID, Importer: op.Importer, State: string(op.State()), Step: string(op.Step),
			Expected: known(op.Counts.Total), Completed: known(op.Counts.Completed), Failed: known(op.Counts.Error),
		}
	}
	return r
}

// failed takes what a failure tells.
func (r *Result) failed(err error) {
	yes, no := true, false
	r.Problem = err.Error()
	var e *client.Error
	if !errors.As(err, &e) {
		return
	}
	r.Reason, r.Hint = e.Reason, e.Hint
	switch {
	case e.Reason == client.Unauthorized && e.Status == 0: // the token could not be read, so nothing was asked
	case e.Reason == client.Unauthorized:
		r.Reached, r.TokenAccepted = &yes, &no
	case e.Reason == client.Forbidden:
		r.Reached, r.TokenAccepted, r.Permitted = &yes, &yes, &no
	case e.Reason == client.RateLimited:
		r.Reached = &yes
	default:
		r.Reached = &no
	}
}

func known(n client.OptionalCount) *int64 {
	if !n.Known {
		return nil
	}
	return &n.Value
}

// Write tells a result in plain words.
func (r Result) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", r.Workspace, r.URL)
	fmt.Fprintf(&b, "  Rocket.Chat  %s\n", word(r.Reached, "was reached", "was not reached"))
	fmt.Fprintf(&b, "  token        %s\n", word(r.TokenAccepted, "is accepted", "is not accepted"))
	fmt.Fprintf(&b, "  permission   %s\n", word(r.Permitted, "run-import is there", "run-import is missing"))
	if r.OK {
		fmt.Fprintf(&b, "  import       %s\n", r.Import)
	} else {
		fmt.Fprintf(&b, "  problem      %s\n  what to do   %s\n", r.Problem, r.Hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String tells of an import in one line; i may be nil.
func (i *Import) String() string {
	if i == nil {
		return "there never was one"
	}
	s := fmt.Sprintf("%s, state %s (%s)", cmp.Or(i.Importer, "of an unknown importer"), cmp.Or(i.State, "unknown"), i.Step)
	if i.Expected != nil {
		var done int64
		if i.Completed != nil {
			done = *i.Completed
		}
		s += fmt.Sprintf(", %d of %d records done", done, *i.Expected)
	}
	if i.Failed != nil && *i.Failed > 0 {
		s += fmt.Sprintf(", %d failed", *i.Failed)
	}
	return s
}

// word says what a finding is.
func word(finding *bool, yes, no string) string {
	switch {
	case finding == nil:
		return "not found out"
	case *finding:
		return yes
	default:
		return no
	}
}
