package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/follow"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestWatchFollowsOneWorkspace(t *testing.T) {
	done, finished := workspace(t)
	done.SetOperation(simtest.Operation(rocketchatsim.StepDone))
	dead, failed := workspace(t)
	dead.SetOperation(simtest.Operation(rocketchatsim.StepImportFailed))
	running, importing := workspace(t)
	running.SetOperation(simtest.Operation(rocketchatsim.StepImportingUsers))
	file := "--config.file=" + temporary(t, workspacesAt(finished, "good")+workspacesAt(failed, "bad")[len("workspaces:\n"):])

	for name, c := range map[string]struct {
		code int
		says string
		args []string
	}{
		"the only one finished": {follow.Finished, "  Finished", append(credentials, "watch", "--rocketchat.url="+finished)},
		"the named finished":    {follow.Finished, "Following good (" + finished + ").", []string{"watch", "good", file}},
		"the named failed":      {follow.NotFinished, "  Failed", []string{"watch", "bad", file}},
		"the time passed":       {follow.TimedOut, "as --timeout says: importing users", append(credentials, "watch", "--timeout=1ms", "--rocketchat.url="+importing)},
	} {
		code, stdout, stderr := execute(t, c.args...)
		assert.Equal(t, c.code, code, name)
		assert.Contains(t, stdout, c.says, name)
		assert.NotContains(t, stdout, "\x1b", name)
		assert.Empty(t, stderr, name)
	}
	assertFails(t, "name one of bad, good", "watch", file)
	assertFails(t, "name one of bad, good", "watch", "elsewhere", file)
	assertFails(t, "--interval: must be at least 1s", append(credentials, "watch", "--interval=0s")...)
	assertFails(t, "--timeout: must not be negative", append(credentials, "watch", "--timeout=-1s")...)
}
