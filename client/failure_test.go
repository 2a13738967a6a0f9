package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAForwardProxyThatDoesNotConnectIsNamedWithWhatItSaid(t *testing.T) {
	secure := serveTLS(t, answer(200, both))
	plain := serve(t, answer(200, both))
	untrusted := serveTLS(t, tunnel)
	as := func(scheme, address string) string {
		_, host, found := strings.Cut(address, "://")
		if !found {
			host = address
		}
		return scheme + "://" + host
	}
	type test struct{ target, proxy, key, said string }
	tests := map[string]test{
		"it is down":                           {secure.URL, as("http", nobody), "proxy", "connection refused"},
		"it is down, plain target":             {plain, as("http", nobody), "proxy", "connection refused"},
		"its name is unknown":                  {secure.URL, "http://no..such.proxy:3128", "proxy", "no such host"},
		"an https proxy is not trusted":        {secure.URL, untrusted.URL, "proxy", "certificate"},
		"https to a plain proxy":               {secure.URL, as("https", serve(t, tunnel)), "proxy", "first record does not look like a TLS handshake"},
		"http to a TLS proxy":                  {secure.URL, as("http", untrusted.URL), "proxy", "the forward proxy: "},
		"socks5 to an HTTP proxy":              {secure.URL, as("socks5", greet(t, "HTTP/1.1 400 Bad Request\r\n\r\n")), "proxy", "socks"},
		"socks5 to an HTTP proxy, plain":       {plain, as("socks5", greet(t, "HTTP/1.1 400 Bad Request\r\n\r\n")), "proxy", "socks"},
		"a proxy that speaks something else":   {secure.URL, serve(t, raw("\x05\xff")), "proxy", "the forward proxy: "},
		"one that speaks nothing":              {secure.URL, serve(t, raw("")), "proxy", "EOF"},
		"one that speaks nothing, plain":       {plain, serve(t, raw("")), "proxy", "EOF"},
		"it cannot reach the server":           {"https://" + nobody, serve(t, tunnel), "proxy", "Bad Gateway"},
		"it refuses without a word":            {secure.URL, serve(t, raw("HTTP/1.1 403 \r\n\r\n")), "proxy", "the connection was refused"},
		"it refuses in its own words":          {secure.URL, serve(t, raw("HTTP/1.1 403 Blocked by ACL 7\r\n\r\n")), "proxy", "Blocked by ACL 7"},
		"it wants credentials":                 {secure.URL, serve(t, answer(407, "")), "proxy_credentials", "Proxy Authentication Required"},
		"it connects, and TLS fails":           {secure.URL, serve(t, tunnel), "tls", ""},
		"it connects to what is no TLS":        {as("https", plain), serve(t, tunnel), "tls_plain_http", ""},
		"it passes on a 407 as a plain answer": {plain, serve(t, answer(407, "")), "front_proxy_credentials", ""},
	}
	for _, status := range []int{301, 400, 401, 403, 404, 405, 429, 500, 502, 503, 504} {
		tests[fmt.Sprint("it refuses with ", status)] = test{secure.URL, serve(t, answer(status, html)), "proxy", http.StatusText(status)}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, err := range callBoth(t, test.target, throughProxy(test.proxy)) {
				want := Proxy
				switch {
				case strings.HasPrefix(test.key, "tls"):
					want = TLS
				case test.key == "front_proxy_credentials":
					want = HTTPStatus
				}
				e := wantReason(t, err, want)
				assert.Equal(t, test.key, e.Hint.Key())
				assert.ErrorContains(t, err, test.said)
				assert.NotContains(t, words(e), "Check that Rocket.Chat is running")
				if want == Proxy {
					assert.Equal(t, Nobody, e.Answered)
				}
			}
		})
	}
	for endpoint, err := range callBoth(t, secure.URL, trust(secure), throughProxy(serve(t, tunnel))) {
		assert.NoError(t, err, endpoint)
	}
}

func TestACallOverTheWrongProtocolOrWithoutACertificateSaysSo(t *testing.T) {
	secure := serveTLS(t, answer(200, both))
	wants := func(version uint16) string {
		return serveTLS(t, answer(200, both), func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: version, MaxVersion: version}
		}).URL
	}
	for name, test := range map[string]struct {
		url, key string
		reason   Reason
	}{
		"http to a TLS port of Go":       {strings.Replace(secure.URL, "https", "http", 1), "front_https", HTTPStatus},
		"http to a TLS port of OpenSSL":  {serve(t, raw("\x15\x03\x01\x00\x02\x02\x46")), "tls_expected", TLS},
		"https to a plain port":          {strings.Replace(serve(t, answer(200, both)), "http", "https", 1), "tls_plain_http", TLS},
		"https to SSH":                   {"https" + strings.TrimPrefix(greet(t, "SSH-2.0-OpenSSH_9.2p1\r\n"), "tcp"), "tls_plain_http", TLS},
		"no client certificate, TLS 1.2": {wants(tls.VersionTLS12), "tls_refused", TLS},
		"no client certificate, TLS 1.3": {wants(tls.VersionTLS13), "tls_client_certificate", TLS},
		"a certificate for another name": {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), "tls", TLS},
		"an unknown host":                {"http://no..such.host", "unknown_host", Connection},
		"nothing listens":                {"http://" + nobody, "broken", Connection},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range callBoth(t, test.url, trust(secure)) {
				assert.Equal(t, test.key, wantReason(t, err, test.reason).Hint.Key(), err)
			}
		})
	}
}

