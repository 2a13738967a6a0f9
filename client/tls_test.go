package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

// trust makes a client take the server's certificate.
func trust(server *httptest.Server) func(*Config) {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return func(cfg *Config) { cfg.HTTP.TLSConfig = config.TLSConfig{CA: string(ca)} }
}

const both = `{"success":true,"waiting":true}` // an answer that suits both endpoints

func TestACertificateOfAConfiguredCAIsAccepted(t *testing.T) {
	server := serveTLS(t, answer(200, both))
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		if err := call(t.Context(), newClient(t, server.URL, trust(server))); err != nil {
			t.Error(err)
		}
	})
}

func TestTLSFailuresHaveTheReasonTLS(t *testing.T) {
	wantCertificate := func(version uint16) func(*httptest.Server) {
		return func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MinVersion: version, MaxVersion: version}
		}
	}
	server := serveTLS(t, answer(200, both))
	old := serveTLS(t, answer(200, both), func(s *httptest.Server) { s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} })
	mutual12 := serveTLS(t, answer(200, both), wantCertificate(tls.VersionTLS12))
	mutual13 := serveTLS(t, answer(200, both), wantCertificate(tls.VersionTLS13))
	plain := serve(t, answer(200, both))

	for name, test := range map[string]struct {
		url    string
		change func(*Config)
	}{
		"the CA is unknown":                        {server.URL, func(*Config) {}},
		"the certificate is for another host name": {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), trust(server)},
		"the server speaks plain HTTP":             {strings.Replace(plain, "http:", "https:", 1), func(*Config) {}},
		"the server's TLS is too old":              {old.URL, trust(old)},
		"a client certificate is wanted, TLS 1.2":  {mutual12.URL, trust(mutual12)},
		"a client certificate is wanted, TLS 1.3":  {mutual13.URL, trust(mutual13)},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				e := wantReason(t, call(t.Context(), newClient(t, test.url, test.change)), TLS)
				if e.Status != 0 {
					t.Errorf("status is %d", e.Status)
				}
			})
		})
	}
}

func TestAMissingConnectionHasTheReasonConnection(t *testing.T) {
	hangsUp := serveRaw(t, func(*net.TCPConn) {})
	for name, url := range map[string]string{
		"nothing listens":                      "http://" + refusingAddr(t),
		"nothing listens, TLS":                 "https://" + refusingAddr(t),
		"no such host":                         "http://no..such.host",
		"the server hangs up":                  hangsUp.URL,
		"the server hangs up in the handshake": "https://" + serveHangUp(t),
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				e := wantReason(t, call(t.Context(), newClient(t, url)), Connection)
				if e.Status != 0 {
					t.Errorf("status is %d", e.Status)
				}
			})
		})
	}
}

func TestAHandshakeThatHangsEndsWithTheCall(t *testing.T) {
	url := "https://" + serveSilent(t)
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		wantReason(t, call(ctx, newClient(t, url)), Timeout)
	})
}

// serveHangUp starts a server that closes each connection once something came.
func serveHangUp(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1<<10))
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-over
	})
	return listener.Addr().String()
}

func TestADialEndsAfterTenSeconds(t *testing.T) {
	cfg := newClient(t, serve(t, answer(200, both))).cfg
	dialer := newDialer()
	var deadlines []time.Time
	dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		deadline, _ := ctx.Deadline()
		deadlines = append(deadlines, deadline)
		return nil
	}
	c, err := newWithDialer(cfg, dialer)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := time.Now()
	if _, err := c.CurrentOperation(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FileData(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if len(deadlines) != 2 {
		t.Errorf("%d connections were opened", len(deadlines))
	}
	for _, deadline := range deadlines {
		if deadline.Before(before.Add(10*time.Second)) || deadline.After(time.Now().Add(10*time.Second)) {
			t.Errorf("a dial ends at %v", deadline)
		}
	}
}
