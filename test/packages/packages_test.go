//go:build packages && linux

// Package packages proves the .deb and the .rpm on a Debian 11 and a Debian 12 that
// debootstrap makes and systemd-nspawn boots: installed, filled in, upgraded, removed
// and purged. Run the tests with "make packages-test", as root.
package packages

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/test/rig"
)

const (
	service = "rocketchat_import_exporter.service"
	folder  = "/etc/rocketchat_import_exporter"
	// fillIn is a line that the message after an installation has.
	fillIn = "systemctl enable --now rocketchat_import_exporter"
)

// format is a kind of package, and the commands of its systems.
type format struct {
	name      string
	defaults  string // the file with the variables
	pattern   string // of the package's file, for a version
	install   string // also upgrades
	remove    string
	purge     string // empty if there is none
	depends   string // prints what it needs
	changelog string
	theirs    string // ending of the new version's file of variables
	saved     string // ending of changed files after a removal
}

var formats = []format{
	{
		name: "deb", defaults: "/etc/default/rocketchat_import_exporter", pattern: "/var/tmp/*_%s-1_*.deb",
		// Somebody at a terminal is asked, and keeps the old file by default.
		install: "apt-get install -y -o Dpkg::Options::=--force-confold ", theirs: ".dpkg-dist",
		depends:   "dpkg-query --show --showformat '${Depends}' rocketchat-import-exporter",
		changelog: "zcat /usr/share/doc/rocketchat-import-exporter/changelog.Debian.gz",
		remove:    "apt-get remove -y rocketchat-import-exporter", purge: "apt-get purge -y rocketchat-import-exporter",
	},
	{
		name: "rpm", defaults: "/etc/sysconfig/rocketchat_import_exporter", pattern: "/var/tmp/*-%s-*.rpm",
		install: "rpm --upgrade --nodeps ", theirs: ".rpmnew",
		depends:   "rpm --query --requires rocketchat-import-exporter",
		changelog: "rpm --query --changelog rocketchat-import-exporter",
		remove:    "rpm --erase --nodeps rocketchat-import-exporter", saved: ".rpmsave",
	},
}

func TestPackages(t *testing.T) {
	packages := build(t)
	rocketchat := rig.RocketChat(t, "", httptest.NewServer)
	// The oldest has systemd 247, the first with LoadCredential=.
	for _, suite := range []string{"bullseye", "bookworm"} {
		t.Run(suite, func(t *testing.T) {
			root := t.TempDir()
			rig.Output(t, exec.Command("debootstrap", "--variant=minbase", "--include=systemd-sysv,rpm", suite, root))
			rig.Output(t, exec.Command("sh", "-ec", "cp "+packages+"/* "+root+"/var/tmp"))
			t.Run("rpm, into a folder where no systemd runs", func(t *testing.T) {
				said := rig.Output(t, exec.Command("sh", "-ec", "rpm --root="+root+" --install --nodeps "+root+"/var/tmp/*-1.0.0-*.rpm; chroot "+root+
					" rocketchat_import_exporter --version; rpm --root="+root+" --erase rocketchat-import-exporter"))
				assert.Contains(t, said, "systemd does not run here")
				assert.Contains(t, said, "exec rocketchat_import_exporter --rocketchat.auth-token-file="+folder+"/token")
				assert.NotContains(t, said, fillIn)
				assert.Contains(t, said, "version 1.0.0")
			})
			m := boot(t, root)
			for _, f := range formats {
				t.Run(f.name, func(t *testing.T) { f.test(t, m, rocketchat.URL) })
			}
		})
	}
}

// Debian's lintian and rpmlint find nothing that is not said to be meant so, in
// packaging/lintian-overrides and packaging/rpmlint.toml.
func TestLintersFindNothing(t *testing.T) {
	for _, linter := range []string{"lintian", "rpmlint"} {
		if _, err := exec.LookPath(linter); err != nil {
			t.Skip("there is no " + linter + ": apt-get install lintian rpmlint")
		}
	}
	packages := build(t)
	assert.Empty(t, rig.Output(t, exec.Command("sh", "-ec", "lintian --allow-root --pedantic --display-info --fail-on=none "+packages+"/*_1.0.0-1_*.deb")))
	assert.Contains(t, rig.Output(t, exec.Command("sh", "-ec", "rpmlint --config ../../packaging/rpmlint.toml "+packages+"/*-1.0.0-1.*.rpm || true")),
		" 0 errors, 0 warnings,")
}

