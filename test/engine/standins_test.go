//go:build engine && linux

package engine

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/rig"
)

const (
	// listenVariable makes the test's own binary a Rocket.Chat that listens there.
	listenVariable = "ENGINE_TEST_ROCKETCHAT"
	// rocketChat is the image of that, which has a shell and wget too.
	rocketChat = "engine-test-rocketchat"
	caBundle   = "/etc/ssl/certs/ca-certificates.crt"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(listenVariable); address != "" {
		panic(http.ListenAndServe(address, newRocketChat()))
	}
	os.Exit(m.Run())
}

// newRocketChat is a workspace that shows the messages it got at /messages.
func newRocketChat() http.Handler {
	sim := rocketchatsim.New(rocketchatsim.Config{RateLimit: -1})
	sim.SetUser(rig.UserID, rig.Token, rocketchatsim.RunImport)
	mux := http.NewServeMux()
	mux.Handle("/", sim)
	mux.HandleFunc("/messages", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(sim.Messages()) })
	return mux
}

// startRocketChat runs a Rocket.Chat in Docker: it is http://rocketchat:3000 in its own network.
func startRocketChat(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	standIn(t, rocketChat, "0", map[string]string{"/rocketchat": self}, `ENTRYPOINT ["/rocketchat"]`, "ENV "+listenVariable+"=:3000")
	rig.Output(t, docker("network", "create", network))
	remove(t, "network", network)
	id := rig.Output(t, docker("run", "--detach", "--network", network, "--network-alias", "rocketchat", rocketChat))
	remove(t, "container", id)
}

// standInForGo makes the image that the Dockerfile builds in, from this machine's Go. It holds the modules
// and has compiled them before, since it reaches no proxy.
func standInForGo(t *testing.T) {
	t.Helper()
	modules := t.TempDir()
	cache, err := filepath.Abs("../bin/engine-cache") // kept, since it takes a minute to fill
	require.NoError(t, err)
	fill := "go mod download && go build -trimpath -o /dev/null ."
	build := exec.Command("sh", "-c", fill)
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-modcacherw -buildvcs=false", "GOMODCACHE="+modules, "GOCACHE="+cache,
		"GOPROXY=file://"+goEnv(t, "GOMODCACHE")+"/cache/download,"+goEnv(t, "GOPROXY"))
	rig.Output(t, build)
	standIn(t, golang, "0", map[string]string{"/usr/local/go": goEnv(t, "GOROOT"), "/go/pkg/mod": modules, "/cache": cache, "/tmp": t.TempDir()},
		"ENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOCACHE=/cache GOTOOLCHAIN=local GOPROXY=off")
}

func goEnv(t *testing.T, name string) string { return rig.Output(t, exec.Command("go", "env", name)) }

// standInsForCompose make the images of the Compose file. Prometheus and Alertmanager are those of "make tools".
// Grafana only reads its files and says that it is healthy.
func standInsForCompose(t *testing.T) {
	t.Helper()
	file := rig.ReadFile(t, repository+"/deploy/compose/compose.yaml")
	for program, standInFor := range map[string]func(image string){
		"prometheus": func(image string) {
			standIn(t, image, "65534", programs(t, "prometheus", "promtool"), `ENTRYPOINT ["/bin/prometheus"]`)
		},
		"alertmanager": func(image string) {
			standIn(t, image, "65534", programs(t, "alertmanager", "amtool"), `ENTRYPOINT ["/bin/alertmanager"]`)
		},
		"grafana": func(image string) {
			script := filepath.Join(t.TempDir(), "run.sh")
			rig.WriteFile(t, script, "set -e\ncat $GF_SECURITY_ADMIN_PASSWORD__FILE /etc/grafana/provisioning/*/* /etc/grafana/dashboards/*.json >/dev/null\n"+
				"mkdir -p /var/lib/grafana/www/api\necho ok > /var/lib/grafana/www/api/health\nexec httpd -f -p 3000 -h /var/lib/grafana/www\n")
			standIn(t, image, "472", map[string]string{"/run.sh": script, "/var/lib/grafana": t.TempDir()}, `ENTRYPOINT ["/bin/sh","/run.sh"]`)
		},
	} {
		image := regexp.MustCompile(`\S+/` + program + `:\S+`).FindString(file)
		require.NotEmpty(t, image)
		standInFor(image)
	}
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
		out, _ := exec.Command("ldd", program).Output() // fails for a program without libraries
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
			files[library] = library
		}
	}
	return files
}

// standIn makes an image of files of this machine, by their paths in the image, unless the engine has one
// of that name. A user of that number owns and runs everything. The changes are lines of a Dockerfile.
func standIn(t *testing.T, image, user string, files map[string]string, changes ...string) {
	t.Helper()
	if docker("image", "inspect", image).Run() == nil {
		t.Logf("%s is the engine's own", image)
		return
	}
	for _, applet := range []string{"sh", "cat", "mkdir", "wget", "httpd"} {
		files["/bin/"+applet] = "/bin/busybox"
	}
	files[caBundle] = caBundle
	root := t.TempDir()
	for target, source := range files {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(target)), 0o755))
		require.NoError(t, os.Symlink(source, filepath.Join(root, target)))
	}
	arguments := []string{"import"}
	if user != "0" { // the builder would look for it in a file that is not there
		changes = append(changes, "USER "+user)
	}
	for _, change := range changes {
		arguments = append(arguments, "--change", change)
	}
	load := docker(append(arguments, "-", image)...)
	pack := exec.Command("tar", "--dereference", "--owner="+user, "--group="+user, "-C", root, "-c", ".")
	var err error
	load.Stdin, err = pack.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, pack.Start())
	rig.Output(t, load)
	require.NoError(t, pack.Wait())
	remove(t, "image", image)
}

// remove removes a thing of the engine after the test.
func remove(t *testing.T, kind, name string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		force := []string{"--force"}
		if kind == "network" {
			force = nil
		}
		if out, err := exec.CommandContext(ctx, "docker", append([]string{kind, "rm", name}, force...)...).CombinedOutput(); err != nil {
			t.Error(strings.TrimSpace(string(out)))
		}
	})
}

func docker(args ...string) *exec.Cmd { return exec.Command("docker", args...) }
