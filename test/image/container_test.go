//go:build image && linux

package imagetest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tokenFile is where a container finds its token, if it gets one.
const tokenFile = "/token"

// container is the image at work as a container runtime runs it: as the image's
// user, as process 1, on a root that is read-only. It shares the test's network,
// to reach the simulated Rocket.Chat.
type container struct {
	t         *testing.T
	cmd       *exec.Cmd
	listening chan string   // gets its address; closed when it has ended
	ended     chan struct{} // closed when it has ended, after which the log is whole
	log       strings.Builder
}

// start starts the image's entrypoint. token is a file of this machine, or empty.
func (b *buildah) start(t *testing.T, config imageConfig, token string, args ...string) *container {
	t.Helper()
	var user syscall.Credential
	if _, err := fmt.Sscanf(config.User, "%d:%d", &user.Uid, &user.Gid); err != nil {
		t.Fatalf("the image's user is %q, where orchestrators want numbers", config.User)
	}
	_, root := b.root(t, image)
	mountReadOnly(t, root, token)
	command := slices.Concat(config.Entrypoint, args)
	c := &container{t: t, cmd: exec.Command(command[0], command[1:]...), listening: make(chan string, 1), ended: make(chan struct{})}
	c.cmd.Env, c.cmd.Dir = config.Env, "/"
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &user, Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	reader, writer := io.Pipe()
	c.cmd.Stdout, c.cmd.Stderr = writer, writer
	started := make(chan error)
	go c.run(started, writer)
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	go c.read(reader)
	t.Cleanup(func() {
		c.cmd.Process.Kill() // does nothing where it has ended
		<-c.ended
	})
	return c
}

// run keeps its thread: Linux takes the end of the thread that started a program
// for the end of its parent.
func (c *container) run(started chan<- error, log *io.PipeWriter) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err == nil {
		c.cmd.Wait() // leaves how it ended in ProcessState
	}
	log.Close()
}

// read reads the log until the container has ended.
func (c *container) read(log io.Reader) {
	address := regexp.MustCompile(`Listening on.*(127\.0\.0\.1:\d+)`)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		c.log.WriteString(lines.Text() + "\n")
		if match := address.FindStringSubmatch(lines.Text()); match != nil {
			c.listening <- match[1]
		}
	}
	close(c.listening)
	close(c.ended)
}

// exit is the exit code and all that the container wrote.
func (c *container) exit() (code int, log string) {
	<-c.ended
	return c.cmd.ProcessState.ExitCode(), c.log.String()
}

// url is where it serves, once it does. It can be asked once.
func (c *container) url() string {
	c.t.Helper()
	address, ok := <-c.listening
	if !ok {
		code, log := c.exit()
		c.t.Fatalf("the container has ended with %d:\n%s", code, log)
	}
	return "http://" + address
}

// proc is a file that Linux has of the process.
func (c *container) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", c.cmd.Process.Pid, file)
}

// scrape scrapes the exporter, which must show that it sees Rocket.Chat.
func scrape(url string) error {
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(metrics), "\nrocketchat_import_up 1\n") {
		return fmt.Errorf("/metrics answers %s and\n%s", resp.Status, metrics)
	}
	return nil
}

// mountReadOnly mounts a root on itself, read-only, until the test ends, and token
// into it. As container runtimes do, it makes a file there to mount it on.
func mountReadOnly(t *testing.T, root, token string) {
	t.Helper()
	bind(t, root, root)
	if token != "" {
		file := filepath.Join(root, tokenFile)
		write(t, file, "")
		bind(t, token, file)
		remountReadOnly(t, file)
	}
	remountReadOnly(t, root)
}

func bind(t *testing.T, source, target string) {
	t.Helper()
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(target, 0); err != nil {
			t.Error(err)
		}
	})
}

func remountReadOnly(t *testing.T, target string) {
	t.Helper()
	if err := syscall.Mount("", target, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
