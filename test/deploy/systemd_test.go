package deploy

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	systemdUnit = "rocketchat_import_exporter.service"
	// unitBinary, unitEnvironment, unitFolder and unitCredentials are where the unit
	// has things on a real machine.
	unitBinary      = "/usr/local/bin/rocketchat_import_exporter"
	unitEnvironment = "/etc/default/rocketchat_import_exporter"
	unitFolder      = "/etc/rocketchat_import_exporter"
	unitCredentials = "/run/credentials/" + systemdUnit
	// exposure is ten times what systemd-analyze finds, and more is too much. What it
	// counts is the network, which the exporter is for, and /proc/stat.
	exposure = "12"
)

// systemdInstallation is what docs/systemd.md has the reader install.
type systemdInstallation struct {
	name    string
	dropIns []string
	page    string // that tells of a workspace
}

var systemdInstallations = []systemdInstallation{
	{"one workspace", nil, "/metrics"},
	{"many workspaces", []string{"many-workspaces.conf"}, "/probe?target=support"},
}

func TestUnitRunsTheExporterSoThatItWatches(t *testing.T) {
	binary, workspace := exporterBinary(t), simulatedRocketChat(t)
	for _, installation := range systemdInstallations {
		t.Run(installation.name, func(t *testing.T) {
			unit := installation.settings(t)
			machine := t.TempDir()
			credentials := filepath.Join(machine, unitCredentials)
			localize := strings.NewReplacer(
				"%d", credentials, unitCredentials, credentials, unitFolder, machine,
				"https://chat.example.com", workspace, "https://chat.acme.example", workspace, "https://support.example.com", workspace,
			)

			if err := os.MkdirAll(credentials, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, credential := range unit["LoadCredential"] {
				id, source, _ := strings.Cut(credential, ":")
				if filepath.Dir(source) != unitFolder {
					t.Errorf("the credential %s comes from %s", id, source)
				}
				writeToken(t, filepath.Join(credentials, id))
			}
			workspaces := localize.Replace(readSystemdFile(t, "workspaces.yml"))
			if err := os.WriteFile(filepath.Join(machine, "workspaces.yml"), []byte(workspaces), 0o600); err != nil {
				t.Fatal(err)
			}
			var env []string
			for _, file := range unit["EnvironmentFile"] {
				if file != unitEnvironment {
					t.Fatalf("the unit reads %s", file)
				}
				for _, line := range settingLines(readSystemdFile(t, "rocketchat_import_exporter.default")) {
					if name, _, _ := strings.Cut(line, "="); !slices.Contains(strings.Fields(strings.Join(unit["UnsetEnvironment"], " ")), name) {
						env = append(env, localize.Replace(line))
					}
				}
			}
			if !slices.Contains(env, "WEB_LISTEN_ADDRESS=127.0.0.1:10458") {
				t.Errorf("others than this machine can reach it: its environment is %q", env)
			}
			if len(unit["ExecStart"]) != 1 {
				t.Fatalf("the unit starts %q", unit["ExecStart"])
			}
			command := strings.Fields(localize.Replace(unit["ExecStart"][0]))
			if command[0] != unitBinary {
				t.Fatalf("the unit starts %s", command[0])
			}
			requireWatching(t, env, binary, command[1:], installation.page)
		})
	}
}

// settings reads the unit and its drop-ins as systemd does: an empty value takes
// away those before it. Its sections do not share names.
func (i systemdInstallation) settings(t *testing.T) map[string][]string {
	t.Helper()
	settings := map[string][]string{}
	for _, file := range append([]string{systemdUnit}, i.dropIns...) {
		for _, line := range settingLines(readSystemdFile(t, file)) {
			name, value, _ := strings.Cut(line, "=")
			if value == "" {
				settings[name] = nil
			} else {
				settings[name] = append(settings[name], value)
			}
		}
	}
	return settings
}

// settingLines are the lines of the form NAME=VALUE.
func settingLines(text string) []string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "#") && strings.Contains(line, "=") {
			lines = append(lines, line)
		}
	}
	return lines
}

func readSystemdFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitIsGoodToSystemd(t *testing.T) {
	analyze := systemdAnalyze(t)
	for _, installation := range systemdInstallations {
		t.Run(installation.name, func(t *testing.T) {
			unit := installation.install(t)
			// It tells of a setting that it does not know and succeeds.
			if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, out)
			}
		})
	}
}

func TestUnitExposesLittle(t *testing.T) {
	analyze := systemdAnalyze(t)
	unit := systemdInstallation{}.install(t)
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold="+exposure, unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// install writes the unit and its drop-ins into a folder of their own, with a
// binary that is there, and returns the unit's path.
func (i systemdInstallation) install(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "rocketchat_import_exporter")
	write := func(path, text string, mode os.FileMode) {
		text = strings.ReplaceAll(text, unitBinary, binary)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(binary, "", 0o700)
	unit := filepath.Join(folder, systemdUnit)
	write(unit, readSystemdFile(t, systemdUnit), 0o600)
	for _, dropIn := range i.dropIns {
		write(filepath.Join(unit+".d", dropIn), readSystemdFile(t, dropIn), 0o600)
	}
	return unit
}

func systemdAnalyze(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze: it comes with systemd")
	}
	return program
}
