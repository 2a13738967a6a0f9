//go:build image && linux

package imagetest

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const (
	repository = "../.."
	// image is the name that "make image" gives.
	image = "rocketchat_import_exporter"
	// base is what the Dockerfile builds in, and goVersion what that has.
	base, goVersion = "docker.io/library/golang:1.26", "go1.26"
	certificates    = "/etc/ssl/certs/ca-certificates.crt"
)

// buildah is the program, with a storage of the test's own and no registry.
type buildah struct {
	dir string // removed with all in it when the test ends
	env []string
}

func newBuildah(t *testing.T) *buildah {
	t.Helper()
	dir := t.TempDir()
	b := &buildah{dir: dir, env: append(os.Environ(),
		"BUILDAH_ISOLATION=chroot", "TMPDIR="+dir,
		"CONTAINERS_STORAGE_CONF="+filepath.Join(dir, "storage.conf"),
		"CONTAINERS_REGISTRIES_CONF="+filepath.Join(dir, "registries.conf"),
	)}
	write(t, filepath.Join(dir, "storage.conf"), fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n",
		filepath.Join(dir, "graph"), filepath.Join(dir, "run")))
	// The stand-in must never give way to the real base image.
	write(t, filepath.Join(dir, "registries.conf"), "[[registry]]\nlocation = \"docker.io\"\nblocked = true\n")
	coverBlobCache(t)
	return b
}

// coverBlobCache hides the one directory that buildah writes to whatever it is
// told.
func coverBlobCache(t *testing.T) {
	t.Helper()
	const dir = "/var/lib/containers"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
		os.Remove(dir) // unless it is in use
	})
}

// run returns what buildah writes to its standard output, without the newline
// at its end.
func (b *buildah) run(t *testing.T, args ...string) string {
	t.Helper()
	return b.output(t, "buildah", args...)
}

// output runs a program that calls buildah, or buildah itself.
func (b *buildah) output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = b.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, &stdout, &stderr)
	}
	return strings.TrimSpace(stdout.String())
}

// root is the root of a new container that is made from an image, or from scratch.
func (b *buildah) root(t *testing.T, from string) (container, dir string) {
	t.Helper()
	container = b.run(t, "from", "--pull-never", from)
	return container, b.run(t, "mount", container)
}

// makeStandIn makes an image by the name of the base image from this machine's
// own Go, C library and shell. The certificates are this machine's, and that of
// a server of httptest.
func (b *buildah) makeStandIn(t *testing.T) {
	t.Helper()
	if version := goEnv(t, "GOVERSION"); !strings.HasPrefix(version, goVersion) {
		t.Fatalf("this machine has %s, which cannot stand in for %s", version, base)
	}
	container, root := b.root(t, "scratch")
	if err := os.CopyFS(filepath.Join(root, "usr/local/go"), os.DirFS(goEnv(t, "GOROOT"))); err != nil {
		t.Fatal(err)
	}
	shell := append(libraries(t, "/bin/sh"), "/bin/sh")
	for _, file := range shell {
		write(t, filepath.Join(root, file), read(t, file))
		if err := os.Chmod(filepath.Join(root, file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, certificates), read(t, certificates)+httptestCertificate())
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	b.run(t, "config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
		"--env", "GOPROXY="+goEnv(t, "GOPROXY"), container)
	b.run(t, "commit", "--quiet", "--rm", container, base)
}

// httptestCertificate is that of each TLS server of httptest, which is its own
// authority.
func httptestCertificate() string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// libraries are the shared libraries of a program.
func libraries(t *testing.T, program string) (files []string) {
	t.Helper()
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		files = append(files, match[1])
	}
	return files
}

// imageConfig is what an image tells the container runtime.
type imageConfig struct {
	User         string
	ExposedPorts map[string]struct{}
	Env          []string
	Entrypoint   []string
	Cmd          []string
	Volumes      map[string]struct{}
	WorkingDir   string
}

func (b *buildah) config(t *testing.T, image string) imageConfig {
	t.Helper()
	var inspected struct {
		OCIv1 struct {
			Config imageConfig `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(b.run(t, "inspect", "--type", "image", image)), &inspected); err != nil {
		t.Fatal(err)
	}
	return inspected.OCIv1.Config
}

// archiveSize is the size of an image as a file, compressed.
func (b *buildah) archiveSize(t *testing.T, image string) int64 {
	t.Helper()
	file := filepath.Join(b.dir, "archive.tar")
	b.run(t, "push", "--quiet", image, "oci-archive:"+file)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// list is all that is below a directory, each as its mode, owner and path, and
// the size of the files together.
func list(t *testing.T, dir string) (entries []string, size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			size += info.Size()
		}
		owner := info.Sys().(*syscall.Stat_t)
		entries = append(entries, fmt.Sprintf("%v %d:%d %s", info.Mode(), owner.Uid, owner.Gid, strings.TrimPrefix(path, dir)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries, size
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// write writes a file that anybody may read, and makes the directories above it.
func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
