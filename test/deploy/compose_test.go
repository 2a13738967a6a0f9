package deploy

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

// tryIt are the variables of env.example that come with a Rocket.Chat to try it with.
var tryIt = []string{"COMPOSE_PROFILES", "ROCKETCHAT_URL", "WORKSPACE"}

// loadCompose loads compose.yaml, and further files, as docker compose does. It
// takes env.example for .env, without the number sign before the variables.
func loadCompose(t *testing.T, variables []string, further ...string) *types.Project {
	t.Helper()
	env := rig.ReadFile(t, "compose/env.example")
	for _, name := range variables {
		env = strings.Replace(env, "\n#"+name+"=", "\n"+name+"=", 1)
	}
	project, err := tryLoadingCompose(t, env, further...)
	require.NoError(t, err)
	return project
}

func tryLoadingCompose(t *testing.T, env string, further ...string) (*types.Project, error) {
	t.Helper()
	envFile := filepath.Join(t.TempDir(), ".env")
	rig.WriteFile(t, envFile, env)
	options, err := cli.NewProjectOptions(append([]string{"compose/compose.yaml"}, further...),
		cli.WithEnvFiles(envFile), cli.WithDotEnv, cli.WithDefaultProfiles())
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

// containerOf returns a folder that has what a service sees, below the service's own paths.
func containerOf(t *testing.T, project *types.Project, service string) string {
	t.Helper()
	container := t.TempDir()
	for target, source := range composeBinds(project.Services[service]) {
		if info, err := os.Stat(source); assert.NoError(t, err) && info.IsDir() {
			require.NoError(t, os.CopyFS(filepath.Join(container, target), os.DirFS(source)))
			continue
		}
		rig.WriteFile(t, filepath.Join(container, target), rig.ReadFile(t, source))
	}
	for _, config := range project.Services[service].Configs {
		rig.WriteFile(t, filepath.Join(container, config.Target), project.Configs[config.Source].Content)
	}
	return container
}

// To try it comes with a Rocket.Chat. A workspace of one's own needs none.
func TestComposeStartsWhatIsAskedFor(t *testing.T) {
	log := logrustest.NewGlobal()
	monitor := []string{"alertmanager", "exporter", "grafana", "prometheus"}
	assert.ElementsMatch(t, monitor, loadCompose(t, nil).ServiceNames())
	assert.ElementsMatch(t, append(monitor, "mongodb", "mongodb-replica-set", "rocketchat"), loadCompose(t, tryIt).ServiceNames())
	for _, entry := range log.AllEntries() {
		assert.Greater(t, entry.Level, logrus.WarnLevel, entry.Message)
	}
}

func TestComposeSaysWhatIsMissingFromTheEnvironment(t *testing.T) {
	for _, variable := range []string{"ROCKETCHAT_URL", "ROCKETCHAT_USER_ID", "WORKSPACE"} {
		env := regexp.MustCompile("(?m)^"+variable+"=.*$").ReplaceAllString(rig.ReadFile(t, "compose/env.example"), "")
		_, err := tryLoadingCompose(t, env)
		assert.ErrorContains(t, err, variable)
		assert.ErrorContains(t, err, "env.example")
	}
}

func TestComposeMountsFilesThatExist(t *testing.T) {
	for _, service := range loadCompose(t, tryIt).Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				_, err := os.Stat(volume.Source)
				assert.NoError(t, err)
				assert.True(t, volume.ReadOnly, volume.Source)
				require.NotNil(t, volume.Bind, volume.Source)
				assert.False(t, bool(volume.Bind.CreateHostPath), volume.Source)
			}
		}
	}
}

// composeBinds are the files and folders of this machine that a service sees, by their path in it.
func composeBinds(service types.ServiceConfig) map[string]string {
	binds := map[string]string{}
	for _, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeBind {
			binds[volume.Target] = volume.Source
		}
	}
	return binds
}

func TestComposeTakesAnotherAlertmanagerConfiguration(t *testing.T) {
	project := loadCompose(t, []string{"ALERTMANAGER_CONFIG"})
	want, err := filepath.Abs("compose/secrets/alertmanager.yml")
	require.NoError(t, err)
	assert.Equal(t, want, composeBinds(project.Services["alertmanager"])["/etc/alertmanager/alertmanager.yml"])
}

