package deploy

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/coreos/go-systemd/v22/unit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

const (
	systemdUnit = "rocketchat_import_exporter.service"
	// exposure is ten times what systemd-analyze finds at most. It counts the network,
	// which the exporter needs, and /proc/stat.
	exposure = "12"
)

// systemdInstallations are those of docs/systemd.md: the unit with its drop-ins, and
// the page that shows a workspace.
var systemdInstallations = map[string]struct {
	dropIns []string
	page    string
}{
	"one workspace":   {nil, "/metrics"},
	"many workspaces": {[]string{"many-workspaces.conf"}, "/probe?target=support"},
}

func TestUnitRunsTheExporterSoThatItWatches(t *testing.T) {
	binary, workspace := rig.BuildExporter(t, ".."), rig.RocketChat(t, "", httptest.NewServer).URL
	for name, installation := range systemdInstallations {
		t.Run(name, func(t *testing.T) {
			settings := unitSettings(t, installation.dropIns)
			machine := t.TempDir()
			credentials := filepath.Join(machine, "credentials")
			localize := strings.NewReplacer(
				"${CREDENTIALS_DIRECTORY}", credentials, "/run/credentials/"+systemdUnit, credentials, "/etc/rocketchat_import_exporter", machine,
				"https://chat.example.com", workspace, "https://chat.acme.example", workspace, "https://support.example.com", workspace,
			)
			for _, credential := range settings["LoadCredential"] {
				id, _, _ := strings.Cut(credential, ":")
				rig.WriteFile(t, filepath.Join(credentials, id), rig.Token+"\n")
			}
			rig.WriteFile(t, filepath.Join(machine, "workspaces.yml"), localize.Replace(rig.ReadFile(t, "systemd/workspaces.yml")))

			variables, err := dotenv.Read("systemd/rocketchat_import_exporter.default")
			require.NoError(t, err)
			assert.Equal(t, "127.0.0.1:10458", variables["ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS"], "other machines can reach it")
			for _, name := range strings.Fields(strings.Join(settings["UnsetEnvironment"], " ")) {
				delete(variables, name)
			}
			var env []string
			for name, value := range variables {
				env = append(env, name+"="+localize.Replace(value))
			}
			command := strings.Fields(localize.Replace(settings["ExecStart"][0]))
			requireWatching(t, binary, env, command[1:], "http", installation.page)
		})
	}
}

// unitSettings reads the unit and its drop-ins as systemd does: an empty value
// removes those before it. Its sections do not share names.
func unitSettings(t *testing.T, dropIns []string) map[string][]string {
	t.Helper()
	settings := map[string][]string{}
	for _, file := range append([]string{systemdUnit}, dropIns...) {
		options, err := unit.DeserializeOptions(strings.NewReader(rig.ReadFile(t, filepath.Join("systemd", file))))
		require.NoError(t, err)
		for _, option := range options {
			settings[option.Name] = append(settings[option.Name], option.Value)
			if option.Value == "" {
				settings[option.Name] = nil
			}
		}
	}
	return settings
}

func TestSystemdAcceptsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze: it comes with systemd")
	}
	for name, installation := range systemdInstallations {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			binary, unit := filepath.Join(folder, "rocketchat_import_exporter"), filepath.Join(folder, systemdUnit)
			require.NoError(t, os.WriteFile(binary, nil, 0o700))
			install := func(path, file string) {
				rig.WriteFile(t, path, strings.ReplaceAll(rig.ReadFile(t, "systemd/"+file), "/usr/bin/rocketchat_import_exporter", binary))
			}
			install(unit, systemdUnit)
			for _, dropIn := range installation.dropIns {
				install(filepath.Join(unit+".d", dropIn), dropIn)
			}
			// It names a setting that it does not know, and succeeds.
			out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
			assert.NoError(t, err)
			assert.Empty(t, string(out))
			rig.Output(t, exec.Command(analyze, "security", "--offline=true", "--threshold="+exposure, unit))
		})
	}
}
