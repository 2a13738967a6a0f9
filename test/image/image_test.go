//go:build image && linux

package image

import (
	"bytes"
	"debug/elf"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
			assert.Contains(t, []string{".go", ".mod", ".sum", ".md", ".html"}, filepath.Ext(file), file)
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