// greet returns the address of a server that speaks first, as tcp://host:port.
func greet(t *testing.T, text string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, text)
			io.ReadFull(conn, make([]byte, 1))
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return "tcp://" + listener.Addr().String()
}

func TestATimeoutSaysForWhatItWaitedAndHowLong(t *testing.T) {
	nothing := func(ctx context.Context, _, _ string) (net.Conn, error) { // as a firewall that drops packets
		<-ctx.Done()
		return nil, ctx.Err()
	}
	resolving := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		here, there := net.Pipe() // to a name server that does not answer
		context.AfterFunc(t.Context(), func() { there.Close() })
		context.AfterFunc(ctx, func() { there.Close() })
		go io.Copy(io.Discard, there)
		return here, nil
	}}}
	hangs := serve(t, silence)
	secure := serveTLS(t, answer(200, both))
	for name, test := range map[string]struct {
		url, key, said string
		dial           dialFunc
		change         func(*Config)
	}{
		"no answer":                                {hangs, "no_answer no_selection", "no answer within ", newDialer().DialContext, nil},
		"the name is not resolved":                 {"http://chat.example.com:3000", "no_name", "the host name was not resolved within ", resolving.DialContext, nil},
		"no connection":                            {"http://192.0.2.1:3000", "no_connection", "no connection within ", nothing, nil},
		"the handshake hangs":                      {"https://" + listen(t), "no_answer", "no answer within ", newDialer().DialContext, nil},
		"the proxy hangs":                          {secure.URL, "no_proxy", "no connection through the proxy within ", newDialer().DialContext, throughProxy(hangs)},
		"an HTTP proxy waits for more than socks5": {secure.URL, "no_proxy", "no connection through the proxy within ", newDialer().DialContext, throughProxy(strings.Replace(hangs, "http", "socks5", 1))},
		"no connection to a proxy":                 {secure.URL, "no_proxy", "no connection through the proxy within ", nothing, throughProxy("http://192.0.2.1:3128")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newClient(t, test.url).cfg
			if test.change != nil {
				test.change(&cfg)
			}
			c, err := newWithDial(cfg, test.dial)
			require.NoError(t, err)
			for _, call := range calls {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				err := call(ctx, c)
				cancel()
				reason := Timeout
				if test.key == "no_proxy" {
					reason = Proxy
				}
				e := wantReason(t, err, reason)
				assert.Contains(t, test.key, e.Hint.Key())
				assert.Regexp(t, test.said+`\d+ms$`, err)
				assert.NotContains(t, err.Error(), "context")
			}
		})
	}
}

func TestACallForWhichNoTimeWasLeftSaysSo(t *testing.T) {
	for _, left := range []time.Duration{-150 * time.Millisecond, 0} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		for _, proxy := range []func(*Config){func(*Config) {}, throughProxy("http://" + nobody)} {
			for endpoint, call := range calls {
				err := call(ctx, newClient(t, "http://"+nobody, proxy))
				assert.EqualError(t, err, string(endpoint)+": no time was left for the call")
				assert.Equal(t, stoodStill.key, wantReason(t, err, Timeout).Hint.Key())
			}
		}
	}
}

func TestAFileOfTheSettingsThatVanishedIsNoFaultOfRocketChat(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	secure := serveTLS(t, answer(200, both))
	der, err := x509.MarshalPKCS8PrivateKey(secure.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for name, test := range map[string]struct {
		change func(*Config)
		file   string
		spoil  func(file string)
	}{
		"the token's file": {func(cfg *Config) { cfg.TokenFile = write("token", testToken) }, "token", nil},
		"password_file": {func(cfg *Config) {
			cfg.HTTP.BasicAuth = &config.BasicAuth{Username: "a", PasswordFile: write("password", "b")}
		}, "password", nil},
		"username_file": {func(cfg *Config) {
			cfg.HTTP.BasicAuth = &config.BasicAuth{UsernameFile: write("username", "a"), Password: "b"}
		}, "username", nil},
		"credentials_file": {func(cfg *Config) {
			cfg.HTTP.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: write("credentials", "a")}
		}, "credentials", nil},
		"a file of http_headers": {func(cfg *Config) {
			cfg.HTTP.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-A": {Files: []string{write("header", "a")}}}}
		}, "header", nil},
		"ca_file": {func(cfg *Config) { cfg.HTTP.TLSConfig.CAFile = write("ca", certificate) }, "ca", nil},
		"cert_file": {func(cfg *Config) {
			cfg.HTTP.TLSConfig.CertFile, cfg.HTTP.TLSConfig.KeyFile = write("cert", certificate), write("key", key)
		}, "cert", nil},
		"key_file": {func(cfg *Config) {
			cfg.HTTP.TLSConfig.CertFile, cfg.HTTP.TLSConfig.KeyFile = write("cert", certificate), write("key", key)
		}, "key", nil},
		"a header with a line break": {func(cfg *Config) {
			cfg.HTTP.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-A": {Files: []string{write("broken", "a")}}}}
		}, "X-A", func(string) { write("broken", "a\nb") }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, url := range []string{serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }), secure.URL} {
				c := newClient(t, url, test.change)
				if test.spoil != nil {
					test.spoil(test.file)
				} else {
					require.NoError(t, os.Remove(filepath.Join(dir, test.file)))
				}
				for _, call := range calls {
					e := wantReason(t, call(t.Context(), c), Settings)
					assert.ErrorContains(t, e, test.file)
					assert.Equal(t, Nobody, e.Answered)
					assert.Zero(t, e.Status)
					wantNoToken(t, e)
				}
			}
		})
	}
}
