package deploy

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

// composeFolderOf lays the files that a service sees under a folder as they lie in
// its container, and returns the folder.
func composeFolderOf(t *testing.T, project *types.Project, service string) string {
	t.Helper()
	folder := t.TempDir()
	lay := func(target string, content []byte) {
		path := filepath.Join(folder, target)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for target, source := range composeBinds(project.Services[service]) {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		lay(target, content)
	}
	for _, config := range project.Services[service].Configs {
		lay(config.Target, []byte(project.Configs[config.Source].Content))
	}
	return folder
}

// configuredFile is the file that a service's --config.file names.
func configuredFile(t *testing.T, service types.ServiceConfig) string {
	t.Helper()
	for _, arg := range service.Command {
		if file, ok := strings.CutPrefix(arg, "--config.file="); ok {
			return file
		}
	}
	t.Fatalf("%s has no --config.file", service.Name)
	return ""
}

func TestComposeConfigurationIsGoodToPrometheusAndAlertmanager(t *testing.T) {
	project := loadCompose(t, watchOwn)
	for _, test := range []struct{ service, tool, command string }{
		{"prometheus", "promtool", "check config"},
		{"alertmanager", "amtool", "check-config"},
	} {
		t.Run(test.service, func(t *testing.T) {
			tool := prometheusTool(t, test.tool)
			file := filepath.Join(composeFolderOf(t, project, test.service), configuredFile(t, project.Services[test.service]))
			out, err := exec.CommandContext(t.Context(), tool, append(strings.Fields(test.command), file)...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v", tool, err)
			}
			t.Logf("%s\n%s", tool, out)
		})
	}
}

// prometheusTool returns promtool or amtool as the end-to-end test pins it, or else
// as it is installed, and skips the test where there is none.
func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	if built, err := filepath.Abs(filepath.Join("../test/bin", name)); err == nil {
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

// prometheusFile is what matters here of prometheus.yml. promtool is strict about the rest.
type prometheusFile struct {
	RuleFiles []string `yaml:"rule_files"`
	Alerting  struct {
		Alertmanagers []struct {
			StaticConfigs []targetGroup `yaml:"static_configs"`
		} `yaml:"alertmanagers"`
	} `yaml:"alerting"`
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		FileSDConfigs []struct {
			Files []string `yaml:"files"`
		} `yaml:"file_sd_configs"`
	} `yaml:"scrape_configs"`
}

type targetGroup struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

func TestComposeLabelsTheWorkspaceAsTheRulesNeedIt(t *testing.T) {
	project := loadCompose(t, watchOwn)
	folder := filepath.Join(composeFolderOf(t, project, "prometheus"), filepath.Dir(configuredFile(t, project.Services["prometheus"])))
	var config prometheusFile
	decodeYAML(t, filepath.Join(folder, "prometheus.yml"), &config, false)
	if len(config.RuleFiles) != 1 || config.RuleFiles[0] != "rocketchat-import.rules.yml" {
		t.Errorf("the rules are %v", config.RuleFiles)
	}
	if len(config.ScrapeConfigs) != 1 || config.ScrapeConfigs[0].JobName != "rocketchat_import" || len(config.ScrapeConfigs[0].FileSDConfigs) != 1 {
		t.Fatalf("the jobs are %+v", config.ScrapeConfigs)
	}
	var groups []targetGroup
	for _, file := range config.ScrapeConfigs[0].FileSDConfigs[0].Files {
		decodeYAML(t, filepath.Join(folder, file), &groups, true)
	}
	if len(groups) != 1 || len(groups[0].Targets) != 1 || len(groups[0].Labels) != 1 || groups[0].Labels["instance"] != project.Environment["WORKSPACE"] {
		t.Fatalf("the targets are %+v", groups)
	}
	requireService(t, project, groups[0].Targets[0], "10458")
	if len(config.Alerting.Alertmanagers) != 1 {
		t.Fatalf("alerts go to %+v", config.Alerting)
	}
	requireService(t, project, config.Alerting.Alertmanagers[0].StaticConfigs[0].Targets[0], "9093")
}

// requireService requires that an address is that of a service, at a port.
func requireService(t *testing.T, project *types.Project, address, port string) {
	t.Helper()
	host, found, _ := strings.Cut(address, ":")
	if _, ok := project.Services[host]; !ok || found != port {
		t.Errorf("%s is no service, or not its port %s", address, port)
	}
}

func TestComposeTriesItOnItsOwnRocketChat(t *testing.T) {
	project := loadCompose(t, withTryIt)
	workspace, err := url.Parse(project.Environment["ROCKETCHAT_URL"])
	if err != nil {
		t.Fatal(err)
	}
	requireService(t, project, workspace.Host, *project.Services["rocketchat"].Environment["PORT"])
	database, err := url.Parse(*project.Services["rocketchat"].Environment["MONGO_URL"])
	if err != nil {
		t.Fatal(err)
	}
	requireService(t, project, database.Host, "27017")
	set := database.Query().Get("replicaSet")
	if set == "" || !slices.Contains(project.Services["mongodb"].Command, set) {
		t.Errorf("MongoDB is no replica set %q: %v", set, project.Services["mongodb"].Command)
	}
	initiate := strings.Join(project.Services["mongodb-replica-set"].Command, " ")
	if !strings.Contains(initiate, "_id: '"+set+"'") || !strings.Contains(initiate, "host: '"+database.Host+"'") {
		t.Errorf("the replica set %s of %s is not made: %s", set, database.Host, initiate)
	}
}

// grafanaDatasources has the fields of Grafana's data source provisioning that
// may be there.
type grafanaDatasources struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name      string `yaml:"name"`
		UID       string `yaml:"uid"`
		Type      string `yaml:"type"`
		Access    string `yaml:"access"`
		URL       string `yaml:"url"`
		IsDefault bool   `yaml:"isDefault"`
		JSONData  struct {
			TimeInterval string `yaml:"timeInterval"`
		} `yaml:"jsonData"`
	} `yaml:"datasources"`
}

