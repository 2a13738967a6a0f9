package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

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
			p := start(t, append(credentials, args...)...)
			health := append([]string{"health"}, args...)
			port := strings.TrimPrefix(p.url, "http://127.0.0.1")
			for _, host := range []string{"", "0.0.0.0", "[::]", "127.0.0.1", "localhost"} {
				code, _, stderr := execute(t, append(health, "--web.listen-address="+host+port, "--web.listen-address=127.0.0.1:1")...)
				assert.Zero(t, code, stderr)
			}
			t.Setenv("ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS", port)
			code, _, stderr := execute(t, health...)
			assert.Zero(t, code, stderr)
			p.stop()
			assertFails(t, "refused", health...)
		})
	}
}

func TestHealthOfWhatIsNoExporter(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	assertFails(t, "404", "health", "--web.listen-address="+strings.TrimPrefix(other.URL, "http://"))
	assertFails(t, flagAndEnv(listenAddressFlag), "health", "--web.listen-address=vsock://:10458")
	assertFails(t, flagAndEnv(systemdSocketFlag), "health", "--web.systemd-socket")
}
