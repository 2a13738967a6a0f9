//go:build image && linux

package image

import (
	"debug/elf"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
		got := filesIn(t, root)
		if want := []string{certificates, program}; !slices.Equal(got, want) {
			t.Errorf("the image holds %q", got)
		}
	})

	t.Run("it says what it is and how to run it", func(t *testing.T) {
		config := b.inspect(t, "rocketchat_import_exporter").Config
		for what, values := range map[string][2]string{
			"user":        {config.User, "65534:65534"},
			"entrypoint":  {strings.Join(config.Entrypoint, " "), program},
			"healthcheck": {strings.Join(config.Healthcheck.Test, " "), "CMD " + program + " health"},
			"title":       {config.Labels["org.opencontainers.image.title"], "rocketchat_import_exporter"},
			"version":     {config.Labels["org.opencontainers.image.version"], "1.2.3"},
			"revision":    {config.Labels["org.opencontainers.image.revision"], "0123abc"},
			"created":     {config.Labels["org.opencontainers.image.created"], "2026-01-02T03:04:05Z"},
			"source":      {config.Labels["org.opencontainers.image.source"], "https://git.example.com/exporter"},
		} {
			if values[0] != values[1] {
				t.Errorf("the %s is %q, not %q", what, values[0], values[1])
			}
		}
		if _, ok := config.ExposedPorts["10458/tcp"]; !ok || !slices.Contains(config.Env, "ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=:10458") {
			t.Errorf("the exposed ports are %v, the environment is %q", config.ExposedPorts, config.Env)
		}
	})

	t.Run("it shows the version that it was built with", func(t *testing.T) {
		out, err := inside(root, nil, "--version").CombinedOutput()
		if want := "rocketchat_import_exporter, version 1.2.3 (branch: a-branch, revision: 0123abc)"; err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("--version: %v\n%s", err, out)
		}
	})

	t.Run("it watches over TLS as its user, answers the health check and stops on SIGTERM", func(t *testing.T) {
		tokenFile := filepath.Join(root, "token")
		write(t, tokenFile, token)
		if err := os.Chown(tokenFile, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(tokenFile, 0o400); err != nil {
			t.Fatal(err)
		}
		sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
		sim.SetUser(userID, token, rocketchatsim.RunImport)
		rocketchat := httptest.NewTLSServer(sim)
		defer rocketchat.Close()
		address, err := process.FreeAddress("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		env := []string{"ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS=" + address}
		var log strings.Builder
		exporter := inside(root, env, "--rocketchat.url="+rocketchat.URL, "--rocketchat.user-id="+userID, "--rocketchat.auth-token-file=/token")
		exporter.Stdout, exporter.Stderr = &log, &log
		exporter.WaitDelay = 10 * time.Second
		if err := exporter.Start(); err != nil {
			t.Fatal(err)
		}
		defer exporter.Process.Kill() // does nothing once it has ended
		if metrics := getOnceServed(t, "http://"+address+"/metrics"); !strings.Contains(metrics, "\nrocketchat_import_up 1\n") {
			t.Errorf("/metrics shows\n%s", metrics)
		}
		if out, err := inside(root, env, "health").CombinedOutput(); err != nil {
			t.Errorf("the health check: %v\n%s", err, out)
		}
		if err := exporter.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := exporter.Wait(); err != nil || strings.Contains(log.String(), token) {
			t.Errorf("it ended with %v and wrote\n%s", err, &log)
		}
		if out, err := inside(root, env, "health").CombinedOutput(); err == nil {
			t.Errorf("the health check finds it healthy after its end:\n%s", out)
		}
	})

	t.Run("it builds for arm64 on this machine", func(t *testing.T) {
		// Docker knows the platform that it builds on, buildah 1.28 has to be told.
		b.makeImage(t, "--platform", "linux/arm64", "--build-arg", "BUILDPLATFORM=linux/"+runtime.GOARCH)
		file, err := elf.Open(filepath.Join(b.root(t, "rocketchat_import_exporter"), program))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if file.Machine != elf.EM_AARCH64 {
			t.Errorf("the binary is for %v", file.Machine)
		}
		if image := b.inspect(t, "rocketchat_import_exporter"); image.Architecture != "arm64" {
			t.Errorf("the image is for %q", image.Architecture)
		}
	})

	t.Run("no file enters the build that the binary is not built from", func(t *testing.T) {
		dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
		write(t, dockerfile, "FROM scratch\nCOPY . /\n")
		b.run(t, "build", "--quiet", "--file", dockerfile, "--tag", "context", repository)
		for _, file := range filesIn(t, b.root(t, "context")) {
			if !slices.Contains([]string{".go", ".mod", ".sum", ".md", ".html", ".png", ".yml", ".yaml", ".json"}, filepath.Ext(file)) || strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s enters the build", file)
			}
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

// getOnceServed returns a page as soon as it can be had.
func getOnceServed(t *testing.T, url string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(url)
		if err == nil {
			return readAll(t, response)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// filesIn are the files below a directory, as paths from there.
func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
