package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "demo"
	token  = "a-token-for-the-demo"
	// rest is how long an import that is over stays before the next begins.
	rest = 20 * time.Second
)

// workspace is a simulated Rocket.Chat, and what happens there.
type workspace struct {
	name     string
	url      string
	sim      *rocketchatsim.Server
	story    story
	begins   time.Time // the story; zero for never
	reporter reporter
}

type workspaces []*workspace

// story is what happens in a workspace.
type story struct {
	name, text string
	begin      func(*rocketchatsim.Server)
	// again is how long after its beginning it begins anew; 0 for never.
	again time.Duration
}

// stories are those of the first workspaces. With more workspaces they repeat.
var stories = []story{
	{"acme", "an import of about three minutes runs, again and again", func(sim *rocketchatsim.Server) {
		sim.Start(rocketchatsim.Slack(), 1)
	}, rocketchatsim.Slack().Duration() + rest},
	{"globex", "an import has stalled: nothing was saved for 25 minutes", func(sim *rocketchatsim.Server) {
		place(sim, rocketchatsim.StepImportingMessages, 61_500, 25*time.Minute)
	}, 0},
	{"initech", "an import has finished", func(sim *rocketchatsim.Server) {
		place(sim, rocketchatsim.StepDone, 153_000, 12*time.Minute)
	}, 0},
	{"umbrella", "Rocket.Chat refuses the exporter's token", func(sim *rocketchatsim.Server) {
		sim.SetToken(userID, "another-token")
	}, 0},
	{"hooli", "an import is aborted, since a second instance of Rocket.Chat starts", func(sim *rocketchatsim.Server) {
		sim.Start(rocketchatsim.SecondInstance(), 4)
	}, 0},
	{"stark", "an import has failed", func(sim *rocketchatsim.Server) {
		place(sim, rocketchatsim.StepImportFailed, 76_700, 40*time.Minute)
	}, 0},
}

// place makes an import the newest. completed is how many of its records are
// completed, and ago how long ago it was last saved.
func place(sim *rocketchatsim.Server, step string, completed int, ago time.Duration) {
	op := rocketchatsim.SlackOperation(step, time.Now().Add(-ago))
	op.Created = op.Created.Add(-time.Hour)
	op.Count = &rocketchatsim.Count{Total: new(153_400), Users: new(3_000), Channels: new(400), Messages: new(150_000), Completed: &completed}
	sim.SetOperation(op)
}

// startWorkspaces starts n workspaces, in which nothing happens yet.
func startWorkspaces(n int) (all workspaces) {
	for i := range n {
		w := &workspace{
			sim:   rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest}),
			story: stories[i%len(stories)],
		}
		w.name = w.story.name
		if i >= len(stories) {
			w.name += fmt.Sprintf("-%d", i/len(stories)+1)
		}
		w.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		w.url = httptest.NewServer(w.sim).URL
		all = append(all, w)
	}
	return all
}

// configuration is the exporter's configuration file for the workspaces.
func (all workspaces) configuration() string {
	var b strings.Builder
	b.WriteString("workspaces:\n")
	for _, w := range all {
		fmt.Fprintf(&b, "  %s: {url: %q, user_id: %s, auth_token: %s}\n", w.name, w.url, userID, token)
	}
	return b.String()
}

// list prints the address of each workspace, and what happens there. alone adds how to watch it.
func (all workspaces) list(alone bool) {
	fmt.Print("\nThe simulated Rocket.Chat of each workspace:\n\n")
	for _, w := range all {
		fmt.Printf("  %-12s  %s  %s\n", w.name, w.url, w.story.text)
		if alone {
			fmt.Printf("  export ROCKETCHAT_URL=%s ROCKETCHAT_USER_ID=%s ROCKETCHAT_AUTH_TOKEN=%s\n\n", w.url, userID, token)
		}
	}
	if alone {
		fmt.Print("Watch one of them from another terminal. Copy its line into it, then run one of these:\n\n" +
			"  go run . watch    follows the import in the terminal\n  go run .          the exporter; its page is http://localhost:10458/\n")
	}
	fmt.Print("\nPress Ctrl-C to end.\n\n")
}

// play begins all stories, and prints them until ctx ends.
func (all workspaces) play(ctx context.Context) error {
	for _, w := range all {
		w.begins = time.Now()
	}
	for tick := time.Tick(250 * time.Millisecond); ; {
		for _, w := range all {
			if now := time.Now(); !w.begins.IsZero() && !now.Before(w.begins) {
				w.story.begin(w.sim)
				w.begins = time.Time{}
				if w.story.again > 0 {
					w.begins = now.Add(w.story.again)
				}
			}
			if line := w.reporter.next(w.sim.Operation()); line != "" {
				say("%-12s  %s", w.name, line)
			}
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
