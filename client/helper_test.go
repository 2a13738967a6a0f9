package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"testing"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	// testToken looks like the tokens that Rocket.Chat makes.
	testToken = "Qy7_mS3cr3t-zRk8WvT1pLx9NfHb2JdGc5EaUo4iYwQ"
	// both is an answer that suits both endpoints.
	both = `{"success":true,"waiting":true}`
	html = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"

	// nobody is an address at which nothing listens. No server of a test gets its port.
	nobody = "127.0.0.1:1"

	mebibyte = 1 << 20
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient returns a client of the workspace at base.
func newClient(t testing.TB, base string, change ...func(*Config)) *Client {
	t.Helper()
	u, err := ParseURL(base)
	require.NoError(t, err)
	cfg := Config{
		URL: u, UserID: "exporterUser", Token: testToken,
		HTTP: config.DefaultHTTPClientConfig, UserAgent: "rocketchat_import_exporter/test",
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// trust makes a client accept the server's certificate.
func trust(server *httptest.Server) func(*Config) {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return func(cfg *Config) { cfg.HTTP.TLSConfig = config.TLSConfig{CA: string(ca)} }
}

// throughProxy makes a client use a proxy.
func throughProxy(proxy string) func(*Config) {
	u, _ := url.Parse(proxy)
	return func(cfg *Config) { cfg.HTTP.ProxyConfig = config.ProxyConfig{ProxyURL: config.URL{URL: u}} }
}

// serve starts an HTTP server that ends with the test, and returns its URL.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// serveTLS starts an HTTPS server that ends with the test. It offers HTTP/2 too.
func serveTLS(t testing.TB, handler http.HandlerFunc, change ...func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, f := range change {
		f(server)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// answer returns a handler that sends one reply. Headers are name, value, name, value.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for pair := range slices.Chunk(headers, 2) {
			w.Header().Add(pair[0], pair[1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// zipped returns text compressed with gzip.
func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// raw returns a handler that writes what no HTTP library would, and closes the
// connection, with a reset if wanted.
func raw(text string, reset ...bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(conn, text)
		if len(reset) > 0 {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	}
}

// silence is a handler that never answers.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// listen returns an address at which nobody says anything.
func listen(t testing.TB) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// calls are the two calls, for what must hold for both.
var calls = map[Endpoint]func(context.Context, *Client) error{
	EndpointCurrentOperation: func(ctx context.Context, c *Client) error {
		look, err := c.Look(ctx)
		look.Close()
		return err
	},
	EndpointFileData: func(ctx context.Context, c *Client) error {
		_, err := c.FileData(ctx)
		return err
	},
}

// callBoth makes each of the two calls, and returns their errors.
func callBoth(t *testing.T, url string, change ...func(*Config)) map[Endpoint]error {
	t.Helper()
	c := newClient(t, url, change...)
	errs := map[Endpoint]error{}
	for endpoint, call := range calls {
		errs[endpoint] = call(t.Context(), c)
	}
	return errs
}

// askOperation returns the operation of a server with this reply.
func askOperation(t *testing.T, body string) (*Operation, error) {
	t.Helper()
	got, err := newClient(t, serve(t, answer(200, body))).Look(t.Context())
	if err != nil {
		return nil, err
	}
	defer got.Close()
	return got.Operation, nil
}

// look returns a look that is closed with the test.
func look(t testing.TB, c *Client) *Look {
	t.Helper()
	l, err := c.Look(t.Context())
	require.NoError(t, err)
	t.Cleanup(l.Close)
	return l
}

// onlyLooks answers looks, and leaves reads to handler.
func onlyLooks(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == string(EndpointCurrentOperation) {
			answer(200, goodOperation)(w, r)
			return
		}
		handler(w, r)
	}
}

// wantReason checks that err is an *Error, and wraps none, with that reason and a hint.
func wantReason(t *testing.T, err error, want Reason) *Error {
	t.Helper()
	require.IsType(t, (*Error)(nil), err)
	e := err.(*Error)
	require.Equal(t, want, e.Reason, "%v", e)
	require.NotEmpty(t, words(e), "%v", e)
	return e
}

// words is an error's hint, with the settings in brackets.
func words(e *Error) string {
	return e.Hint.Words(func(key string) string { return "<" + key + ">" })
}

// known is a count that the server sent.
func known(n int64) OptionalCount { return OptionalCount{Value: n, Known: true} }
