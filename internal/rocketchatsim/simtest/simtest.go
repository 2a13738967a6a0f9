// Package simtest sets up a simulated Rocket.Chat behind a real socket, for tests of what watches it.
package simtest

import (
	"net/http/httptest"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// UserID and Token are the credentials of the user that watches.
const (
	UserID = "watcher"
	Token  = "a-token-that-must-not-show"
)

// Epoch is when the clock of a rig begins.
var Epoch = time.Date(2026, 11, 24, 6, 31, 55, 842e6, time.UTC)

// Rig is a simulated Rocket.Chat, and how it is watched.
type Rig struct {
	Sim    *rocketchatsim.Server
	Clock  *rocketchatsim.Clock
	Config config.Workspace
	t      *testing.T
}

// New serves a workspace of a generation until the test ends. Config has what
// changes make of the default settings. The user is exempt from the rate limit.
func New(t *testing.T, generation rocketchatsim.Generation, changes ...func(*config.Workspace)) *Rig {
	t.Helper()
	clock := rocketchatsim.NewClock(Epoch)
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, Now: clock.Now})
	sim.SetUser(UserID, Token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	url, err := client.ParseURL(server.URL)
	require.NoError(t, err)
	r := &Rig{Sim: sim, Clock: clock, t: t, Config: config.Workspace{
		URL: url, UserID: UserID, Token: Token, HTTP: promconfig.DefaultHTTPClientConfig,
		FileData: config.OnChange, Timeout: 10 * time.Second, FileDataTimeout: time.Minute,
	}}
	for _, change := range changes {
		change(&r.Config)
	}
	return r
}

// InMode reads the selection in a mode.
func InMode(mode config.Mode) func(*config.Workspace) {
	return func(w *config.Workspace) { w.FileData = mode }
}

// Operation is a Slack operation in a step, with counts.
func Operation(step string) rocketchatsim.Operation {
	op := rocketchatsim.SlackOperation(step, Epoch)
	op.ID = "6b052f5bf6f884453d01b94f"
	op.Count = &rocketchatsim.Count{Total: new(57), Users: new(12), Channels: new(5), Messages: new(40)}
	return op
}

// Place makes op the newest operation, with something staged that has some of each flag.
func (r *Rig) Place(op rocketchatsim.Operation) {
	r.t.Helper()
	r.Sim.SetOperation(op)
	require.NoError(r.t, r.Sim.SetSelection(rocketchatsim.Selection{
		Users: 12, UsersDeleted: 2, UsersBot: 1, UsersEmailTaken: 3, UsersExcluded: 4,
		Channels: 5, ChannelsArchived: 1, ChannelsPrivate: 2, ChannelsDirect: 1, ChannelsExcluded: 1,
		Messages: 40, Contacts: 6,
	}))
}

// Update changes the newest operation.
func (r *Rig) Update(change func(*rocketchatsim.Operation)) {
	r.t.Helper()
	require.NoError(r.t, r.Sim.Update(change))
}

// Reads is how many calls of getImportFileData have arrived.
func (r *Rig) Reads() int { return r.Sim.Requests(rocketchatsim.GetImportFileData) }
