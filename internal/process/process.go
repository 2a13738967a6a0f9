// Package process runs programs for demo, tests and bench, and leaves none of them behind.
package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Main calls run with a context that ends with Ctrl-C, and with a folder that is removed after it. An
// error of run ends the program, unless it was asked to end.
func Main(name string, run func(ctx context.Context, dir string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", name)
	if err == nil {
		err = run(ctx, dir)
		os.RemoveAll(dir)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// Build builds a program into dir, which is absolute, and returns its path. args are flags of go build.
func Build(ctx context.Context, dir, pkg string, args ...string) (string, error) {
	binary := filepath.Join(dir, path.Base(pkg))
	build := exec.CommandContext(ctx, "go", slices.Concat([]string{"build"}, args, []string{"-o", binary, pkg})...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w", pkg, err)
	}
	return binary, nil
}

// Process is a program at work. It ends with Stop, or, on Linux, with the process
// that started it. Its methods may be called from any goroutine.
type Process struct {
	name   string
	pid    int
	output output
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // set before ended is closed
}

// Start runs a program, which errors call by the name. Its environment is env and nothing else.
func Start(name string, env []string, binary string, args ...string) (*Process, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Process{name: name, cancel: cancel, ended: make(chan struct{})}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append([]string{}, env...)
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.SysProcAttr = endWithParent()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	started := make(chan error)
	go func() {
		// Linux takes the end of the thread that started a program for the end of its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if started <- err; err != nil {
			return
		}
		if err := cmd.Wait(); !cmd.ProcessState.Success() { // else the error is that it was asked to end
			p.err = fmt.Errorf("%s: %w", name, err)
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		cancel()
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// StartServer is Start for a program with the flag --web.listen-address, which gets FreeAddress of
// the preferred one. It returns the program's base URL too, once /-/ready answers there.
func StartServer(
	ctx context.Context, preferred, name string, env []string, binary string, args ...string,
) (*Process, string, error) {
	address, err := FreeAddress(preferred)
	if err != nil {
		return nil, "", err
	}
	p, err := Start(name, env, binary, append(args, "--web.listen-address="+address)...)
	if err != nil {
		return nil, "", err
	}
	if err := p.AwaitOK(ctx, "http://"+address+"/-/ready"); err != nil {
		p.Stop()
		return nil, "", err
	}
	return p, "http://" + address, nil
}

// StartExporter builds the exporter into dir, and runs it with this configuration file. It returns
// its base URL once it answers. The arguments are flags of go build.
func StartExporter(ctx context.Context, dir, configuration string, args ...string) (*Process, string, error) {
	// Without a stamp of its version it needs neither git nor a clone.
	binary, err := Build(ctx, dir, "rocketchat_import_exporter", append(args, "-buildvcs=false")...)
	if err != nil {
		return nil, "", err
	}
	file := filepath.Join(dir, "workspaces.yml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		return nil, "", err
	}
	return StartServer(ctx, "127.0.0.1:10458", "the exporter", nil, binary,
		"--config.file="+file, "--rocketchat.min-interval=1s")
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.pid }

// Stop asks the program to end, kills it after five seconds, and waits. It may be called again.
func (p *Process) Stop() {
	p.cancel()
	<-p.ended
}

// Err waits until the program has ended, and says how unless that went well.
func (p *Process) Err() error {
	<-p.ended
	return p.err
}

// Output returns what the program has written to its standard output and error.
func (p *Process) Output() string { return p.output.String() }

// AwaitOK waits until the program answers a GET of the URL with 200. It fails when
// the program ends, when ctx does, and after half a minute.
func (p *Process) AwaitOK(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for tick := time.Tick(time.Millisecond); ; {
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick:
		case <-p.ended:
			return fmt.Errorf("%s ended too soon (%v)\n%s", p.name, p.err, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, ctx.Err(), p.Output())
		}
	}
}

// output is a buffer that can be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// FreeAddress returns an address where nothing listens, on the loopback interface:
// the preferred one, or if that is taken any other.
func FreeAddress(preferred string) (string, error) {
	listener, err := net.Listen("tcp", preferred)
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
