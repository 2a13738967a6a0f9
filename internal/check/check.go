// Package check finds out whether a workspace can be watched, and what to do if not.
package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/words"
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
	// Notes say what the exporter cannot show of this server.
	Notes []string `json:"notes,omitempty"`
	// Reason, Problem and Hint say what is wrong and what to do. They are empty if OK.
	Reason  client.Reason `json:"reason,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Hint    string        `json:"hint,omitempty"`
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
		r.fail(err)
		return r
	}
	yes := true
	r.Reached, r.TokenAccepted, r.Permitted, r.OK = &yes, &yes, &yes, true
	r.Import = newImport(answer)
	if answer.ServerTime.IsZero() {
		r.Notes = append(r.Notes, "The answer has no Date header: nobody can tell how long ago the import last moved. Let the proxy in front of Rocket.Chat keep the header.")
	} else {
		r.ServerTime = &answer.ServerTime
	}
	if answer.Operation.KeepsSelection() {
		r.Notes = append(r.Notes, words.EarlyServer)
	}
	return r
}

// fail records what a failure says about the workspace.
func (r *Result) fail(err error) {
	r.Problem = err.Error()
	var e *client.Error
	if !errors.As(err, &e) {
		return
	}
	r.Reason, r.Hint = e.Reason, e.Hint
	if e.Reason == client.Unauthorized && e.Status == 0 {
		return // the token file cannot be read, so no call was made
	}
	r.Reached = &e.Reached
	if e.Reason.Credentials() {
		accepted := e.Reason == client.Forbidden
		r.TokenAccepted = &accepted
		if accepted {
			r.Permitted = new(bool)
		}
	}
}

// String is the result in words.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", r.Workspace, r.URL)
	fmt.Fprintf(&b, "  Rocket.Chat  %s\n", word(r.Reached, "was reached", "did not answer"))
	fmt.Fprintf(&b, "  token        %s\n", word(r.TokenAccepted, "is accepted", "is not accepted"))
	fmt.Fprintf(&b, "  permission   %s\n", word(r.Permitted, "run-import is there", "run-import is missing"))
	if r.OK {
		r.Import.write(&b)
	} else {
		fmt.Fprintf(&b, "  problem      %s\n  what to do   %s\n", r.Problem, r.Hint)
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
