//go:build packages && linux

// Package packages proves the .deb and the .rpm on a Debian 12 that debootstrap
// makes and systemd-nspawn boots: installed, filled in, upgraded, removed and
// purged. Run the tests with "make packages-test", as root.
package packages

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
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
	name     string
	defaults string // the file with the variables
	pattern  string // of the package's file, for a version
	install  string // also upgrades
	remove   string
	purge    string // empty if there is none
	theirs   string // ending of the new version's file of variables
	saved    string // ending of changed files after a removal
}

var formats = []format{
	{
		name: "deb", defaults: "/etc/default/rocketchat_import_exporter", pattern: "/var/tmp/*_%s_*.deb",
		// Somebody at a terminal is asked, and keeps the old file by default.
		install: "apt-get install -y -o Dpkg::Options::=--force-confold ", theirs: ".dpkg-dist",
		remove: "apt-get remove -y rocketchat-import-exporter", purge: "apt-get purge -y rocketchat-import-exporter",
	},
	{
		name: "rpm", defaults: "/etc/sysconfig/rocketchat_import_exporter", pattern: "/var/tmp/*-%s-*.rpm",
		install: "rpm --upgrade --nodeps ", theirs: ".rpmnew",
		remove: "rpm --erase --nodeps rocketchat-import-exporter", saved: ".rpmsave",
	},
}

func TestPackages(t *testing.T) {
	root := t.TempDir()
	rig.Output(t, exec.Command("debootstrap", "--variant=minbase", "--include=systemd-sysv,rpm", "bookworm", root))
	rocketchat := rig.RocketChat(t, "", httptest.NewServer)
	// The packages 1.0.0 and 1.1.0, the second with another file of variables, from a
	// copy of the repository.
	rig.Output(t, exec.Command("sh", "-ec", fmt.Sprintf(`cd ../..; git ls-files -z | tar --null -T - -c | tar -x -C %[1]s
		cd %[1]s
		make() { command make packages architectures=%[2]s REVISION=0123abc BRANCH=a-branch CREATED=2026-01-02T03:04:05Z "$@"; }
		make VERSION=1.0.0
		echo "# All is new." > deploy/systemd/rocketchat_import_exporter.default
		make VERSION=1.1.0
		mv dist/*.deb dist/*.rpm %[3]s/var/tmp`, t.TempDir(), runtime.GOARCH, root)))
	t.Run("rpm, into a folder where no systemd runs", func(t *testing.T) {
		said := rig.Output(t, exec.Command("sh", "-ec", "rpm --root="+root+" --install --nodeps "+root+"/var/tmp/*-1.0.0-*.rpm; chroot "+root+
			" rocketchat_import_exporter --version; rpm --root="+root+" --erase rocketchat-import-exporter"))
		assert.Contains(t, said, fillIn)
		assert.Contains(t, said, "version 1.0.0")
	})
	m := boot(t, root)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) { f.test(t, m, rocketchat.URL) })
	}
}

// test plays the life of a package.
func (f format) test(t *testing.T, m machine, rocketchat string) {
	address := rig.FreeAddress(t)
	install := func(version string) string {
		return m.run(t, f.install+fmt.Sprintf(f.pattern, version))
	}

	said := install("1.0.0")
	assert.Contains(t, said, fillIn)
	assert.Contains(t, said, f.defaults)
	assert.Equal(t, "disabled\ninactive", m.run(t, "systemctl is-enabled "+service+"; systemctl is-active "+service+"; true"))
	assert.Equal(t, "600 root", m.run(t, "stat -c '%a %U' "+folder+"/token"))
	m.run(t, `zcat /usr/share/man/man1/rocketchat_import_exporter.1.gz | grep -qe --web.listen-address &&
		grep -q completion-bash /usr/share/bash-completion/completions/rocketchat_import_exporter &&
		test -s /usr/share/rocketchat_import_exporter/rocketchat-import.rules.yml &&
		test -s /usr/share/doc/rocketchat-import-exporter/docs/systemd.md`)

	m.run(t, fmt.Sprintf("sed -i 's|^ROCKETCHAT_URL=.*|ROCKETCHAT_URL=%s|; s|^ROCKETCHAT_USER_ID=.*|ROCKETCHAT_USER_ID=%s|; s|127.0.0.1:10458|%s|' %s",
		rocketchat, rig.UserID, address, f.defaults))
	m.run(t, "echo "+rig.Token+" > "+folder+"/token")
	filledIn := m.run(t, "cat "+f.defaults)
	m.run(t, "set -a; . "+f.defaults+"; rocketchat_import_exporter check --rocketchat.auth-token-file="+folder+"/token")
	m.run(t, fillIn)
	m.requireUp(t, address, "1.0.0")
	m.run(t, "systemctl reload "+service)

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

// requireUp requires that the service runs a version and that it watches. It waits
// until the service answers.
func (m machine) requireUp(t *testing.T, address, version string) {
	t.Helper()
	var metrics string
	if !assert.EventuallyWithT(t, func(c *assert.CollectT) {
		metrics = rig.Get(c, "http://"+address+"/metrics")
	}, 10*time.Second, 10*time.Millisecond) {
		t.Fatal(m.run(t, "journalctl --unit="+service))
	}
	assert.Contains(t, metrics, "\nrocketchat_import_up 1\n")
	assert.Contains(t, metrics, `version="`+version+`"`)
}
