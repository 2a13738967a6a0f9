//go:build engine && linux

// Package engine runs the commands of docs/container.md and docs/compose.md on a Docker engine. Base images are stand-ins
// where the engine has none, and Rocket.Chat is simulated in a container. Run the tests with "make engine-test".
package engine

import (
	"encoding/json"
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
	golang     = "docker.io/library/golang:1.26" // what the Dockerfile builds in
	exporter   = "rocketchat_import_exporter"    // image, container and program
	network    = "rocketchat_default"            // of the Rocket.Chat in Docker
	// patience is for a busy machine. Docker looks at the health every 30 seconds.
	patience = 2 * time.Minute
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
	version := strings.TrimSpace(rig.ReadFile(t, repository+"/VERSION"))

	succeeds(t, repository, "", block(t, page, "make image"))
	remove(t, "image", exporter)
	revision := rig.Output(t, exec.Command("git", "rev-parse", "HEAD"))
	t.Run("the image shows version and revision", func(t *testing.T) {
		labels := inspect(t, exporter).Config.Labels
		assert.Equal(t, version, labels["org.opencontainers.image.version"])
		assert.Equal(t, revision, labels["org.opencontainers.image.revision"])
		shown := rig.Output(t, docker("run", "--rm", "--user", "1234", exporter, "--version"))
		assert.Contains(t, shown, exporter+", version "+version+" ")
		assert.Contains(t, shown, "revision: "+revision)
	})

	t.Run("a token that the exporter cannot read is what the log says", func(t *testing.T) {
		succeeds(t, work, "", "install -d "+folder+"; cp token "+folder)
		succeeds(t, work, "", run)
		defer docker("rm", "--force", exporter).Run()
		eventually(t, func(c *assert.CollectT) {
			assert.Contains(c, rig.Output(t, docker("ps", "--all")), "Restarting")
			log, err := docker("logs", exporter).CombinedOutput()
			assert.NoError(c, err)
			assert.Contains(c, string(log), "permission denied")
		})
	})

	succeeds(t, work, "", install+run)
	remove(t, "container", exporter)
	t.Run("it reaches Rocket.Chat, from the first call and with a new token", func(t *testing.T) {
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
	t.Run("it is confined, starts again, and its log has an end", func(t *testing.T) {
		is := inspect(t, exporter)
		is.isLimited(t)
		assert.True(t, is.HostConfig.ReadonlyRootfs)
		assert.Equal(t, []string{"ALL"}, is.HostConfig.CapDrop)
		assert.Equal(t, "65534:65534", is.Config.User)
	})
	t.Run("Docker finds it healthy", func(t *testing.T) {
		eventually(t, func(c *assert.CollectT) { assert.Equal(c, "healthy", inspect(t, exporter).State.Health.Status) })
	})
	t.Run("docker stop is no kill", func(t *testing.T) {
		rig.Output(t, docker("stop", exporter))
		assert.Zero(t, inspect(t, exporter).State.ExitCode)
	})
}

// container is what the engine says of a container.
type container struct {
	Config struct {
		User   string
		Labels map[string]string
	}
	State struct {
		ExitCode int
		Health   struct{ Status string }
	}
	HostConfig struct {
		Memory         int64
		ReadonlyRootfs bool
		CapDrop        []string
		SecurityOpt    []string
		RestartPolicy  struct{ Name string }
		LogConfig      struct{ Config map[string]string }
	}
}

func (c container) isLimited(t *testing.T) {
	t.Helper()
	assert.Positive(t, c.HostConfig.Memory)
	assert.Contains(t, strings.Join(c.HostConfig.SecurityOpt, " "), "no-new-privileges")
	assert.Equal(t, "unless-stopped", c.HostConfig.RestartPolicy.Name)
	assert.Equal(t, map[string]string{"max-size": "10m", "max-file": "3"}, c.HostConfig.LogConfig.Config)
}

// inspect says it of a container, and of an image.
func inspect(t *testing.T, name string) container {
	t.Helper()
	var all []container
	require.NoError(t, json.Unmarshal([]byte(rig.Output(t, docker("inspect", name))), &all))
	return all[0]
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
