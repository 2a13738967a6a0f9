package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// exporter is the exporter's own binary at work.
type exporter struct {
	address string
	metrics string // the URL of its metrics
	dir     string
	command *exec.Cmd
	ended   chan struct{} // closed once it has ended, after which err is set
	err     error
}

// startExporter builds the exporter and runs it as a user would. It returns
// once the metrics can be read.
func startExporter(ctx context.Context, workspace string) (*exporter, error) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	e := &exporter{dir: dir, ended: make(chan struct{})}
	if err := e.start(ctx, workspace); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := e.ready(ctx); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

func (e *exporter) start(ctx context.Context, workspace string) error {
	binary := filepath.Join(e.dir, "rocketchat_import_exporter")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "rocketchat_import_exporter")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the exporter: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	e.address, e.metrics = address, "http://"+address+"/metrics"
	e.command = exec.Command(binary,
		"--rocketchat.url="+workspace,
		"--rocketchat.user-id="+userID,
		"--rocketchat.min-interval=1s",
		"--web.listen-address="+address,
	)
	e.command.Env = []string{"ROCKETCHAT_AUTH_TOKEN=" + token}
	e.command.Stderr = os.Stderr
	if err := e.command.Start(); err != nil {
		return err
	}
	go func() {
		defer close(e.ended)
		e.err = e.command.Wait()
	}()
	return nil
}

// ready waits until the metrics can be read.
func (e *exporter) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.metrics, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-e.ended:
			return fmt.Errorf("the exporter stopped: %w", e.err)
		case <-ctx.Done():
			return errors.New("the exporter does not answer")
		}
	}
}

// stop ends the exporter and removes its binary.
func (e *exporter) stop() {
	e.command.Process.Signal(syscall.SIGTERM)
	<-e.ended
	os.RemoveAll(e.dir)
}

// freeAddress returns the exporter's usual port on the loopback interface, or
// another if that is taken.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:10458")
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
