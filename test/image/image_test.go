//go:build image && linux

// Package image proves the container image: it builds the Dockerfile with "make
// image", looks at what the image holds, and runs it. Run the tests with "make
// image-test", as root, where buildah is installed.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/test/rig"
)

const (
	program = "/rocketchat_import_exporter"
	// nobody is who the image runs as, user and group.
	nobody = 65534
)

func TestImage(t *testing.T) {
	isolateBuildah(t)
	makeStandIn(t)
	makeImage(t)
	root := rootOf(t, "rocketchat_import_exporter")

	t.Run("it holds the binary and the certificates, and nothing else", func(t *testing.T) {
		assert.Equal(t, []string{certificates, program}, filesIn(t, root))
	})

	t.Run("it says what it is and how to run it", func(t *testing.T) {
		config := inspect(t, "rocketchat_import_exporter").Config
		assert.Equal(t, "65534:65534", config.User)
		assert.Equal(t, []string{program}, config.Entrypoint)
		assert.Equal(t, []string{"CMD", program, "health"}, config.Healthcheck.Test)
		assert.Contains(t, config.ExposedPorts, "10458/tcp")
		assert.Contains(t, config.Env, "ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=:10458")
		for label, want := range map[string]string{
			"title": "rocketchat_import_exporter", "version": "1.2.3", "revision": "0123abc",
			"created": "2026-01-02T03:04:05Z", "source": "https://git.example.com/exporter",
		} {
			assert.Equal(t, want, config.Labels["org.opencontainers.image."+label])
		}
	})

	t.Run("it shows the version that it was built with", func(t *testing.T) {
		out, err := inside(root, nil, "--version").CombinedOutput()
		assert.NoError(t, err)
		assert.Regexp(t, `^rocketchat_import_exporter, version 1\.2\.3 \(branch: a-branch, revision: 0123abc\)`, string(out))
	})

	t.Run("it watches over TLS as its user, answers the health check and stops on SIGTERM", func(t *testing.T) {
		tokenFile := filepath.Join(root, "token")
		rig.WriteFile(t, tokenFile, rig.Token)
		require.NoError(t, os.Chown(tokenFile, nobody, nobody))
		require.NoError(t, os.Chmod(tokenFile, 0o400))
		address := rig.FreeAddress(t)
		env := []string{"ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=" + address}
		var log bytes.Buffer
		workspace := rig.RocketChat(t, "", httptest.NewTLSServer).URL
		exporter := inside(root, env, "--rocketchat.url="+workspace, "--rocketchat.user-id="+rig.UserID, "--rocketchat.auth-token-file=/token")
		exporter.Stdout, exporter.Stderr = &log, &log
		exporter.WaitDelay = 10 * time.Second
		require.NoError(t, exporter.Start())
		defer exporter.Process.Kill() // does nothing once it has ended
		var metrics string
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			metrics = rig.Get(c, "http://"+address+"/metrics")
		}, 30*time.Second, 10*time.Millisecond)
		assert.Contains(t, metrics, "\nrocketchat_import_up 1\n")
		out, err := inside(root, env, "health").CombinedOutput()
		assert.NoError(t, err, string(out))
		require.NoError(t, exporter.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, exporter.Wait(), log.String())
		assert.NotContains(t, log.String(), rig.Token)
		assert.Error(t, inside(root, env, "health").Run(), "it has ended")
	})

	t.Run("it builds for arm64 on this machine", func(t *testing.T) {
		// Docker knows the platform that it builds on, buildah 1.28 needs an argument.
		makeImage(t, "--platform", "linux/arm64", "--build-arg", "BUILDPLATFORM=linux/"+runtime.GOARCH)
		file, err := elf.Open(filepath.Join(rootOf(t, "rocketchat_import_exporter"), program))
		require.NoError(t, err)
		defer file.Close()
		assert.Equal(t, elf.EM_AARCH64, file.Machine)
		assert.Equal(t, "arm64", inspect(t, "rocketchat_import_exporter").Architecture)
	})
}

