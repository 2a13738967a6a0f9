//go:build engine && linux

package engine

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

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
	compose := func(commands string) string { t.Helper(); return succeeds(t, dir, "", commands) }
	startAndCheck := block(t, page, "docker compose up --detach --build --wait")
	check := regexp.MustCompile(`docker compose exec .*`).FindString(startAndCheck)

	succeeds(t, checkout, rig.Token+"\n", block(t, page, "cp env.example .env"))
	compose(block(t, page, "chmod -R go=rX"))
	// Alertmanager joins too: it posts into the same Rocket.Chat.
	rig.WriteFile(t, filepath.Join(dir, "secrets/network.yaml"), strings.Replace(block(t, page, "external: true"),
		"services: { ", "services: { alertmanager: { networks: [default, rocketchat] }, ", 1))
	compose("echo ROCKETCHAT_URL=http://rocketchat:3000 >> .env; echo COMPOSE_FILE=compose.yaml:secrets/network.yaml >> .env")
	t.Cleanup(func() { shell(dir, "", "docker compose down --volumes --rmi local") })

	t.Run("README's command starts it, and every container is healthy", func(t *testing.T) {
		compose(regexp.MustCompile("`(docker compose up [^`]*)` in `deploy/compose`").FindStringSubmatch(rig.ReadFile(t, repository+"/README.md"))[1])
		for _, service := range []string{"exporter", "prometheus", "alertmanager", "grafana"} {
			assert.Equal(t, "healthy", inspect(t, containerOf(t, service), "{{.State.Health.Status}}"), service)
			isLimited(t, containerOf(t, service))
		}
		assert.Contains(t, compose(check), "is accepted")
		isScraped(t, "chat.example.com")
	})

	t.Run("a new token is used at once", func(t *testing.T) {
		succeeds(t, dir, "not-"+rig.Token, "cat > secrets/rocketchat_token")
		out, err := shell(dir, "", check)
		assert.Error(t, err)
		assert.Contains(t, out, "is not accepted")
		succeeds(t, dir, rig.Token, "cat > secrets/rocketchat_token")
		compose(check)
	})

	t.Run("one command applies a changed setting, an update and another receiver", func(t *testing.T) {
		compose("echo WORKSPACE=acme >> .env")
		// sed puts a new file in the place of the old one, as git does.
		compose("sed -i s/0.1.0/9.9.9/ ../../VERSION compose.yaml; sed -i s/RocketChatImportStalled/Updated/ ../../alerts/*.rules.yml; chmod -R go=rX ../../alerts")
		for name, secret := range map[string]string{"user_id": rig.UserID, "token": rig.Token} {
			rig.WriteFile(t, filepath.Join(dir, "secrets/rocketchat_alerts_"+name), secret)
		}
		compose(block(t, page, "alerts/rocketchat-receiver.yml") + "sed -i s,https://chat.example.com,http://rocketchat:3000, secrets/alertmanager.yml")
		compose(strings.Replace(block(t, page, ":rocketchat-receiver.yaml"), "compose.yaml:", "compose.yaml:secrets/network.yaml:", 1))
		assert.Contains(t, compose(startAndCheck), "is accepted")
		isScraped(t, "acme")
		assert.Contains(t, compose("docker compose exec exporter /rocketchat_import_exporter --version"), "version 9.9.9 ")
		assert.Equal(t, "9.9.9", inspect(t, containerOf(t, "exporter"), `{{index .Config.Labels "org.opencontainers.image.version"}}`))
		assert.Contains(t, get(t, "http://127.0.0.1:9090/api/v1/rules"), `"name":"Updated"`)
		compose(block(t, page, "alert add"))
		eventually(t, func(c *assert.CollectT) {
			out, err := docker("exec", rocketChat, "wget", "-qO-", "http://127.0.0.1:3000/messages").Output()
			assert.NoError(c, err)
			assert.Contains(c, string(out), `"channel":"#imports"`)
		})
	})

	t.Run("one exporter watches many workspaces", func(t *testing.T) {
		rig.WriteFile(t, filepath.Join(dir, "secrets/workspaces/globex"), rig.Token)
		rig.WriteFile(t, filepath.Join(dir, "secrets/workspaces/workspaces.yml"),
			"workspaces: {globex: {url: 'http://rocketchat:3000', user_id: "+rig.UserID+", auth_token_file: globex}}")
		compose(block(t, page, "secrets/workspaces"))
		compose(strings.Replace(block(t, page, ":many-workspaces.yaml"), "compose.yaml:", "compose.yaml:secrets/network.yaml:", 1))
		assert.Contains(t, compose(startAndCheck), "is accepted")
		isScraped(t, "globex")
	})

	t.Run("down removes all of it", func(t *testing.T) {
		compose("docker compose down --volumes")
		for _, list := range []string{"container ls --all", "volume ls", "network ls"} {
			assert.Empty(t, compose("docker "+list+" --quiet --filter label=com.docker.compose.project=engine-test"), list)
		}
	})
}

// containerOf is the id of a service's container.
func containerOf(t *testing.T, service string) string {
	t.Helper()
	id := rig.Output(t, docker("container", "ls", "--quiet", "--filter", "label=com.docker.compose.project=engine-test",
		"--filter", "label=com.docker.compose.service="+service))
	require.NotEmpty(t, id, service)
	return id
}

// isScraped waits until Prometheus has scraped a workspace.
func isScraped(t *testing.T, workspace string) {
	t.Helper()
	query := "http://127.0.0.1:9090/api/v1/query?query=" + url.QueryEscape(`rocketchat_import_up{instance="`+workspace+`"} == 1`)
	eventually(t, func(c *assert.CollectT) { assert.Contains(c, get(c, query), `"instance":"`+workspace+`"`) })
}
