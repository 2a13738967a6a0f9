//go:build image && linux

package imagetest

import (
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is who the image is to run as, user and group.
const nobody = 65534

// port is the exporter's own.
const port = "10458"

// stopTime is how long the exporter may take to end once it is asked to.
const stopTime = 2 * time.Second

func TestImage(t *testing.T) {
	b := newBuildah(t)
	b.makeStandIn(t)
	b.output(t, "make", "-C", repository, "image", "DOCKER=buildah", "VERSION=1.2.3-test", "REVISION=0123abc", "BRANCH=a-branch")
	config := b.config(t, image)

	t.Run("it holds the binary and the certificates, and nothing else", func(t *testing.T) {
		_, root := b.root(t, image)
		got, size := list(t, root)
		want := []string{
			"drwxr-xr-x 0:0 /etc",
			"drwxr-xr-x 0:0 /etc/ssl",
			"drwxr-xr-x 0:0 /etc/ssl/certs",
			"-rw-r--r-- 0:0 /etc/ssl/certs/ca-certificates.crt",
			"-rwxr-xr-x 0:0 /rocketchat_import_exporter",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the image holds\n%s\ninstead of\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		t.Logf("the files of the image are %d bytes; as an OCI archive, compressed, it is %d bytes", size, b.archiveSize(t, image))
	})

	t.Run("it says how it is to be run", func(t *testing.T) {
		if config.User != "65534:65534" {
			t.Errorf("the user is %q", config.User)
		}
		if want := []string{"/rocketchat_import_exporter"}; !slices.Equal(config.Entrypoint, want) || config.Cmd != nil {
			t.Errorf("the entrypoint is %q, the command %q", config.Entrypoint, config.Cmd)
		}
		if got := slices.Collect(maps.Keys(config.ExposedPorts)); !slices.Equal(got, []string{port + "/tcp"}) {
			t.Errorf("the exposed ports are %q", got)
		}
		if config.Volumes != nil {
			t.Errorf("the volumes are %v, though it writes nothing", config.Volumes)
		}
	})

	t.Run("it tells the version that it was built with", func(t *testing.T) {
		code, log := b.start(t, config, "", "--version").exit()
		first, _, _ := strings.Cut(log, "\n")
		if want := "rocketchat_import_exporter, version 1.2.3-test (branch: a-branch, revision: 0123abc)"; code != 0 || first != want {
			t.Errorf("--version ends with %d and %q", code, first)
		}
	})

	t.Run("the exposed port is the one that it listens on by default", func(t *testing.T) {
		if _, log := b.start(t, config, "", "--help").exit(); !strings.Contains(log, "--web.listen-address=:"+port+" ") {
			t.Errorf("--help says\n%s", log)
		}
	})

	t.Run("it shows an import as its user, on a root that is read-only, with a token from a file, over TLS", func(t *testing.T) {
		rocketchat := newRocketChat(t)
		close(rocketchat.release)
		c := b.start(t, config, tokenOf(t, nobody, nobody), rocketchat.flags()...)
		if err := scrape(c.url()); err != nil {
			t.Error(err)
		}
		want := []string{"Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "Groups:\t ", "CapEff:\t0000000000000000"}
		if got := regexp.MustCompile(`(?m)^(Uid|Gid|Groups|CapEff):.*`).FindAllString(read(t, c.proc("status")), -1); !slices.Equal(got, want) {
			t.Errorf("the process has %q instead of %q", got, want)
		}
		// Not even root can write where the process has its root.
		for _, file := range []string{"/written", "/etc/written", tokenFile} {
			if opened, err := os.OpenFile(c.proc("root")+file, os.O_WRONLY|os.O_CREATE, 0o600); !errors.Is(err, syscall.EROFS) {
				t.Errorf("%s can be written: %v", file, err)
				opened.Close()
			}
		}
		if rocketchat.Destructive() != 0 {
			t.Error("the import was harmed")
		}
	})

	t.Run("it says so when its user may not read the token file", func(t *testing.T) {
		c := b.start(t, config, tokenOf(t, 0, 0), newRocketChat(t).flags()...)
		if _, serves := <-c.listening; serves {
			t.Fatal("it serves all the same")
		}
		code, log := c.exit()
		if code != 1 || !strings.Contains(log, "--rocketchat.auth-token-file") || !strings.Contains(log, "permission denied") {
			t.Errorf("it ends with %d and\n%s", code, log)
		}
	})

	t.Run("it stops within two seconds of SIGTERM, and answers the scrape under way before", func(t *testing.T) {
		rocketchat := newRocketChat(t)
		c := b.start(t, config, tokenOf(t, nobody, nobody), rocketchat.flags()...)
		url := c.url()
		scraped := make(chan error, 1)
		go func() { scraped <- scrape(url) }()
		select {
		case <-rocketchat.arrived:
		case err := <-scraped:
			t.Fatalf("the scrape was not to be answered yet: %v", err)
		}
		asked := time.Now()
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for { // until it takes no more connections
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				break
			}
			conn.Close()
			if time.Since(asked) > stopTime {
				t.Fatalf("it still takes connections %v after SIGTERM", stopTime)
			}
		}
		close(rocketchat.release)
		if err := <-scraped; err != nil {
			t.Errorf("the scrape under way: %v", err)
		}
		select {
		case <-c.ended:
			t.Logf("it has stopped after %v", time.Since(asked).Round(time.Millisecond))
		case <-time.After(time.Until(asked.Add(stopTime))):
			t.Fatalf("it still runs %v after SIGTERM", stopTime)
		}
		if code, log := c.exit(); code != 0 {
			t.Errorf("it ends with %d and\n%s", code, log)
		}
	})
}

// What is let in beyond what is built would only make builds repeat, or, if it
// were a secret, leak.
func TestBuildContextIsWhatTheBinaryIsBuiltFrom(t *testing.T) {
	b := newBuildah(t)
	dockerfile := filepath.Join(b.dir, "Dockerfile")
	write(t, dockerfile, "FROM scratch\nCOPY . /\n")
	b.run(t, "build", "--quiet", "--file", dockerfile, "--tag", "context", repository)
	_, root := b.root(t, "context")
	var got []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got = append(got, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := append(sources(t), "go.mod", "go.sum")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the build context is\n%s\ninstead of\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sources are the files of the module's packages but for the demo: code, without
// tests, and what is embedded.
func sources(t *testing.T) (files []string) {
	t.Helper()
	const template = `{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .IgnoredGoFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}`
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-f", template, ".", "./client/...", "./collector/...", "./internal/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(out)) {
		if !strings.HasSuffix(file, "_test.go") {
			files = append(files, strings.TrimPrefix(file, root+"/"))
		}
	}
	return files
}
