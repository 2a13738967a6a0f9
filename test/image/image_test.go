//go:build image && linux

package image

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
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

	"rocketchat_import_exporter/demo/process"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	program       = "/rocketchat_import_exporter"
	userID, token = "watcher", "a-token-that-must-not-show"
	// nobody is who the image runs as, user and group.
	nobody = 65534
)

func TestImage(t *testing.T) {
	b := newBuildah(t)
	b.makeStandIn(t)
	b.makeImage(t)
	root := b.root(t, "rocketchat_import_exporter")

	t.Run("it holds the binary and the certificates, and nothing else", func(t *testing.T) {
		assert.Equal(t, []string{certificates, program}, filesIn(t, root))
	})

	t.Run("it says what it is and how to run it", func(t *testing.T) {
		config := b.inspect(t, "rocketchat_import_exporter").Config
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
		write(t, tokenFile, token)
		require.NoError(t, os.Chown(tokenFile, nobody, nobody))
		require.NoError(t, os.Chmod(tokenFile, 0o400))
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
		sim.SetUser(userID, token, rocketchatsim.RunImport)
		rocketchat := httptest.NewTLSServer(sim)
		defer rocketchat.Close()
		address, err := process.FreeAddress("127.0.0.1:0")
		require.NoError(t, err)
		env := []string{"ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=" + address}
		var log bytes.Buffer
		exporter := inside(root, env, "--rocketchat.url="+rocketchat.URL, "--rocketchat.user-id="+userID, "--rocketchat.auth-token-file=/token")
		exporter.Stdout, exporter.Stderr = &log, &log
		exporter.WaitDelay = 10 * time.Second
		require.NoError(t, exporter.Start())
		defer exporter.Process.Kill() // does nothing once it has ended
		var metrics []byte
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			response, err := http.Get("http://" + address + "/metrics")
			require.NoError(c, err)
			defer response.Body.Close()
			metrics, err = io.ReadAll(response.Body)
			assert.NoError(c, err)
		}, 30*time.Second, 10*time.Millisecond)
		assert.Contains(t, string(metrics), "\nrocketchat_import_up 1\n")
		out, err := inside(root, env, "health").CombinedOutput()
		assert.NoError(t, err, string(out))
		require.NoError(t, exporter.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, exporter.Wait(), log.String())
		assert.NotContains(t, log.String(), token)
		assert.Error(t, inside(root, env, "health").Run(), "it has ended")
	})

	t.Run("it builds for arm64 on this machine", func(t *testing.T) {
		// Docker knows the platform that it builds on, buildah 1.28 has to be told.
		b.makeImage(t, "--platform", "linux/arm64", "--build-arg", "BUILDPLATFORM=linux/"+runtime.GOARCH)
		file, err := elf.Open(filepath.Join(b.root(t, "rocketchat_import_exporter"), program))
		require.NoError(t, err)
		defer file.Close()
		assert.Equal(t, elf.EM_AARCH64, file.Machine)
		assert.Equal(t, "arm64", b.inspect(t, "rocketchat_import_exporter").Architecture)
	})

	t.Run("no file enters the build that the binary is not built from", func(t *testing.T) {
		dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
		write(t, dockerfile, "FROM scratch\nCOPY . /\n")
		b.run(t, "build", "--quiet", "--file", dockerfile, "--tag", "context", repository)
		for _, file := range filesIn(t, b.root(t, "context")) {
			assert.Contains(t, []string{".go", ".mod", ".sum", ".md", ".html", ".png", ".yml", ".yaml", ".json"}, filepath.Ext(file), file)
			assert.NotRegexp(t, "_test\\.go$", file)
		}
	})
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

// buildah is the program, with its own storage and no registry.
type buildah struct{ env []string }

func newBuildah(t *testing.T) *buildah {
	t.Helper()
	dir := t.TempDir()
	storage, registries := filepath.Join(dir, "storage.conf"), filepath.Join(dir, "registries.conf")
	write(t, storage, fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(dir, "graph"), filepath.Join(dir, "run")))
	// The real base image must never take the place of the stand-in.
	write(t, registries, "[[registry]]\nlocation = \"docker.io\"\nblocked = true\n")
	return &buildah{append(os.Environ(), "BUILDAH_ISOLATION=chroot", "TMPDIR="+dir, "CONTAINERS_STORAGE_CONF="+storage, "CONTAINERS_REGISTRIES_CONF="+registries)}
}

// run returns what buildah prints.
func (b *buildah) run(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, b.env, "buildah", args...)
}

// makeImage builds the image as a person does.
func (b *buildah) makeImage(t *testing.T, flags ...string) {
	t.Helper()
	output(t, b.env, "make", "-C", repository, "image", "DOCKER=buildah", "DOCKER_FLAGS=--format docker "+strings.Join(flags, " "),
		"VERSION=1.2.3", "REVISION=0123abc", "BRANCH=a-branch", "CREATED=2026-01-02T03:04:05Z", "SOURCE=https://git.example.com/exporter")
}

// root is the root of a new container that is made from an image.
func (b *buildah) root(t *testing.T, image string) string {
	t.Helper()
	return b.run(t, "mount", b.run(t, "from", "--pull-never", image))
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

func (b *buildah) inspect(t *testing.T, image string) inspected {
	t.Helper()
	var all struct{ Docker inspected }
	require.NoError(t, json.Unmarshal([]byte(b.run(t, "inspect", "--type", "image", image)), &all))
	return all.Docker
}

// makeStandIn makes an image with the name of the base image from this machine's
// Go, C library and shell. Its certificates are this machine's, and that of a
// server of httptest.
func (b *buildah) makeStandIn(t *testing.T) {
	t.Helper()
	goEnv := strings.Fields(output(t, nil, "go", "env", "GOVERSION", "GOROOT", "GOPROXY"))
	require.Regexp(t, "^"+regexp.QuoteMeta(goVersion), goEnv[0], "this machine cannot stand in for %s", base)
	container := b.run(t, "from", "scratch")
	root := b.run(t, "mount", container)
	require.NoError(t, os.CopyFS(filepath.Join(root, "usr/local/go"), os.DirFS(goEnv[1])))
	for _, file := range append(regexp.MustCompile(`/\S+`).FindAllString(output(t, nil, "ldd", "/bin/sh"), -1), "/bin/sh") {
		write(t, filepath.Join(root, file), read(t, file))
		require.NoError(t, os.Chmod(filepath.Join(root, file), 0o755))
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	write(t, filepath.Join(root, certificates),
		read(t, certificates)+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	require.NoError(t, os.Mkdir(filepath.Join(root, "tmp"), 0o777))
	b.run(t, "config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
		"--env", "GOPROXY="+goEnv[2], container)
	b.run(t, "commit", "--quiet", "--rm", container, base)
}

// output runs a program and returns what it prints. Its environment is this
// one's if env is nil.
func output(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stderr = env, &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s%s", cmd, out, &stderr)
	return strings.TrimSpace(string(out))
}

// write writes a file that anybody may read, and makes the directories above it.
func write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}
