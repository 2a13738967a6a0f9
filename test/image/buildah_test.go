//go:build image && linux

package image

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	b.run(t, "config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local", "--env", "GOPROXY="+goEnv[2], container)
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
