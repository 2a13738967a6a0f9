//go:build engine && linux

// Package engine runs the commands of docs/container.md and docs/compose.md on a Docker engine. Base images are stand-ins
// where the engine has none, and Rocket.Chat is simulated in a container. Run the tests with "make engine-test".
package engine

import (
	"net/url"
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
		isRefused(t, work, check)
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

func TestThePageOfComposeHoldsOnAnEngine(t *testing.T) {
	if out, err := docker("compose", "version").CombinedOutput(); err != nil {
		t.Skipf("Left out: docker compose is not there. %s", out)
	}
	standInForGo(t)
	standInsForCompose(t)
	startRocketChat(t)
	t.Setenv("COMPOSE_PROJECT_NAME", "engine-test") // and not what somebody runs
	page := rig.ReadFile(t, repository+"/docs/compose.md")
	checkout := t.TempDir()
	succeeds(t, repository, "", "git ls-files -z | tar --null -T - -c | tar -x --no-same-permissions -C "+checkout)
	dir := filepath.Join(checkout, "deploy/compose")
	compose := func(t *testing.T, commands string) string { t.Helper(); return succeeds(t, dir, "", commands) }
	startAndCheck := block(t, page, "--force-recreate")
	steps := strings.Split(startAndCheck, "\n")
	readable, check := steps[0], steps[2]

	succeeds(t, checkout, rig.Token+"\n", block(t, page, "cp env.example .env"))
	compose(t, block(t, page, "chmod 644 secrets/rocketchat_token"))
	// Alertmanager joins too: it posts into the same Rocket.Chat.
	rig.WriteFile(t, filepath.Join(dir, "secrets/network.yaml"), strings.Replace(block(t, page, "external: true"),
		"services: { ", "services: { alertmanager: { networks: [default, rocketchat] }, ", 1))
	compose(t, "echo ROCKETCHAT_URL=http://rocketchat:3000 >> .env; echo COMPOSE_FILE=compose.yaml:secrets/network.yaml >> .env")
	t.Cleanup(func() { shell(dir, "", "docker compose down --volumes --rmi local") })
	t.Run("README's command starts it, and every container is healthy", func(t *testing.T) {
		compose(t, readable+"\n"+regexp.MustCompile("`(docker compose up [^`]*)` in `deploy/compose`").FindStringSubmatch(rig.ReadFile(t, repository+"/README.md"))[1])
		for _, service := range []string{"exporter", "prometheus", "alertmanager", "grafana"} {
			assert.Equal(t, "healthy", inspect(t, "engine-test-"+service+"-1", "{{.State.Health.Status}}"), service)
			isLimited(t, "engine-test-"+service+"-1")
		}
		assert.Contains(t, compose(t, check), "is accepted")
		isScraped(t, "chat.example.com")
	})
	t.Run("a new token is used at once", func(t *testing.T) {
		succeeds(t, dir, "not-"+rig.Token, "cat > secrets/rocketchat_token")
		isRefused(t, dir, check)
		succeeds(t, dir, rig.Token, "cat > secrets/rocketchat_token")
		compose(t, check)
	})
	t.Run("one command applies a changed setting, an update and another receiver", func(t *testing.T) {
		compose(t, "echo WORKSPACE=acme >> .env")
		// sed puts a new file in the place of the old one, as git does.
		compose(t, "sed -i s/0.1.0/9.9.9/ ../../VERSION compose.yaml; sed -i s/RocketChatImportStalled/Updated/ ../../alerts/*.rules.yml")
		for name, secret := range map[string]string{"user_id": rig.UserID, "token": rig.Token} {
			rig.WriteFile(t, filepath.Join(dir, "secrets/rocketchat_alerts_"+name), secret)
		}
		compose(t, block(t, page, "alerts/rocketchat-receiver.yml")+"sed -i s,https://chat.example.com,http://rocketchat:3000, secrets/alertmanager.yml")
		compose(t, strings.Replace(block(t, page, ":rocketchat-receiver.yaml"), "compose.yaml:", "compose.yaml:secrets/network.yaml:", 1))
		assert.Contains(t, compose(t, startAndCheck), "is accepted")
		isScraped(t, "acme")
		assert.Contains(t, compose(t, "docker compose exec exporter /rocketchat_import_exporter --version"), "version 9.9.9 ")
		assert.Equal(t, "9.9.9", inspect(t, "engine-test-exporter-1", `{{index .Config.Labels "org.opencontainers.image.version"}}`))
		assert.Contains(t, get(t, "http://127.0.0.1:9090/api/v1/rules"), `"name":"Updated"`)
		compose(t, block(t, page, "alert add"))
		eventually(t, func(c *assert.CollectT) {
			out, err := docker("exec", rocketChat, "wget", "-qO-", "http://127.0.0.1:3000/messages").Output()
			assert.NoError(c, err)
			assert.Contains(c, string(out), `"channel":"#imports"`)
		})
	})
	t.Run("one exporter watches many workspaces", func(t *testing.T) {
		compose(t, block(t, page, "install -d -m 755 secrets/workspaces"))
		rig.WriteFile(t, filepath.Join(dir, "secrets/workspaces/globex"), rig.Token)
		rig.WriteFile(t, filepath.Join(dir, "secrets/workspaces/workspaces.yml"),
			"workspaces: {globex: {url: 'http://rocketchat:3000', user_id: "+rig.UserID+", auth_token_file: globex}}")
		compose(t, block(t, page, "chmod 644 secrets/workspaces"))
		compose(t, strings.Replace(block(t, page, ":many-workspaces.yaml"), "compose.yaml:", "compose.yaml:secrets/network.yaml:rocketchat-receiver.yaml:", 1))
		assert.Contains(t, compose(t, startAndCheck), "is accepted")
		isScraped(t, "globex")
	})
	t.Run("down removes all of it", func(t *testing.T) {
		compose(t, "docker compose down --volumes")
		for _, list := range []string{"container ls --all", "volume ls", "network ls"} {
			assert.Empty(t, compose(t, "docker "+list+" --quiet --filter label=com.docker.compose.project=engine-test"), list)
		}
	})
}

// isRefused runs a check, which must say that Rocket.Chat does not accept the token.
func isRefused(t *testing.T, dir, check string) {
	t.Helper()
	out, err := shell(dir, "", check)
	assert.Error(t, err)
	assert.Contains(t, out, "is not accepted")
}

// isScraped waits until Prometheus has scraped a workspace.
func isScraped(t *testing.T, workspace string) {
	t.Helper()
	query := "http://127.0.0.1:9090/api/v1/query?query=" + url.QueryEscape(`rocketchat_import_up{instance="`+workspace+`"} == 1`)
	eventually(t, func(c *assert.CollectT) { assert.Contains(c, get(c, query), `"instance":"`+workspace+`"`) })
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
