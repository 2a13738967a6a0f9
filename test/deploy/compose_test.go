package deploy

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
)

// The ways that env.example offers.
var (
	watchOwn  = func(env string) string { return env }
	tryItOut  = regexp.MustCompile(`(?m)^#(COMPOSE_PROFILES|ROCKETCHAT_URL|WORKSPACE)=`)
	withTryIt = func(env string) string { return tryItOut.ReplaceAllString(env, "$1=") }
)

// loadCompose loads compose.yaml as docker compose does, with env.example, as
// change changes it, for .env.
func loadCompose(t *testing.T, change func(env string) string) *types.Project {
	t.Helper()
	project, err := tryLoadingCompose(t, change(readFile(t, "compose/env.example")))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func tryLoadingCompose(t *testing.T, env string) (*types.Project, error) {
	t.Helper()
	envFile := filepath.Join(t.TempDir(), ".env")
	writeFile(t, envFile, env)
	options, err := cli.NewProjectOptions(
		[]string{"compose/compose.yaml"},
		cli.WithEnvFiles(envFile), cli.WithDotEnv, cli.WithDefaultProfiles(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func TestComposeStartsWhatIsAskedFor(t *testing.T) {
	monitor := []string{"alertmanager", "exporter", "grafana", "prometheus"}
	for name, test := range map[string]struct {
		change func(string) string
		want   []string
	}{
		"a workspace of one's own needs no Rocket.Chat": {watchOwn, monitor},
		"to try it comes with a Rocket.Chat":            {withTryIt, append(monitor, "mongodb", "mongodb-replica-set", "rocketchat")},
	} {
		t.Run(name, func(t *testing.T) {
			log := logrustest.NewGlobal()
			services := loadCompose(t, test.change).ServiceNames()
			slices.Sort(services)
			slices.Sort(test.want)
			if !slices.Equal(services, test.want) {
				t.Errorf("it starts %v, want %v", services, test.want)
			}
			for _, entry := range log.AllEntries() {
				if entry.Level <= logrus.WarnLevel {
					t.Errorf("it warns: %s", entry.Message)
				}
			}
		})
	}
}

func TestComposeSaysWhatIsMissingFromTheEnvironment(t *testing.T) {
	for _, variable := range []string{"ROCKETCHAT_URL", "ROCKETCHAT_USER_ID", "WORKSPACE"} {
		t.Run(variable, func(t *testing.T) {
			without := regexp.MustCompile("(?m)^"+variable+"=.*$").ReplaceAllString(readFile(t, "compose/env.example"), "")
			_, err := tryLoadingCompose(t, without)
			if err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), "env.example") {
				t.Errorf("without it: %v", err)
			}
		})
	}
}

// composeBinds are the files of this machine that a service sees, by their path in it.
func composeBinds(service types.ServiceConfig) map[string]string {
	binds := map[string]string{}
	for _, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeBind {
			binds[volume.Target] = volume.Source
		}
	}
	return binds
}

func TestComposeMountsFilesThatExist(t *testing.T) {
	for _, service := range loadCompose(t, withTryIt).Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if info, err := os.Stat(volume.Source); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s: %s is to be %s, which is no file (%v)", service.Name, volume.Target, volume.Source, err)
			}
			if !volume.ReadOnly || volume.Bind == nil || bool(volume.Bind.CreateHostPath) {
				t.Errorf("%s can write %s, or makes a folder of it where it is missing", service.Name, volume.Source)
			}
		}
	}
}

func TestComposeTakesAnotherAlertmanagerConfiguration(t *testing.T) {
	project := loadCompose(t, func(env string) string {
		return strings.Replace(env, "#ALERTMANAGER_CONFIG=", "ALERTMANAGER_CONFIG=", 1)
	})
	want, err := filepath.Abs("compose/secrets/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	if got := composeBinds(project.Services["alertmanager"])["/etc/alertmanager/alertmanager.yml"]; got != want {
		t.Errorf("Alertmanager has %s, want %s", got, want)
	}
}

func TestComposeCanPostIntoRocketChat(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"compose/compose.yaml", "compose/rocketchat-receiver.yaml"}, cli.WithEnvFiles("compose/env.example"), cli.WithDotEnv)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receiver := readFile(t, "../alerts/rocketchat-receiver.yml")
	for _, secret := range project.Services["alertmanager"].Secrets {
		if !strings.Contains(receiver, "_file: "+secret.Target+" ") && !strings.Contains(receiver, "_file: "+secret.Target+"\n") {
			t.Errorf("no receiver reads %s", secret.Target)
		}
		if file := project.Secrets[secret.Source].File; filepath.Base(filepath.Dir(file)) != "secrets" {
			t.Errorf("git does not ignore %s", file)
		}
	}
	if n := len(project.Services["alertmanager"].Secrets); n != 2 {
		t.Errorf("Alertmanager has %d secrets", n)
	}
}

