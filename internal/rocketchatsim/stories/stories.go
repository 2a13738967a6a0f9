// Package stories has simulated workspaces in which something happens, for the demo and the rehearsal.
package stories

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// UserID and Token are the exporter's credentials in each workspace.
const (
	UserID = "demo"
	Token  = "a-token-for-the-demo"
)

// rest is how long an import that is over stays before the next begins.
const rest = 20 * time.Second

// Workspace is a simulated Rocket.Chat, and what happens there.
type Workspace struct {
	*rocketchatsim.Server
	Name, URL string
	// Text says what happens.
	Text string
	// Again is how long after its beginning it begins anew; 0 for never.
	Again time.Duration
	// Begin begins what happens.
	Begin func(*rocketchatsim.Server)
}

// Start starts n workspaces, in which nothing happens yet.
func Start(n int) (all []*Workspace) {
	for i := range n {
		w := stories[i%len(stories)]
		if i >= len(stories) {
			w.Name += fmt.Sprintf("-%d", i/len(stories)+1)
		}
		w.Server = rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
		w.SetUser(UserID, Token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		w.URL = httptest.NewServer(w.Server).URL
		all = append(all, &w)
	}
	return all
}

// Configuration is the exporter's configuration file for the workspaces.
func Configuration(all []*Workspace) string {
	var b strings.Builder
	b.WriteString("workspaces:\n")
	for _, w := range all {
		fmt.Fprintf(&b, "  %s: {url: %q, user_id: %s, auth_token: %s}\n", w.Name, w.URL, UserID, Token)
	}
	return b.String()
}

// stories are those of the first workspaces. With more workspaces they repeat.
var stories = []Workspace{
	{Name: "acme", Text: "an import of about three minutes runs, again and again", Again: rocketchatsim.Slack().Duration() + rest,
		Begin: func(sim *rocketchatsim.Server) { sim.Start(rocketchatsim.Slack(), 1) }},
	{Name: "globex", Text: "an import has stalled: nothing was saved for 25 minutes",
		Begin: at(rocketchatsim.StepImportingMessages, 61_500, 25*time.Minute)},
	{Name: "initech", Text: "an import has finished", Begin: at(rocketchatsim.StepDone, 153_000, time.Minute)},
	{Name: "umbrella", Text: "Rocket.Chat refuses the exporter's token",
		Begin: func(sim *rocketchatsim.Server) { sim.SetToken(UserID, "another-token") }},
	{Name: "hooli", Text: "an import is aborted, since a second instance of Rocket.Chat starts",
		Begin: func(sim *rocketchatsim.Server) { sim.Start(rocketchatsim.SecondInstance(), 4) }},
	{Name: "stark", Text: "an import has failed", Begin: at(rocketchatsim.StepImportFailed, 76_700, 40*time.Minute)},
}

// at makes an import the newest, with as many records completed, and saved that long ago.
func at(step string, completed int, ago time.Duration) func(*rocketchatsim.Server) {
	return func(sim *rocketchatsim.Server) {
		op := rocketchatsim.SlackOperation(step, time.Now().Add(-ago))
		op.Created = op.Created.Add(-time.Hour)
		op.Count = &rocketchatsim.Count{Total: new(153_400), Users: new(3_000), Channels: new(400), Messages: new(150_000), Completed: &completed}
		sim.SetOperation(op)
	}
}
