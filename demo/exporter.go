package main

import (
	"context"
	"os"

	"rocketchat_import_exporter/demo/process"
)

// exporter is the exporter's own binary at work.
type exporter struct {
	*process.Process
	address string // host:port
	dir     string
}

// metrics is the URL of its metrics.
func (e *exporter) metrics() string { return "http://" + e.address + "/metrics" }

// startExporter builds the exporter and runs it as a user would. It returns
// once the metrics can be read.
func startExporter(ctx context.Context, workspace string) (*exporter, error) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	e := &exporter{dir: dir}
	if err := e.start(ctx, workspace); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

func (e *exporter) start(ctx context.Context, workspace string) error {
	binary, err := process.Build(ctx, e.dir, "rocketchat_import_exporter")
	if err != nil {
		return err
	}
	address, err := process.FreeAddress("127.0.0.1:10458")
	if err != nil {
		return err
	}
	e.address = address
	e.Process, err = process.Start("the exporter", []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, binary,
		"--rocketchat.url="+workspace,
		"--rocketchat.user-id="+userID,
		"--rocketchat.min-interval=1s",
		"--web.listen-address="+address,
	)
	if err != nil {
		return err
	}
	return e.AwaitOK(ctx, e.metrics())
}

// stop ends the exporter and removes its binary.
func (e *exporter) stop() {
	if e.Process != nil {
		e.Stop()
	}
	os.RemoveAll(e.dir)
}
