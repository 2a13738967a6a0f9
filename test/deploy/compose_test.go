package deploy

import (
	"fmt"
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

const composeFolder = "compose"

// The two ways that env.example offers.
var (
	watchOwn  = func(env string) string { return env }
	tryItOut  = regexp.MustCompile(`(?m)^#(COMPOSE_PROFILES|ROCKETCHAT_URL|WORKSPACE)=`)
	withTryIt = func(env string) string { return tryItOut.ReplaceAllString(env, "$1=") }
)

// loadCompose loads compose.yaml as docker compose does, with schema and
// consistency checked, and env.example, as change changes it, for .env.
func loadCompose(t *testing.T, change func(env string) string) *types.Project {
	t.Helper()
	project, err := tryLoadingCompose(t, change(readComposeFile(t, "env.example")))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func tryLoadingCompose(t *testing.T, env string) (*types.Project, error) {
	t.Helper()
	envFile := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(envFile, []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(composeFolder, "compose.yaml")},
		cli.WithEnvFiles(envFile), cli.WithDotEnv, cli.WithDefaultProfiles(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func readComposeFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(composeFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestComposeStartsWhatIsAskedFor(t *testing.T) {
	monitor := []string{"alertmanager", "exporter", "grafana", "prometheus"}
	for _, test := range []struct {
		name   string
		change func(string) string
		want   []string
	}{
		{"a workspace of one's own needs no Rocket.Chat", watchOwn, monitor},
		{"to try it comes with a Rocket.Chat", withTryIt, slices.Sorted(slices.Values(append([]string{"mongodb", "mongodb-replica-set", "rocketchat"}, monitor...)))},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := logrustest.NewGlobal()
			services := loadCompose(t, test.change).ServiceNames()
			slices.Sort(services)
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
			without := regexp.MustCompile("(?m)^"+variable+"=.*$").ReplaceAllString(readComposeFile(t, "env.example"), "")
			_, err := tryLoadingCompose(t, without)
			if err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), "env.example") {
				t.Errorf("without it: %v", err)
			}
		})
	}
}

func TestComposeMountsTheShippedFiles(t *testing.T) {
	project := loadCompose(t, withTryIt)
	for _, test := range []struct{ service, target, source string }{
		{"prometheus", "/etc/prometheus/rocketchat-import.rules.yml", "../alerts/rocketchat-import.rules.yml"},
		{"prometheus", "/etc/prometheus/prometheus.yml", "compose/prometheus.yml"},
		{"alertmanager", "/etc/alertmanager/alertmanager.yml", "../alerts/alertmanager.yml"},
		{"grafana", "/etc/grafana/dashboards/rocketchat-import.json", "../dashboards/rocketchat-import.json"},
		{"grafana", "/etc/grafana/provisioning/datasources/rocketchat-import.yml", "compose/grafana-datasources.yml"},
		{"grafana", "/etc/grafana/provisioning/dashboards/rocketchat-import.yml", "compose/grafana-dashboards.yml"},
	} {
		want, err := filepath.Abs(test.source)
		if err != nil {
			t.Fatal(err)
		}
		if got := composeBinds(project.Services[test.service])[test.target]; got != want {
			t.Errorf("%s has %q at %s, want %s", test.service, got, test.target, want)
		}
	}
	for _, service := range project.Services {
		for target, source := range composeBinds(service) {
			if info, err := os.Stat(source); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s: %s is to be %s, which is no file (%v)", service.Name, target, source, err)
			}
		}
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind && (!volume.ReadOnly || volume.Bind == nil || bool(volume.Bind.CreateHostPath)) {
				t.Errorf("%s can write %s, or makes a folder of it where it is missing", service.Name, volume.Source)
			}
		}
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

// pinnedImage is an image with a tag that names a whole version.
var pinnedImage = regexp.MustCompile(`^[a-z0-9./_-]+:v?[0-9]+\.[0-9]+\.[0-9]+$`)

func TestComposePinsEveryImageInOnePlace(t *testing.T) {
	project := loadCompose(t, withTryIt)
	inOnePlace, ok := project.Extensions["x-images"].(map[string]any)
	if !ok {
		t.Fatalf("x-images is %v", project.Extensions["x-images"])
	}
	images := map[string]bool{}
	for _, image := range inOnePlace {
		images[fmt.Sprint(image)] = true
	}
	for _, service := range project.Services {
		switch {
		case service.Name == "exporter":
			if root, _ := filepath.Abs(".."); service.Build == nil || service.Build.Context != root {
				t.Errorf("the exporter is not built from the repository: %v", service.Build)
			}
		case !images[service.Image]:
			t.Errorf("%s has %q, which is not in x-images", service.Name, service.Image)
		case !pinnedImage.MatchString(service.Image):
			t.Errorf("%s has %q, which may be another one tomorrow", service.Name, service.Image)
		}
	}
}

func TestComposeRunsThePrometheusAndAlertmanagerOfTheEndToEndTest(t *testing.T) {
	project := loadCompose(t, watchOwn)
	for _, test := range []struct {
		service, goMod, module string
		tag                    func(version string) string
	}{
		// The module's v0.316.0 is v3.16.0.
		{"prometheus", "../test/go.mod", "github.com/prometheus/prometheus", func(version string) string {
			return regexp.MustCompile(`^v0\.(\d)0?(\d+)\.`).ReplaceAllString(version, "v$1.$2.")
		}},
		{"alertmanager", "../test/alertmanager/go.mod", "github.com/prometheus/alertmanager", func(version string) string { return version }},
	} {
		text, err := os.ReadFile(test.goMod)
		if err != nil {
			t.Fatal(err)
		}
		version := regexp.MustCompile(regexp.QuoteMeta(test.module) + ` (v\S+)`).FindSubmatch(text)
		if version == nil {
			t.Fatalf("%s does not pin %s", test.goMod, test.module)
		}
		_, tag, _ := strings.Cut(project.Services[test.service].Image, ":")
		if want := test.tag(string(version[1])); tag != want {
			t.Errorf("%s is %s, and in the end-to-end test %s", test.service, tag, want)
		}
	}
}

func TestComposePublishesPortsOnThisMachineAlone(t *testing.T) {
	for _, service := range loadCompose(t, withTryIt).Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s listens on %q:%s", service.Name, port.HostIP, port.Published)
			}
		}
		if service.NetworkMode == "host" {
			t.Errorf("%s has the network of the host", service.Name)
		}
	}
}

