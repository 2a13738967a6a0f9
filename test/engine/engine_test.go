//go:build engine && linux

// Package engine runs the commands of docs/container.md and docs/compose.md on a Docker engine. Base images are stand-ins
// where the engine has none, and Rocket.Chat is simulated in a container. Run the tests with "make engine-test".
package engine

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

const (
	repository = "../.."
	exporter   = "rocketchat_import_exporter" // image, container and program
	network    = "rocketchat_default"         // of the Rocket.Chat in Docker
	// patience is for a busy machine. Docker looks at the health every 30 seconds.
	patience = 5 * time.Minute
)

func TestThePageOfTheContainerHoldsOnAnEngine(t *testing.T) {
	standInForGo(t)
	startRocketChat(t)
	page := rig.ReadFile(t, repository+"/docs/container.md")
	folder := filepath.Join(t.TempDir(), "rocketchat")
	here := strings.NewReplacer("/etc/rocketchat", folder, "https://chat.example.com", "http://rocketchat:3000",
		"docker run ", "docker run --network "+network+" ")
	install, run := here.Replace(block(t, page, "install -d")), here.Replace(block(t, page, "docker run"))
	check := block(t, page, "docker exec")
	work := t.TempDir()
	rig.WriteFile(t, filepath.Join(work, "token"), rig.Token)
	succeeds(t, repository, "", block(t, page, "make image"))
	afterwards(t, "image", "rm", "--force", exporter)
	t.Run("the image shows version and revision", func(t *testing.T) {
		shown := inspect(t, exporter, "{{json .Config.Labels}}") + rig.Output(t, docker("run", "--rm", "--user", "1234", exporter, "--version"))
		assert.Equal(t, 2, strings.Count(shown, strings.TrimSpace(rig.ReadFile(t, repository+"/VERSION"))), shown)
		assert.Equal(t, 2, strings.Count(shown, rig.Output(t, exec.Command("git", "rev-parse", "HEAD"))), shown)
	})
	t.Run("when the exporter cannot read the token, the log says so", func(t *testing.T) {
		succeeds(t, work, "", "install -d "+folder+"; cp token "+folder+"\n"+run)
		defer docker("rm", "--force", exporter).Run()
		eventually(t, func(c *assert.CollectT) {
			seen, err := shell(work, "", "docker ps --all; docker logs "+exporter)
			assert.NoError(c, err)
			assert.Regexp(c, "(?s)Restarting.*permission denied", seen)
		})
	})
	succeeds(t, work, "", install+run)
	afterwards(t, "rm", "--force", exporter)
	t.Run("it reaches Rocket.Chat, and uses a new token", func(t *testing.T) {
		eventually(t, func(c *assert.CollectT) {
			assert.Contains(c, get(c, "http://127.0.0.1:10458/metrics"), "\nrocketchat_import_up 1\n")
		})
		assert.Contains(t, succeeds(t, work, "", check), "is accepted")
		rig.WriteFile(t, filepath.Join(work, "token"), "not-"+rig.Token)
		succeeds(t, work, "", install)
		out, err := shell(work, "", check)
		assert.Error(t, err)
		assert.Contains(t, out, "is not accepted")
	})
	t.Run("it is limited, and Docker finds it healthy", func(t *testing.T) {
		isLimited(t, exporter)
		assert.Equal(t, "true 65534:65534", inspect(t, exporter, "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}"))
		eventually(t, func(c *assert.CollectT) { assert.Equal(c, "healthy", inspect(t, exporter, "{{.State.Health.Status}}")) })
	})
	t.Run("it stops before Docker would kill it", func(t *testing.T) {
		rig.Output(t, docker("stop", exporter))
		assert.Equal(t, "0", inspect(t, exporter, "{{.State.ExitCode}}"))
	})
}

// inspect is what the engine says of a container or an image, in the form of a template of Go.
func inspect(t *testing.T, name, format string) string {
	t.Helper()
	return rig.Output(t, docker("inspect", "--format", format, name))
}

// isLimited checks memory, privileges, restarts and the log of a container.
func isLimited(t *testing.T, name string) {
	t.Helper()
	assert.Regexp(t, `^[1-9]\d* \[no-new-privileges(:true)?\] unless-stopped map\[max-file:3 max-size:10m\] \[ALL\]$`,
		inspect(t, name, "{{with .HostConfig}}{{.Memory}} {{.SecurityOpt}} {{.RestartPolicy.Name}} {{.LogConfig.Config}} {{.CapDrop}}{{end}}"))
}

// get asks an address of the machine that the engine is on.
func get(t require.TestingT, address string) string {
	out, err := docker("run", "--rm", "--network", "host", "--entrypoint", "wget", rocketChat, "-qO-", address).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func eventually(t *testing.T, condition func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, condition, patience, time.Second)
}

// block is the one block of code of a page that has this text in it, without its indentation.
func block(t *testing.T, page, text string) (found string) {
	t.Helper()
	for _, b := range regexp.MustCompile("(?ms)^( *)```[a-z]*\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		if strings.Contains(b[2], text) {
			require.Empty(t, found, "two blocks have %q", text)
			found = strings.TrimPrefix(strings.ReplaceAll("\n"+b[2], "\n"+b[1], "\n"), "\n")
		}
	}
	require.NotEmpty(t, found, "no block has %q", text)
	return found
}

// shell runs commands as somebody types them who keeps files to themselves. It returns what they print.
func shell(dir, input, commands string) (string, error) {
	cmd := exec.Command("bash", "-euc", "umask 077\n"+commands)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func succeeds(t *testing.T, dir, input, commands string) string {
	t.Helper()
	out, err := shell(dir, input, commands)
	require.NoError(t, err, "%s\n%s", commands, out)
	return out
}