// build makes the packages 1.0.0 and 1.1.0, the second with another file of variables,
// from a copy of the repository, and returns their folder.
func build(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	rig.Output(t, exec.Command("sh", "-ec", fmt.Sprintf(`cd ../..; git ls-files -z | tar --null -T - -c | tar -x -C %[1]s
		cd %[1]s
		make() { command make packages architectures=%[2]s REVISION=0123abc BRANCH=a-branch CREATED=2026-01-02T03:04:05Z MAINTAINER="A Maintainer <maintainer@debian.org>" "$@"; }
		make VERSION=1.0.0
		echo "# All is new." > deploy/systemd/rocketchat_import_exporter.default
		make VERSION=1.1.0`, tree, runtime.GOARCH)))
	return filepath.Join(tree, "dist")
}

// test plays the life of a package.
func (f format) test(t *testing.T, m machine, rocketchat string) {
	address := rig.FreeAddress(t)
	install := func(version string) string {
		return m.run(t, f.install+fmt.Sprintf(f.pattern, version))
	}

	said := install("1.0.0")
	assert.Contains(t, said, fillIn)
	for _, want := range []string{"1. Make a user and a token", "user id into " + f.defaults, "the token into " + folder + "/token"} {
		assert.Contains(t, said, want)
	}
	assert.Regexp(t, `systemd (>= 247|\(>= 247\))`, m.run(t, f.depends))
	assert.Equal(t, "disabled\ninactive", m.run(t, "systemctl is-enabled "+service+"; systemctl is-active "+service+"; true"))
	assert.Equal(t, "600 root", m.run(t, "stat -c '%a %U' "+folder+"/token"))
	m.run(t, `zcat /usr/share/man/man1/rocketchat_import_exporter.1.gz | grep -qe --web.listen-address &&
		grep -q completion-bash /usr/share/bash-completion/completions/rocketchat_import_exporter &&
		zcat /usr/share/man/man1/rocketchat_import_exporter.1.gz | grep -q ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS &&
		grep -q "No licence has been chosen yet" /usr/share/doc/rocketchat-import-exporter/copyright &&
		`+f.changelog+` | grep -q "Release 1.0.0" &&
		test -s /usr/share/rocketchat_import_exporter/rocketchat-import.rules.yml &&
		test -s /usr/share/doc/rocketchat-import-exporter/docs/systemd.md`)

	m.run(t, fmt.Sprintf("sed -i 's|^ROCKETCHAT_URL=.*|ROCKETCHAT_URL=%s|; s|^ROCKETCHAT_USER_ID=.*|ROCKETCHAT_USER_ID=%s|; s|127.0.0.1:10458|%s|' %s",
		rocketchat, rig.UserID, address, f.defaults))
	m.run(t, "echo "+rig.Token+" > "+folder+"/token")
	filledIn := m.run(t, "cat "+f.defaults)
	// apt ends lines as a terminal does.
	m.run(t, regexp.MustCompile("Check that it works, as root: ([^\r\n]+)").FindStringSubmatch(said)[1])
	m.run(t, fillIn)
	m.requireUp(t, address, "1.0.0")
	m.run(t, "systemctl reload "+service)
	m.requireManyWorkspaces(t, address, rocketchat)

	before := m.run(t, "systemctl show -P MainPID "+service)
	install("1.1.0")
	assert.NotEqual(t, before, m.run(t, "systemctl show -P MainPID "+service), "the upgrade has to restart the service")
	m.requireUp(t, address, "1.1.0")
	assert.Equal(t, filledIn, m.run(t, "cat "+f.defaults))
	assert.Equal(t, "# All is new.", m.run(t, "cat "+f.defaults+f.theirs+"; rm "+f.defaults+f.theirs))

	m.run(t, f.remove)
	assert.Equal(t, "inactive", m.run(t, "systemctl is-active "+service+"; ls /usr/bin/rocketchat_import_exporter 2>/dev/null; true"))
	assert.Equal(t, filledIn+"\n"+rig.Token, m.run(t, "cat "+f.defaults+f.saved+" "+folder+"/token"+f.saved))
	if f.purge != "" {
		m.run(t, "echo "+rig.Token+" > "+folder+"/another-workspace; "+f.purge)
		assert.Empty(t, m.run(t, "ls -d /etc/*/rocketchat_import_exporter* "+folder+" 2>/dev/null; true"))
	}
}