// grafanaDashboards has those of its dashboard provisioning.
type grafanaDashboards struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name            string `yaml:"name"`
		Type            string `yaml:"type"`
		DisableDeletion bool   `yaml:"disableDeletion"`
		Options         struct {
			Path string `yaml:"path"`
		} `yaml:"options"`
	} `yaml:"providers"`
}

// TestComposeGivesTheDashboardItsDataSource relies on what Grafana does: a data
// source variable without a value takes the default data source of its type.
func TestComposeGivesTheDashboardItsDataSource(t *testing.T) {
	project := loadCompose(t, watchOwn)
	folder := composeFolderOf(t, project, "grafana")

	var sources grafanaDatasources
	decodeYAML(t, filepath.Join(folder, "etc/grafana/provisioning/datasources/rocketchat-import.yml"), &sources, true)
	if sources.APIVersion != 1 || len(sources.Datasources) != 1 {
		t.Fatalf("the data sources are %+v", sources)
	}
	source := sources.Datasources[0]
	if !source.IsDefault || source.UID == "" || source.Access != "proxy" {
		t.Errorf("the data source is %+v", source)
	}
	prometheus, err := url.Parse(source.URL)
	if err != nil {
		t.Fatal(err)
	}
	requireService(t, project, prometheus.Host, "9090")

	var dashboards grafanaDashboards
	decodeYAML(t, filepath.Join(folder, "etc/grafana/provisioning/dashboards/rocketchat-import.yml"), &dashboards, true)
	if dashboards.APIVersion != 1 || len(dashboards.Providers) != 1 || dashboards.Providers[0].Type != "file" {
		t.Fatalf("the dashboards are %+v", dashboards)
	}
	text, err := os.ReadFile(filepath.Join(folder, dashboards.Providers[0].Options.Path, "rocketchat-import.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Templating struct {
			List []struct {
				Name, Type string
				Query      any
				Current    any
			}
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variable := dashboard.Templating.List[0]
	if variable.Type != "datasource" || variable.Query != source.Type || variable.Current != nil {
		t.Errorf("the dashboard asks for %+v, and not for a %s of any uid", variable, source.Type)
	}
	for _, uid := range regexp.MustCompile(`"uid": "([^"]*)"`).FindAllSubmatch(text, -1) {
		if got := string(uid[1]); got != "${"+variable.Name+"}" && got != "rocketchat-import" {
			t.Errorf("the dashboard asks for the data source %s", got)
		}
	}
}

// decodeYAML reads a file; strict refuses what the type does not know.
func decodeYAML(t *testing.T, file string, into any, strict bool) {
	t.Helper()
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	decoder := yaml.NewDecoder(text)
	decoder.KnownFields(strict)
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}
