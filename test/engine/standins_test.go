//go:build engine && linux

package engine

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/rig"
)

const (
	// rocketChat is an image and a container of this test's own binary, which also have a shell and wget.
	rocketChat = "engine-test-rocketchat"
	// listenVariable makes the binary a Rocket.Chat that listens at this address.
	listenVariable = "ENGINE_TEST_ROCKETCHAT"
	root           = "0"
	certificates   = "/etc/ssl/certs/ca-certificates.crt"
)

// TestMain runs the tests, or a Rocket.Chat that shows the messages that it got at /messages.
func TestMain(m *testing.M) {
	address := os.Getenv(listenVariable)
	if address == "" {
		os.Exit(m.Run())
	}
	sim := rocketchatsim.New(rocketchatsim.Config{RateLimit: -1})
	sim.SetUser(rig.UserID, rig.Token, rocketchatsim.RunImport)
	http.Handle("/", sim)
	http.HandleFunc("/messages", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(sim.Messages()) })
	panic(http.ListenAndServe(address, nil))
}

// startRocketChat runs a Rocket.Chat in Docker: http://rocketchat:3000 in its own network.
func startRocketChat(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	standIn(t, rocketChat, root, map[string]string{"/rocketchat": self}, `ENTRYPOINT ["/rocketchat"]`, "ENV "+listenVariable+"=:3000")
	rig.Output(t, docker("network", "create", network))
	afterwards(t, "network", "rm", network)
	rig.Output(t, docker("run", "--detach", "--name", rocketChat, "--network", network, "--network-alias", "rocketchat", rocketChat))
	afterwards(t, "rm", "--force", rocketChat)
}

// standInForGo makes the image that the Dockerfile builds in, from this machine's Go. It reaches no proxy, so it has
// the modules. What it compiles was compiled before, in a cache that is kept.
func standInForGo(t *testing.T) {
	t.Helper()
	goEnv := func(name string) string { return rig.Output(t, exec.Command("go", "env", name)) }
	cache, err := filepath.Abs("../bin/engine-cache")
	require.NoError(t, err)
	modules := t.TempDir()
	build := exec.Command("sh", "-c", "go mod download && go build -trimpath -o /dev/null .")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-modcacherw", "GOMODCACHE="+modules, "GOCACHE="+cache,
		"GOPROXY=file://"+goEnv("GOMODCACHE")+"/cache/download,"+goEnv("GOPROXY"))
	rig.Output(t, build)
	files := map[string]string{"/usr/local/go": goEnv("GOROOT"), "/go/pkg/mod": modules, "/cache": cache, "/tmp": t.TempDir()}
	standIn(t, "docker.io/library/golang:1.26", root, files,
		"ENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOCACHE=/cache GOTOOLCHAIN=local GOPROXY=off")
}

// standInsForCompose make the images of the Compose file. Prometheus and Alertmanager are those of "make tools".
// Grafana reads its files, and says that it is healthy.
func standInsForCompose(t *testing.T) {
	t.Helper()
	image := func(program string) string {
		return regexp.MustCompile(`\S+/` + program + `:\S+`).FindString(rig.ReadFile(t, repository+"/deploy/compose/compose.yaml"))
	}
	standIn(t, image("prometheus"), "65534", programs(t, "prometheus"), `ENTRYPOINT ["/bin/prometheus"]`)
	standIn(t, image("alertmanager"), "65534", programs(t, "alertmanager", "amtool"), `ENTRYPOINT ["/bin/alertmanager"]`)
	script := filepath.Join(t.TempDir(), "run.sh")
	rig.WriteFile(t, script, `set -e
cat $GF_SECURITY_ADMIN_PASSWORD__FILE /etc/grafana/provisioning/*/* /etc/grafana/dashboards/*.json >/dev/null
cd /var/lib/grafana
mkdir -p api
echo ok > api/health
exec httpd -f -p 3000
`)
	standIn(t, image("grafana"), "472", map[string]string{"/run.sh": script, "/var/lib/grafana": t.TempDir()}, `ENTRYPOINT ["/bin/sh", "/run.sh"]`)
}

// programs are programs of "make tools" with their libraries, and the folder that the first one writes to.
func programs(t *testing.T, names ...string) map[string]string {
	t.Helper()
	files := map[string]string{"/" + names[0]: t.TempDir()}
	for _, name := range names {
		program, err := filepath.Abs("../bin/" + name)
		require.NoError(t, err)
		require.FileExists(t, program, "make tools builds it")
		files["/bin/"+name] = program
		libraries, _ := exec.Command("ldd", program).Output() // it fails where there are none
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
			files[library] = library
		}
	}
	return files
}

// standIn makes an image of files of this machine, by their paths in the image, unless the engine has one of that name.
// Its user owns them all. The changes are lines of a Dockerfile.
func standIn(t *testing.T, image, user string, files map[string]string, changes ...string) {
	t.Helper()
	if docker("image", "inspect", image).Run() == nil {
		t.Logf("%s is the engine's own", image)
		return
	}
	for _, file := range []string{"/bin/sh", "/bin/cat", "/bin/mkdir", "/bin/wget", "/bin/httpd"} {
		files[file] = "/bin/busybox"
	}
	files[certificates] = certificates
	dir := t.TempDir()
	for target, source := range files {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(target)), 0o755))
		require.NoError(t, os.Symlink(source, filepath.Join(dir, target)))
	}
	arguments := []string{"import"}
	if user != root { // BuildKit would look for root in a file that is not there
		changes = append(changes, "USER "+user)
	}
	for _, change := range changes {
		arguments = append(arguments, "--change", change)
	}
	pack := exec.Command("tar", "--dereference", "--owner="+user, "--group="+user, "-C", dir, "-c", ".")
	load := docker(append(arguments, "-", image)...)
	var err error
	load.Stdin, err = pack.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, pack.Start())
	rig.Output(t, load)
	require.NoError(t, pack.Wait())
	afterwards(t, "image", "rm", "--force", image)
}

// afterwards runs a command of docker when the test is over.
func afterwards(t *testing.T, args ...string) { t.Cleanup(func() { docker(args...).Run() }) }

func docker(args ...string) *exec.Cmd { return exec.Command("docker", args...) }