// layOut lays the files that a service sees below a folder as they are in its
// container, and returns the folder.
func layOut(t *testing.T, project *types.Project, service string) string {
	t.Helper()
	folder := t.TempDir()
	for target, source := range composeBinds(project.Services[service]) {
		writeFile(t, filepath.Join(folder, target), readFile(t, source))
	}
	for _, config := range project.Services[service].Configs {
		writeFile(t, filepath.Join(folder, config.Target), project.Configs[config.Source].Content)
	}
	return folder
}

func TestComposeConfigurationIsGoodToPrometheusAndAlertmanager(t *testing.T) {
	project := loadCompose(t, watchOwn)
	for _, test := range []struct{ service, tool, command, file string }{
		{"prometheus", "promtool", "check config", "/etc/prometheus/prometheus.yml"},
		{"alertmanager", "amtool", "check-config", "/etc/alertmanager/alertmanager.yml"},
	} {
		t.Run(test.service, func(t *testing.T) {
			file := filepath.Join(layOut(t, project, test.service), test.file)
			if !slices.Contains(project.Services[test.service].Command, "--config.file="+test.file) {
				t.Errorf("%s reads another file than %s", test.service, test.file)
			}
			tool := prometheusTool(t, test.tool)
			out, err := exec.CommandContext(t.Context(), tool, append(strings.Fields(test.command), file)...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", tool, err, out)
			}
		})
	}
}

// prometheusTool returns promtool or amtool as "make tools" builds it, or as it is
// installed, and skips the test where there is none.
func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	if built, err := filepath.Abs("../test/bin/" + name); err == nil {
		if _, err := os.Stat(built); err == nil {
			return built
		}
	}
	installed, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s: make tools builds it", name)
	}
	return installed
}

// pinnedImage is an image with a tag that names a whole version.
var pinnedImage = regexp.MustCompile(`^[a-z0-9./_-]+:v?[0-9]+\.[0-9]+\.[0-9]+$`)

func TestComposeServicesAreConfined(t *testing.T) {
	for _, service := range loadCompose(t, withTryIt).Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s listens on %q:%s", service.Name, port.HostIP, port.Published)
			}
		}
		if service.NetworkMode == "host" || service.Privileged || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it must", service.Name)
		}
		if len(service.Profiles) == 0 && !slices.Equal(service.CapDrop, []string{"ALL"}) {
			t.Errorf("%s has capabilities", service.Name)
		}
		if service.Build == nil && !pinnedImage.MatchString(service.Image) {
			t.Errorf("%s is %q, which may be another image tomorrow", service.Name, service.Image)
		}
	}
}

var secretName = regexp.MustCompile(`(?i)pass|secret|token|credential`)

func TestComposeHasSecretsInFilesThatGitIgnores(t *testing.T) {
	ignored := func(file string) error {
		command := exec.CommandContext(t.Context(), "git", "check-ignore", file)
		command.Dir = "compose"
		_, err := command.Output()
		if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 128 {
			t.Skipf("this is no git repository: %s", exit.Stderr)
		}
		return err
	}
	project := loadCompose(t, withTryIt)
	for name, secret := range project.Secrets {
		if err := ignored(secret.File); secret.File == "" || err != nil {
			t.Errorf("the secret %s is no file that git ignores: %v", name, err)
		}
	}
	if err := ignored(".env"); err != nil {
		t.Errorf("git does not ignore .env: %v", err)
	}
	for _, service := range project.Services {
		for name, value := range service.Environment {
			if secretName.MatchString(name) && (value == nil || !strings.HasPrefix(*value, "/run/secrets/")) {
				t.Errorf("%s has %s in its environment, and not as a file", service.Name, name)
			}
		}
	}
}

func TestComposeRunsTheExporterSoThatItWatches(t *testing.T) {
	workspace := simulatedRocketChat(t, "", httptest.NewServer).URL
	service := loadCompose(t, func(env string) string {
		return env + "\nROCKETCHAT_URL=" + workspace + "\nROCKETCHAT_USER_ID=" + watcherID + "\n"
	}).Services["exporter"]
	secrets := t.TempDir()
	for _, secret := range service.Secrets {
		writeFile(t, filepath.Join(secrets, secret.Source), watcherToken+"\n")
	}
	var args []string
	for _, arg := range service.Command {
		args = append(args, strings.Replace(arg, "/run/secrets", secrets, 1))
	}
	binary := exporterBinary(t)
	requireWatching(t, binary, nil, args, "http", "/metrics")

	// The health check asks the address in the variable.
	test := service.HealthCheck.Test
	if want := []string{"CMD", "/rocketchat_import_exporter", "health"}; !slices.Equal(test, want) {
		t.Fatalf("the health check is %q, want %q", test, want)
	}
	const variable = "ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS"
	if address := service.Environment[variable]; address == nil || *address != ":10458" {
		t.Fatalf("%s is not set to the published port: %v", variable, service.Environment)
	}
	address, exporter := startExporter(t, binary, nil, args, "http")
	health := func() error {
		command := exec.CommandContext(t.Context(), binary, test[2:]...)
		command.Env = []string{variable + "=" + address}
		return command.Run()
	}
	if err := health(); err != nil {
		t.Errorf("the health check of a running exporter: %v", err)
	}
	exporter.Stop()
	if err := health(); err == nil {
		t.Error("the health check succeeds without an exporter")
	}
}