func TestTheBuildGetsWhatTheBinaryIsBuiltFrom(t *testing.T) {
	isolateBuildah(t)
	dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
	rig.WriteFile(t, dockerfile, "FROM scratch\nCOPY . /\n")
	buildah(t, "build", "--quiet", "--file", dockerfile, "--tag", "context", repository)
	list := exec.Command("go", "list", "-deps", "-f", `{{if and .Module .Module.Main}}{{range .GoFiles}}{{$.Dir}}/{{.}}
{{end}}{{range .IgnoredGoFiles}}{{$.Dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$.Dir}}/{{.}}
{{end}}{{end}}`, ".")
	list.Dir = repository
	dir, err := filepath.Abs(repository)
	require.NoError(t, err)
	want := strings.Fields(strings.ReplaceAll(rig.Output(t, list), dir, ""))
	assert.ElementsMatch(t, append(want, "/go.mod", "/go.sum", "/VERSION"), filesIn(t, rootOf(t, "context")))
}

// inside runs the image's program as its user, below the image's root. It shares
// the network of this machine.
func inside(root string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = append([]string{}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// filesIn are the files below a directory, as paths from there.
func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return err
	}))
	return files
}

const (
	repository = "../.."
	// base is what the Dockerfile builds in, and goVersion what that has.
	base, goVersion = "docker.io/library/golang:1.26", "go1.26"
	certificates    = "/etc/ssl/certs/ca-certificates.crt"
)

// isolateBuildah gives buildah its own storage and no registry.
func isolateBuildah(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	storage, registries := filepath.Join(dir, "storage.conf"), filepath.Join(dir, "registries.conf")
	rig.WriteFile(t, storage, fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run"))
	// The real base image must never take the place of the stand-in.
	rig.WriteFile(t, registries, "[[registry]]\nlocation = \"docker.io\"\nblocked = true\n")
	t.Setenv("BUILDAH_ISOLATION", "chroot")
	t.Setenv("TMPDIR", dir)
	t.Setenv("CONTAINERS_STORAGE_CONF", storage)
	t.Setenv("CONTAINERS_REGISTRIES_CONF", registries)
}

// buildah returns what buildah prints.
func buildah(t *testing.T, args ...string) string {
	t.Helper()
	return rig.Output(t, exec.Command("buildah", args...))
}

// makeImage builds the image as a person does.
func makeImage(t *testing.T, flags ...string) {
	t.Helper()
	rig.Output(t, exec.Command("make", "-C", repository, "image", "DOCKER=buildah", "DOCKER_FLAGS=--format docker "+strings.Join(flags, " "),
		"VERSION=1.2.3", "REVISION=0123abc", "BRANCH=a-branch", "CREATED=2026-01-02T03:04:05Z", "SOURCE=https://git.example.com/exporter"))
}

// rootOf is the root of a new container that is made from an image.
func rootOf(t *testing.T, image string) string {
	t.Helper()
	return buildah(t, "mount", buildah(t, "from", "--pull-never", image))
}

// inspected is what an image tells the container runtime.
type inspected struct {
	Architecture string
	Config       struct {
		User            string
		ExposedPorts    map[string]any
		Env, Entrypoint []string
		Labels          map[string]string
		Healthcheck     struct{ Test []string }
	}
}

func inspect(t *testing.T, image string) inspected {
	t.Helper()
	var all struct{ Docker inspected }
	require.NoError(t, json.Unmarshal([]byte(buildah(t, "inspect", "--type", "image", image)), &all))
	return all.Docker
}

// makeStandIn makes an image with the name of the base image from this machine's Go, C library and
// shell. Its certificates are this machine's, and that of a server of httptest.
func makeStandIn(t *testing.T) {
	t.Helper()
	goEnv := strings.Fields(rig.Output(t, exec.Command("go", "env", "GOVERSION", "GOROOT", "GOPROXY")))
	require.Regexp(t, "^"+regexp.QuoteMeta(goVersion), goEnv[0], "this machine cannot stand in for %s", base)
	container := buildah(t, "from", "scratch")
	root := buildah(t, "mount", container)
	require.NoError(t, os.CopyFS(filepath.Join(root, "usr/local/go"), os.DirFS(goEnv[1])))
	for _, file := range append(regexp.MustCompile(`/\S+`).FindAllString(rig.Output(t, exec.Command("ldd", "/bin/sh")), -1), "/bin/sh") {
		rig.WriteFile(t, filepath.Join(root, file), rig.ReadFile(t, file))
		require.NoError(t, os.Chmod(filepath.Join(root, file), 0o755))
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	rig.WriteFile(t, filepath.Join(root, certificates),
		rig.ReadFile(t, certificates)+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	require.NoError(t, os.Mkdir(filepath.Join(root, "tmp"), 0o777))
	buildah(t, "config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
		"--env", "GOPROXY="+goEnv[2], container)
	buildah(t, "commit", "--quiet", "--rm", container, base)
}