func TestComposeGivesTheMonitorNoPrivilege(t *testing.T) {
	project := loadCompose(t, watchOwn)
	for _, service := range project.Services {
		if !slices.Equal(service.CapDrop, []string{"ALL"}) || len(service.CapAdd) > 0 || service.Privileged ||
			!slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it must", service.Name)
		}
	}
	if !project.Services["exporter"].ReadOnly {
		t.Error("the exporter can write to its own file system")
	}
}

var secretName = regexp.MustCompile(`(?i)pass|secret|token|credential`)

func TestComposeHasSecretsThatGitIgnores(t *testing.T) {
	git := func(args ...string) error {
		command := exec.CommandContext(t.Context(), "git", args...)
		command.Dir = composeFolder
		return command.Run()
	}
	if err := git("rev-parse"); err != nil {
		t.Skipf("this is no git repository: %v", err)
	}
	files := []string{".env"}
	for _, secret := range loadCompose(t, watchOwn).Secrets {
		files = append(files, secret.File)
	}
	for _, file := range files {
		if err := git("check-ignore", file); err != nil {
			t.Errorf("git would take %s: %v", file, err)
		}
	}
}

func TestComposeHasSecretsInFilesAlone(t *testing.T) {
	project := loadCompose(t, withTryIt)
	for name, secret := range project.Secrets {
		if secret.File == "" {
			t.Errorf("the secret %s is no file", name)
		}
	}
	for _, service := range project.Services {
		mounted := map[string]bool{}
		for _, secret := range service.Secrets {
			mounted["/run/secrets/"+secret.Source] = true
		}
		for name, value := range service.Environment {
			if secretName.MatchString(name) && (value == nil || !mounted[*value]) {
				t.Errorf("%s has %s in its environment, and not as a file", service.Name, name)
			}
		}
		for _, arg := range service.Command {
			flag, value, _ := strings.Cut(arg, "=")
			if secretName.MatchString(flag) && !mounted[value] {
				t.Errorf("%s has %s in its arguments, and not as a file", service.Name, flag)
			}
		}
	}
	for _, line := range strings.Split(readComposeFile(t, "env.example"), "\n") {
		if name, _, ok := strings.Cut(line, "="); ok && secretName.MatchString(name) {
			t.Errorf("env.example asks for a secret: %s", name)
		}
	}
}

func TestComposeRunsTheExporterSoThatItWatches(t *testing.T) {
	workspace := simulatedRocketChat(t)
	service := loadCompose(t, func(env string) string {
		return env + "\nROCKETCHAT_URL=" + workspace + "\nROCKETCHAT_USER_ID=" + watcherID + "\n"
	}).Services["exporter"]
	secrets := t.TempDir()
	for _, secret := range service.Secrets {
		writeToken(t, filepath.Join(secrets, secret.Source))
	}
	var args []string
	for _, arg := range service.Command {
		args = append(args, strings.Replace(arg, "/run/secrets", secrets, 1))
	}
	requireWatching(t, nil, exporterBinary(t), args, "/metrics")
}
