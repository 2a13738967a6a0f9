package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/config"
)

func TestCheckAndWatchUseWhatThePackageInstalls(t *testing.T) {
	const debian, rpm = "etc/default/rocketchat_import_exporter", "etc/sysconfig/rocketchat_import_exporter"
	const env = "# ROCKETCHAT_URL=http://comment\n\nROCKETCHAT_URL=\"https://chat.example.com\"\nROCKETCHAT_USER_ID=aobEdb\n=x\n"
	const token, dropIn = "etc/rocketchat_import_exporter/token", "etc/systemd/system/rocketchat_import_exporter.service.d/many-workspaces.conf"
	for name, c := range map[string]struct {
		files map[string]string
		given string // a flag that is set
		used  []string
		url   string
		many  string
	}{
		"nothing is installed":            {nil, "", nil, "", ""},
		"Debian's package":                {map[string]string{debian: env, token: secret}, "", []string{debian, token}, "https://chat.example.com", ""},
		"the rpm":                         {map[string]string{rpm: env, token: secret}, "", []string{rpm, token}, "https://chat.example.com", ""},
		"Debian's comes first":            {map[string]string{debian: env, rpm: "ROCKETCHAT_URL=http://other", token: secret}, "", []string{debian, token}, "https://chat.example.com", ""},
		"a flag names the workspace":      {map[string]string{debian: env, token: secret}, config.SettingURL.Flag, nil, "", ""},
		"the drop-in for many workspaces": {map[string]string{dropIn: "[Service]\nExecStart=\nExecStart=/usr/bin/x --config.file=/etc/a.yml\n", debian: env}, "", []string{dropIn, "etc/a.yml"}, "", "etc/a.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			root, f := t.TempDir(), &flags{}
			at := func(file string) string { return filepath.Join(root, file) }
			for file, content := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(at(file)), 0o700))
				write(t, at(file), content)
			}
			app := kingpin.New("test", "")
			f.addWorkspaceFlags(app)
			values := f.nameValues(app)
			used, err := f.useInstalled(root, values, func(flag string) bool { return flag == c.given })
			require.NoError(t, err)
			var want []string
			for _, file := range c.used {
				want = append(want, at(file))
			}
			assert.Equal(t, want, used)
			assert.Equal(t, c.url, f.url)
			if c.many != "" {
				assert.Equal(t, at(c.many), f.configFile)
			}
		})
	}
}

func TestTheVariablesOfTheServiceNameTheProxyToo(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "")
	t.Setenv("NO_PROXY", "given.example.com")
	require.NoError(t, setVariables("HTTPS_PROXY=http://proxy:3128\nNO_PROXY=other\nPATH=/nowhere\n", nil, nil))
	assert.Equal(t, "http://proxy:3128", os.Getenv("HTTPS_PROXY"))
	assert.Equal(t, "given.example.com", os.Getenv("NO_PROXY"))
	assert.NotEqual(t, "/nowhere", os.Getenv("PATH"))
}

func TestAFileOfTheServiceThatCannotBeReadSaysWhatToDo(t *testing.T) {
	missing := func(file string) error { return config.Workspace{TokenFile: file}.CheckFiles() }
	assert.ErrorContains(t, advise(&os.PathError{Op: "open", Path: "token", Err: os.ErrPermission}), "run this command as root")
	assert.ErrorContains(t, advise(missing("/run/credentials/rocketchat_import_exporter.service/x")), "run systemctl restart rocketchat_import_exporter first")
	elsewhere := missing("/etc/rocketchat_import_exporter/x")
	assert.Equal(t, elsewhere, advise(elsewhere))
}