// machine is a booted Debian. It has its own processes, users and files, and shares the network.
type machine struct{ leader string }

// boot returns once process 1 says that the machine is there. Until then, that
// process may not have begun, or not have its root yet.
func boot(t *testing.T, root string) (m machine) {
	t.Helper()
	console, err := process.Start("systemd-nspawn", os.Environ(), "systemd-nspawn", "--directory="+root, "--register=no", "--keep-unit", "--boot")
	require.NoError(t, err)
	t.Cleanup(console.Stop)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", console.PID()))
		m.leader = strings.TrimSpace(string(children))
		state, _ := m.command("systemctl is-system-running --wait").Output()
		assert.Regexp(c, "^(running|degraded)\n$", string(state), console.Output())
	}, 3*time.Minute, 100*time.Millisecond)
	return m
}

// run runs a shell script on the machine and returns what it writes.
func (m machine) run(t *testing.T, script string) string {
	t.Helper()
	return rig.Output(t, m.command(script))
}

func (m machine) command(script string) *exec.Cmd {
	return exec.Command("nsenter", "--target="+m.leader, "--mount", "--uts", "--ipc", "--pid", "--root", "--wdns=/",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", script)
}

// requireUp requires that the service runs a version and that it watches.
func (m machine) requireUp(t *testing.T, address, version string) {
	t.Helper()
	assert.Contains(t, m.requireUpAt(t, "http://"+address+"/metrics"), `version="`+version+`"`)
}

// requireUpAt requires that a page shows a usable answer of Rocket.Chat, and returns
// it. It waits until the service answers.
func (m machine) requireUpAt(t *testing.T, url string) (metrics string) {
	t.Helper()
	if !assert.EventuallyWithT(t, func(c *assert.CollectT) {
		metrics = rig.Get(c, url)
	}, time.Minute, 10*time.Millisecond) {
		t.Fatal(m.run(t, "journalctl --unit="+service))
	}
	assert.Contains(t, metrics, "\nrocketchat_import_up 1\n")
	return metrics
}

// requireManyWorkspaces watches the two workspaces of the shipped files, and goes back to the one.
func (m machine) requireManyWorkspaces(t *testing.T, address, rocketchat string) {
	t.Helper()
	dropIns := "/etc/systemd/system/" + service + ".d"
	m.run(t, fmt.Sprintf(`set -e
		cp %[1]s/workspaces.yml /var/tmp/workspaces.yml
		sed -i 's|url: .*|url: %[2]s|; s|user_id: .*|user_id: %[3]s|' %[1]s/workspaces.yml
		for name in acme support; do echo %[4]s > %[1]s/$name; chmod 600 %[1]s/$name; done
		install -D -m 644 /usr/share/rocketchat_import_exporter/many-workspaces.conf %[5]s/many-workspaces.conf
		systemctl daemon-reload`, folder, rocketchat, rig.UserID, rig.Token, dropIns))
	assert.Contains(t, m.run(t, "rocketchat_import_exporter check 2>&1 || true"), "run systemctl restart rocketchat_import_exporter first")
	m.run(t, "systemctl restart rocketchat_import_exporter && rocketchat_import_exporter check")
	for _, name := range []string{"acme", "support"} {
		m.requireUpAt(t, "http://"+address+"/probe?target="+name)
	}
	m.run(t, fmt.Sprintf("rm -r %s; rm %[2]s/acme %[2]s/support; cp /var/tmp/workspaces.yml %[2]s/workspaces.yml; systemctl daemon-reload; systemctl restart %s",
		dropIns, folder, service))
	m.requireUpAt(t, "http://"+address+"/metrics")
}
