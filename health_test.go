package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// health runs the command and returns its exit code and error.
func health(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var stderr strings.Builder
	code := run(t.Context(), append([]string{"health"}, args...), io.Discard, &stderr)
	return code, stderr.String()
}

func TestHealthOfAnExporterThatRuns(t *testing.T) {
	const users = "basic_auth_users: {alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}"
	for name, args := range map[string][]string{
		"plain HTTP":              nil,
		"TLS":                     {"--web.config.file=" + tlsConfig(t)},
		"TLS and a password":      {"--web.config.file=" + tlsConfig(t, users)},
		"TLS and a rate limit":    {"--web.config.file=" + tlsConfig(t, "rate_limit: {interval: 1h, burst: 1}")},
		"TLS and a certificate":   {"--web.config.file=" + tlsConfig(t, "  client_auth_type: RequireAnyClientCert")},
		"an optional certificate": {"--web.config.file=" + tlsConfig(t, "  client_auth_type: RequestClientCert")},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append(good, args...)...)
			_, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port, "127.0.0.1:" + port, "localhost:" + port} {
				if code, stderr := health(t, append(args, "--web.listen-address="+address, "--web.listen-address=127.0.0.1:1")...); code != 0 {
					t.Errorf("%s: the exit code is %d: %s", address, code, stderr)
				}
			}
			t.Setenv("ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS", ":"+port)
			if code, stderr := health(t, args...); code != 0 {
				t.Errorf("by its variable: the exit code is %d: %s", code, stderr)
			}
			p.stop()
			if code, stderr := health(t, args...); code != 1 || !strings.Contains(stderr, "refused") {
				t.Errorf("once it has stopped: the exit code is %d: %s", code, stderr)
			}
		})
	}
}

func TestHealthOfWhatIsNoExporter(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for arg, want := range map[string]string{
		"--web.listen-address=" + strings.TrimPrefix(other.URL, "http://"): "404",
		"--web.listen-address=vsock://:10458":                              flagAndEnv(listenAddressFlag),
		"--web.systemd-socket":                                             flagAndEnv(systemdSocketFlag),
	} {
		if code, stderr := health(t, arg); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: the exit code is %d: %s", arg, code, stderr)
		}
	}
}