func TestComposeCanPostIntoRocketChat(t *testing.T) {
	project := loadCompose(t, nil, "compose/rocketchat-receiver.yaml")
	receiver := rig.ReadFile(t, "../alerts/rocketchat-receiver.yml")
	secrets := project.Services["alertmanager"].Secrets
	assert.Len(t, secrets, 2)
	for _, secret := range secrets {
		assert.Regexp(t, "_file: "+secret.Target+"[ \n]", receiver)
	}
}

func TestComposeConfigurationIsGoodToPrometheusAndAlertmanager(t *testing.T) {
	built, err := filepath.Abs("../test/bin") // by make tools
	require.NoError(t, err)
	t.Setenv("PATH", built+":"+os.Getenv("PATH"))
	for _, test := range []struct{ name, service, check, override, file string }{
		{"Prometheus of one workspace", "prometheus", "promtool check config", "compose/rocketchat-receiver.yaml", "/etc/prometheus/prometheus.yml"},
		{"Prometheus of many workspaces", "prometheus", "promtool check config", "compose/many-workspaces.yaml", "/etc/prometheus/many-workspaces.yml"},
		{"Alertmanager", "alertmanager", "amtool check-config", "compose/rocketchat-receiver.yaml", "/etc/alertmanager/alertmanager.yml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			project := loadCompose(t, nil, test.override)
			assert.Contains(t, project.Services[test.service].Command, "--config.file="+test.file)
			container := containerOf(t, project, test.service)
			file := filepath.Join(container, test.file)
			// The files name others by their paths in the container.
			rig.WriteFile(t, file, strings.ReplaceAll(rig.ReadFile(t, file), " /etc/", " "+container+"/etc/"))
			command := append(strings.Fields(test.check), file)
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%v: make tools builds it", err)
			}
			out := rig.Output(t, exec.Command(command[0], command[1:]...))
			if test.service == "prometheus" {
				assert.Contains(t, out, "1 rule files found")
			}
		})
	}
}

// Compose makes a container anew when its definition changes. The content of a config is no part of that.
func TestComposeMakesPrometheusAnewForAnotherWorkspace(t *testing.T) {
	labels := func(workspace string) types.Labels {
		project, err := tryLoadingCompose(t, rig.ReadFile(t, "compose/env.example")+"\nWORKSPACE="+workspace+"\n")
		require.NoError(t, err)
		return project.Services["prometheus"].Labels
	}
	assert.NotEqual(t, labels("one"), labels("another"))
}

func TestComposeBuildsTheVersionOfTheTree(t *testing.T) {
	want := strings.TrimSpace(rig.ReadFile(t, "../VERSION"))
	assert.Equal(t, types.MappingWithEquals{"VERSION": &want}, loadCompose(t, nil).Services["exporter"].Build.Args)
}

// Git puts a new file in the place of one that it updates, and a container that has the file alone
// keeps the old one.
func TestComposeMountsRulesAndDashboardAsFolders(t *testing.T) {
	project := loadCompose(t, nil)
	for service, target := range map[string]string{"prometheus": "/etc/alerts", "grafana": "/etc/grafana/dashboards"} {
		assert.DirExists(t, composeBinds(project.Services[service])[target], service)
	}
}

func TestComposeServicesAreConfined(t *testing.T) {
	for _, service := range loadCompose(t, tryIt).Services {
		for _, port := range service.Ports {
			assert.Equal(t, "127.0.0.1", port.HostIP, service.Name)
		}
		assert.NotEqual(t, "host", service.NetworkMode, service.Name)
		assert.False(t, service.Privileged, service.Name)
		assert.Contains(t, service.SecurityOpt, "no-new-privileges:true", service.Name)
		if len(service.Profiles) == 0 {
			assert.Equal(t, []string{"ALL"}, service.CapDrop, service.Name)
		}
		assert.Equal(t, "10m", service.Logging.Options["max-size"], service.Name)
		if len(service.Profiles) == 0 {
			assert.Positive(t, service.MemLimit, service.Name)
		}
		if service.Build == nil {
			assert.Regexp(t, `^[a-z0-9./_-]+:v?[0-9]+\.[0-9]+\.[0-9]+$`, service.Image, "another image tomorrow")
		}
	}
}

