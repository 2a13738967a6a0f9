package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"go.uber.org/goleak"
)

// testToken looks like the tokens that Rocket.Chat makes.
const testToken = "Qy7_mS3cr3t-zRk8WvT1pLx9NfHb2JdGc5EaUo4iYwQ"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient returns a client of the workspace at base that is closed with the test.
func newClient(t testing.TB, base string, change ...func(*Config)) *Client {
	t.Helper()
	u, err := ParseURL(base)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		URL: u, UserID: "exporterUser", Token: testToken,
		HTTP: config.DefaultHTTPClientConfig, UserAgent: "rocketchat_import_exporter/test",
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
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

// throughProxy makes a client use a proxy.
func throughProxy(t testing.TB, proxy string) func(*Config) {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *Config) { cfg.HTTP.ProxyConfig = config.ProxyConfig{ProxyURL: config.URL{URL: u}} }
}

// answer returns a handler that sends one reply. Headers are name, value, name, value.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for pair := range slices.Chunk(headers, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// rawServer is a server that does with a connection what no HTTP library would.
type rawServer struct {
	URL      string
	Addr     string
	Requests atomic.Int64 // how many whole requests came
}

// serveRaw starts a server that ends with the test. It reads one request from
// each connection, calls answer, and closes the connection. If answer is nil,
// it never answers.
func serveRaw(t testing.TB, answer func(*net.TCPConn)) *rawServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &rawServer{URL: "http://" + listener.Addr().String(), Addr: listener.Addr().String()}
	over := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				server.Requests.Add(1)
				if answer == nil {
					<-over
					return
				}
				answer(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		close(over)
		listener.Close()
		serving.Wait()
	})
	return server
}

// serveSilent starts a server that accepts connections and never says anything.
func serveSilent(t testing.TB) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// refusingAddr returns an address at which nothing listens.
func refusingAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// endpoints are the two calls, for what must hold for both.
var endpoints = map[Endpoint]func(context.Context, *Client) error{
	EndpointCurrentOperation: func(ctx context.Context, c *Client) error {
		_, err := c.CurrentOperation(ctx)
		return err
	},
	EndpointFileData: func(ctx context.Context, c *Client) error {
		_, err := c.FileData(ctx, time.Time{})
		return err
	},
}

// onBoth runs a test for each of the two calls.
func onBoth(t *testing.T, test func(*testing.T, Endpoint, func(context.Context, *Client) error)) {
	for endpoint, call := range endpoints {
		t.Run(string(endpoint), func(t *testing.T) { test(t, endpoint, call) })
	}
}

// askOperation returns the operation of a server with this reply.
func askOperation(t *testing.T, body string) (*Operation, error) {
	t.Helper()
	got, err := newClient(t, serve(t, answer(200, body))).CurrentOperation(t.Context())
	return got.Operation, err
}

// askFileData returns the selection of a server with this reply.
func askFileData(t *testing.T, body string) (FileData, error) {
	t.Helper()
	return newClient(t, serve(t, answer(200, body))).FileData(t.Context(), time.Time{})
}

// wantReason checks that err is an *Error with that reason and a hint.
func wantReason(t *testing.T, err error, want Reason) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want an *Error with reason %s", err, want)
	}
	if e.Reason != want {
		t.Fatalf("reason is %s, want %s (%v)", e.Reason, want, e)
	}
	if e.Hint == "" {
		t.Errorf("no hint: %v", e)
	}
	return e
}

// recorded returns a recorded reply.
func recorded(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// recordedFiles returns the names of the recorded replies that match pattern.
func recordedFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "recorded", pattern))
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded replies", pattern, err)
	}
	for i, file := range files {
		files[i] = filepath.ToSlash(strings.TrimPrefix(file, filepath.Join("testdata", "recorded")+string(filepath.Separator)))
	}
	return files
}

// known is a count that the server sent.
func known(n int64) OptionalCount { return OptionalCount{Value: n, Known: true} }
