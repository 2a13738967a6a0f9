package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"rocketchat_import_exporter/internal/config"
)

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
