package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"rocketchat_import_exporter/internal/process"
	"rocketchat_import_exporter/internal/rocketchatsim/stories"
)

const scrapeInterval = 5 * time.Second

// exporter is the exporter's own binary at work.
type exporter struct {
	*process.Process
	targets []string // the URLs of the metrics of each workspace
}

// startExporter builds the exporter into dir and runs it as a user would. It
// returns once the exporter answers.
func startExporter(ctx context.Context, dir, address string, workspaces []*stories.Workspace) (*exporter, error) {
	e := &exporter{}
	for _, workspace := range workspaces {
		e.targets = append(e.targets, "http://"+address+"/probe?target="+workspace.Name)
	}
	var err error
	e.Process, err = process.StartExporter(ctx, dir, address, stories.Configuration(workspaces))
	return e, err
}

// scrape asks for the metrics of all workspaces every few seconds until ctx ends.
func (e *exporter) scrape(ctx context.Context) {
	for tick := time.Tick(scrapeInterval); ; {
		for _, target := range e.targets {
			if err := get(target); err != nil && ctx.Err() == nil {
				say("The scrape of %s failed: %v", target, err)
			}
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
}

func get(url string) error {
	response, err := http.Get(url)
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
