package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"rocketchat_import_exporter/demo/process"
)

const scrapeInterval = 5 * time.Second

// exporter is the exporter's own binary at work.
type exporter struct {
	*process.Process
	address string // host:port
	many    bool   // whether it watches more than one workspace
	targets []string
	dir     string
}

// startExporter builds the exporter and runs it as a user would. It returns
// once the exporter answers.
func startExporter(ctx context.Context, address string, w workspaces) (*exporter, error) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	e := &exporter{address: address, many: len(w) > 1, dir: dir}
	if err := e.start(ctx, w); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

func (e *exporter) start(ctx context.Context, w workspaces) error {
	// Without a stamp of its version it needs neither git nor a clone.
	binary, err := process.Build(ctx, e.dir, "rocketchat_import_exporter", "-buildvcs=false")
	if err != nil {
		return err
	}
	env, args := []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, []string{
		"--rocketchat.url=" + w[0].url,
		"--rocketchat.user-id=" + userID,
	}
	e.targets = []string{"http://" + e.address + "/metrics"}
	if e.many {
		file := filepath.Join(e.dir, "workspaces.yml")
		if err := os.WriteFile(file, []byte(w.configuration()), 0o600); err != nil {
			return err
		}
		env, args, e.targets = nil, []string{"--config.file=" + file}, nil
		for _, workspace := range w {
			e.targets = append(e.targets, "http://"+e.address+"/probe?target="+workspace.name)
		}
	}
	args = append(args, "--rocketchat.min-interval=1s", "--web.listen-address="+e.address)
	e.Process, err = process.Start("the exporter", env, binary, args...)
	if err != nil {
		return err
	}
	return e.AwaitOK(ctx, "http://"+e.address+"/-/ready")
}

// scrape asks for the metrics of all workspaces every few seconds until ctx ends.
func (e *exporter) scrape(ctx context.Context) {
	tick := time.NewTicker(scrapeInterval)
	defer tick.Stop()
	for {
		for _, target := range e.targets {
			if err := get(ctx, target); err != nil && ctx.Err() == nil {
				say("The scrape of %s failed: %v", target, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// stop ends the exporter and removes its binary.
func (e *exporter) stop() {
	if e.Process != nil {
		e.Stop()
	}
	os.RemoveAll(e.dir)
}
