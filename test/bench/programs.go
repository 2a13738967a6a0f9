package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rocketchat_import_exporter/demo/process"
)

// binaries are the paths of the programs that are measured.
type binaries struct {
	exporter, naive, throwaway, jsonExporter string
	jsonConfig                               string // the file of json_exporter
}

// build builds the programs, the exporter as make build does.
func build(ctx context.Context, dir string) (b binaries, err error) {
	if err := os.Setenv("CGO_ENABLED", "0"); err != nil {
		return b, err
	}
	for _, program := range []struct {
		binary *string
		pkg    string
		args   []string
	}{
		{&b.exporter, "rocketchat_import_exporter", []string{"-trimpath", "-ldflags=-s -w"}},
		{&b.naive, "rocketchat_import_exporter/test/bench/naive", nil},
		{&b.throwaway, "rocketchat_import_exporter/test/bench/throwaway", nil},
		{&b.jsonExporter, "github.com/prometheus-community/json_exporter", []string{"-modfile=tools/go.mod"}},
	} {
		if *program.binary, err = process.Build(ctx, dir, program.pkg, program.args...); err != nil {
			return b, err
		}
	}
	b.jsonConfig = filepath.Join(dir, "json_exporter.yml")
	return b, os.WriteFile(b.jsonConfig, []byte(jsonConfig), 0o600)
}

// jsonConfig is what one would give json_exporter. Its paths cannot count, so
// each user is a series, for PromQL to count.
const jsonConfig = `modules:
  default:
    headers:
      X-User-Id: ` + userID + `
      X-Auth-Token: ` + token + `
    metrics:
      - name: rocketchat_import_messages
        path: '{ .message_count }'
      - name: rocketchat_import_user
        type: object
        path: '{ .users[*] }'
        labels:
          user_id: '{ .user_id }'
        values:
          excluded: '{ .do_import }'
`

// daemon is a program that is scraped.
type daemon struct {
	*process.Process
	url    string // of what it serves
	scrape string // the URL of its metrics
}

// startExporter starts the exporter with one workspace.
func (b binaries) startExporter(ctx context.Context, workspace string, args ...string) (*daemon, error) {
	return startDaemon(ctx, b.exporter, "/metrics", func(address string) []string {
		return append([]string{"--rocketchat.url=" + workspace, "--rocketchat.user-id=" + userID,
			"--web.listen-address=" + address, "--log.level=error"}, args...)
	})
}

// startSimple starts the naive exporter, or the one that throws away.
func startSimple(ctx context.Context, binary, workspace string) (*daemon, error) {
	return startDaemon(ctx, binary, "/metrics", func(address string) []string {
		return []string{"-url=" + workspace, "-user-id=" + userID, "-listen=" + address}
	})
}

// startJSONExporter starts json_exporter.
func (b binaries) startJSONExporter(ctx context.Context, workspace string) (*daemon, error) {
	return startDaemon(ctx, b.jsonExporter, "/probe?target="+workspace+"/api/v1/getImportFileData", func(address string) []string {
		return []string{"--config.file=" + b.jsonConfig, "--web.listen-address=" + address, "--log.level=error"}
	})
}

// startDaemon starts a program, and returns once it answers.
func startDaemon(ctx context.Context, binary, scrape string, args func(address string) []string) (*daemon, error) {
	address, err := process.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p, err := process.Start(filepath.Base(binary), []string{"ROCKETCHAT_AUTH_TOKEN=" + token}, binary, args(address)...)
	if err != nil {
		return nil, err
	}
	d := &daemon{Process: p, url: "http://" + address, scrape: "http://" + address + scrape}
	if err := d.AwaitOK(ctx, d.url+"/"); err != nil {
		d.Stop()
		return nil, err
	}
	return d, nil
}

// get scrapes it once, and returns how long that took.
func (d *daemon) get(ctx context.Context) (metrics string, took time.Duration, err error) {
	start := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.scrape, nil)
	if err != nil {
		return "", 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", d.scrape, response.Status)
	}
	return string(body), time.Since(start), err
}

// sample is the value of a metric without labels; false if there is none.
func sample(metrics, name string) (value float64, ok bool) {
	for line := range strings.Lines(metrics) {
		if found, text, _ := strings.Cut(strings.TrimSpace(line), " "); found == name {
			value, err := strconv.ParseFloat(text, 64)
			return value, err == nil
		}
	}
	return 0, false
}
