package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"rocketchat_import_exporter/internal/check"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/follow"
)

// maxChecks is how many workspaces are checked at the same time.
const maxChecks = 16

// runCheck prints whether each workspace can be watched, sorted by name. It
// returns an error unless all can.
func runCheck(ctx context.Context, f *flags, stdout io.Writer) error {
	workspaces, err := f.workspaces(f.readFile())
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(workspaces))
	results := make([]check.Result, len(names))
	var group errgroup.Group
	group.SetLimit(maxChecks)
	for i, workspace := range names {
		group.Go(func() error {
			results[i] = check.Run(ctx, workspace, workspaces[workspace], name+"/"+version.Version)
			results[i].Notes = append(results[i].Notes, f.warnings...)
			return nil
		})
	}
	group.Wait() // returns no error: each result has its own
	var texts []string
	for _, result := range results {
		texts = append(texts, result.String())
	}
	output := strings.Join(texts, "\n")
	if f.json {
		encoded, _ := json.MarshalIndent(results, "", "  ") // cannot fail
		output = string(encoded) + "\n"
	}
	if _, err := io.WriteString(stdout, output); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r check.Result) bool { return !r.OK }) {
		return errReported
	}
	return nil
}

// addWatch adds the command that follows an import.
func (f *flags) addWatch(app *kingpin.Application) {
	watch := app.Command(watchCommand, "Follow the newest import until it ends. The exit code is 0 if it finished, 1 if it ended in another way, 2 after --timeout.")
	watch.Arg("workspace", "Name of the workspace. Not needed where there is only one.").StringVar(&f.watched)
	watch.Flag("interval", "Time between two looks.").Default("15s").DurationVar(&f.interval)
	watch.Flag("timeout", "Stop after this time. 0s means never.").Default("0s").DurationVar(&f.watchTimeout)
}

// runWatch follows the newest import of a workspace, and returns the exit code.
func runWatch(ctx context.Context, f *flags, stdout io.Writer) (int, error) {
	switch {
	case f.interval < time.Second:
		return 1, errors.New("--interval: must be at least 1s")
	case f.watchTimeout < 0:
		return 1, errors.New("--timeout: must not be negative")
	}
	workspaces, err := f.workspaces(f.readFile())
	if err != nil {
		return 1, err
	}
	if name := slices.Sorted(maps.Keys(workspaces)); f.watched == "" && len(name) == 1 {
		f.watched = name[0]
	} else if _, found := workspaces[f.watched]; !found {
		return 1, fmt.Errorf("watch follows one workspace: name one of %s", strings.Join(name, ", "))
	}
	file, isFile := stdout.(*os.File)
	return follow.Run(ctx, follow.Options{
		Name: f.watched, Config: workspaces[f.watched], UserAgent: name + "/" + version.Version,
		Interval: f.interval, Timeout: f.watchTimeout, Out: stdout, Terminal: isFile && term.IsTerminal(int(file.Fd())),
	})
}

// healthTimeout is below the 30 seconds that Docker waits by default.
const healthTimeout = 5 * time.Second

// runHealth returns an error unless an exporter with the same flags and variables
// is alive. It asks the first address that the exporter listens on.
func runHealth(ctx context.Context, f *flags) error {
	var webConfig web.Config
	if file := *f.web.WebConfigFile; file != "" {
		if err := config.ReadYAML(file, &webConfig); err != nil {
			return flagError(webConfigFileFlag, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	address := (*f.web.WebListenAddresses)[0]
	switch {
	case *f.web.WebSystemdSocket:
		return flagError(systemdSocketFlag, errors.New("only systemd knows the address of the socket: health cannot ask it"))
	case strings.HasPrefix(address, "vsock://"):
		return flagError(listenAddressFlag, errors.New("health cannot ask a vsock address"))
	}
	return askHealth(ctx, address, webConfig.TLSConfig)
}

// askHealth returns an error unless an exporter is alive at the address.
func askHealth(ctx context.Context, address string, tlsConfig web.TLSConfig) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address) // without a host, this machine
	}
	if strings.HasPrefix(tlsConfig.ClientAuth, "Require") {
		// Without a client certificate there is no answer. The open port is one.
		conn, err := dial(ctx, "", "")
		if err != nil {
			return err
		}
		return conn.Close()
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: dial, DisableKeepAlives: true,
		// The address is this exporter's own, and the request holds no secret.
		// A certificate for another name does not mean that the process is dead.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	scheme := "http"
	if tlsConfig.IsEnabled() {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/-/healthy", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	// Basic authentication and the rate limit of the web configuration file answer 401 and 429.
	if !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests}, resp.StatusCode) {
		return fmt.Errorf("/-/healthy answers %s", resp.Status)
	}
	return nil
}