func TestComposeHasSecretsInFilesThatGitIgnores(t *testing.T) {
	project := loadCompose(t, tryIt, "compose/rocketchat-receiver.yaml")
	files := []string{".env"}
	for _, secret := range project.Secrets {
		files = append(files, secret.File)
	}
	for _, file := range files {
		out, err := exec.CommandContext(t.Context(), "git", "-C", "compose", "check-ignore", file).CombinedOutput()
		if strings.Contains(string(out), "not a git repository") {
			t.Skip(string(out))
		}
		assert.NoError(t, err, "git does not ignore %q", file)
	}
	secret := regexp.MustCompile(`(?i)pass|secret|token|credential`)
	for _, service := range project.Services {
		for name, value := range service.Environment {
			if secret.MatchString(name) {
				require.NotNil(t, value, name)
				assert.Regexp(t, "^/run/secrets/", *value, name)
			}
		}
	}
}

func TestComposeRunsTheExporterSoThatItWatches(t *testing.T) {
	workspace := rig.RocketChat(t, "", httptest.NewServer).URL
	project, err := tryLoadingCompose(t, rig.ReadFile(t, "compose/env.example")+"\nROCKETCHAT_URL="+workspace+"\n")
	require.NoError(t, err)
	service := project.Services["exporter"]
	secrets := t.TempDir()
	for _, secret := range service.Secrets {
		rig.WriteFile(t, filepath.Join(secrets, secret.Source), rig.Token+"\n")
	}
	env := environmentOf(service, map[string]string{"/run/secrets": secrets})
	binary := rig.BuildExporter(t, "..")
	exporter, address := requireWatching(t, binary, env, service.Command, "http", "/metrics")
	out, err := runIn(t, env, binary, "check")
	assert.NoError(t, err, out)
	assert.Contains(t, out, workspace)

	// The health check asks the address in the variable.
	const variable = "ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS"
	assert.Equal(t, ":10458", *service.Environment[variable])
	require.Equal(t, types.HealthCheckTest{"CMD", "/rocketchat_import_exporter", "health"}, service.HealthCheck.Test)
	health := func() error {
		command := exec.CommandContext(t.Context(), binary, "health")
		command.Env = []string{variable + "=" + address}
		return command.Run()
	}
	assert.NoError(t, health())
	exporter.Stop()
	assert.Error(t, health(), "without an exporter")
}

// environmentOf returns the variables of a service, with the folders of this machine for its own.
func environmentOf(service types.ServiceConfig, folders map[string]string) (env []string) {
	for name, value := range service.Environment {
		text := *value
		for target, source := range folders {
			text = strings.Replace(text, target, source, 1)
		}
		env = append(env, name+"="+text)
	}
	return env
}

// runIn runs a program that sees these variables alone, and returns what it prints.
func runIn(t *testing.T, env []string, program string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = env
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestComposeRunsTheExporterForManyWorkspaces(t *testing.T) {
	workspace := rig.RocketChat(t, "", httptest.NewServer).URL
	service := loadCompose(t, nil, "compose/many-workspaces.yaml").Services["exporter"]
	assert.Empty(t, service.Secrets)
	for name, value := range loadCompose(t, nil).Services["exporter"].Environment {
		if !strings.HasPrefix(name, "ROCKETCHAT_IMPORT_EXPORTER_") { // of one workspace
			assert.NotContains(t, service.Environment, name)
			continue
		}
		assert.Equal(t, value, service.Environment[name], name)
	}
	folder := t.TempDir()
	rig.WriteFile(t, filepath.Join(folder, "acme"), rig.Token)
	rig.WriteFile(t, filepath.Join(folder, "workspaces.yml"),
		"workspaces: {acme: {url: "+workspace+", user_id: "+rig.UserID+", auth_token_file: acme}}")
	env := environmentOf(service, map[string]string{"/etc/rocketchat_import_exporter": folder})
	requireWatching(t, rig.BuildExporter(t, ".."), env, service.Command, "http", "/probe?target=acme")
}
