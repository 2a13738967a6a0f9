package client

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

// cutter is a handler that answers both endpoints until cut is set. Then it cuts the
// connection before the first byte of an answer.
type cutter struct {
	cut      atomic.Bool
	mu       sync.Mutex
	requests []*http.Request
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests = append(c.requests, r)
	c.mu.Unlock()
	if c.cut.Load() {
		panic(http.ErrAbortHandler) // net/http closes the connection, or resets the HTTP/2 stream
	}
	answer(200, both)(w, r)
}

// of returns the requests that came for an endpoint.
func (c *cutter) of(endpoint Endpoint) (requests []*http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		if strings.HasSuffix(r.URL.Path, "/"+string(endpoint)) {
			requests = append(requests, r)
		}
	}
	return requests
}

func TestGetImportFileDataIsSentOnceThoughItsConnectionIsCut(t *testing.T) {
	for name, start := range map[string]func(*testing.T, http.HandlerFunc) *Client{
		"over plain HTTP": func(t *testing.T, h http.HandlerFunc) *Client { return newClient(t, serve(t, h)) },
		"over TLS, where HTTP/2 is offered": func(t *testing.T, h http.HandlerFunc) *Client {
			server := serveTLS(t, h)
			return newClient(t, server.URL, trust(server))
		},
	} {
		for _, connectBy := range []time.Duration{0, time.Hour} {
			t.Run(name, func(t *testing.T) {
				var server cutter
				c := start(t, server.ServeHTTP)
				// Earlier calls leave connections on which the transport would repeat a GET.
				for range 3 {
					if _, err := c.CurrentOperation(t.Context()); err != nil {
						t.Fatal(err)
					}
					if _, err := c.FileData(t.Context(), time.Time{}); err != nil {
						t.Fatal(err)
					}
				}
				server.cut.Store(true)
				var by time.Time
				if connectBy != 0 {
					by = time.Now().Add(connectBy)
				}
				_, err := c.FileData(t.Context(), by)
				wantReason(t, err, Connection)
				if errors.Is(err, ErrNotSent) {
					t.Errorf("%v says that nothing was sent", err)
				}
				if n := len(server.of(EndpointFileData)); n != 3+1 {
					t.Errorf("%d requests arrived after the first three, want 1", n-3)
				}
			})
		}
	}
}

func TestGetImportFileDataHasAConnectionOfItsOwnOverHTTP1(t *testing.T) {
	var handler cutter
	server := serveTLS(t, handler.ServeHTTP)
	c := newClient(t, server.URL, trust(server))
	for range 3 {
		if _, err := c.CurrentOperation(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.FileData(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, r := range handler.of(EndpointCurrentOperation) {
		seen[r.RemoteAddr] = true
	}
	if len(seen) != 1 {
		t.Errorf("getCurrentImportOperation used %d connections, want 1", len(seen))
	}
	for _, r := range handler.of(EndpointFileData) {
		if seen[r.RemoteAddr] {
			t.Errorf("the connection from %s was used before", r.RemoteAddr)
		}
		seen[r.RemoteAddr] = true
		if r.Proto != "HTTP/1.1" {
			t.Errorf("it was sent over %s", r.Proto)
		}
	}
}

func TestNothingIsSentWithoutAConnectionInTime(t *testing.T) {
	target := serveRaw(t, func(conn *net.TCPConn) { io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+both) })
	secure := serveTLS(t, answer(200, both))
	proxy := serveRaw(t, nil)
	for name, test := range map[string]struct {
		url    string
		within time.Duration
		change func(*Config)
	}{
		"the time is over":                  {target.URL, -time.Second, func(*Config) {}},
		"the time is over, TLS":             {secure.URL, -time.Second, trust(secure)},
		"the handshake hangs":               {"https://" + serveSilent(t), 20 * time.Millisecond, func(*Config) {}},
		"the proxy's CONNECT hangs":         {"https://" + target.Addr, 20 * time.Millisecond, throughProxy(t, proxy.URL)},
		"the connection is refused":         {"http://" + refusingAddr(t), time.Hour, func(*Config) {}},
		"the host is unknown":               {"http://no..such.host", time.Hour, func(*Config) {}},
		"the certificate is not acceptable": {secure.URL, time.Hour, func(*Config) {}},
	} {
		t.Run(name, func(t *testing.T) {
			var observed atomic.Int64
			c := newClient(t, test.url, test.change, func(cfg *Config) { cfg.Observe = func(Call) { observed.Add(1) } })
			for range 5 {
				got, err := c.FileData(t.Context(), time.Now().Add(test.within))
				if !errors.Is(err, ErrNotSent) || got != (FileData{}) {
					t.Fatalf("got %+v, %v, want ErrNotSent", got, err)
				}
				if !strings.Contains(err.Error(), string(EndpointFileData)) {
					t.Errorf("%q does not name the endpoint", err)
				}
			}
			if n := observed.Load(); n != 0 {
				t.Errorf("%d calls were observed", n)
			}
		})
	}
	if n := target.Requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	if n := proxy.Requests.Load(); n != 5 {
		t.Errorf("the proxy was asked %d times, want 5", n)
	}
}

func TestAConnectionThatIsTooLateIsClosedBeforeTheRequestIsWritten(t *testing.T) {
	c := newClient(t, "http://localhost")
	x := &exchange{client: c, http: c.single, endpoint: EndpointFileData, connectBy: time.Now().Add(-time.Second)}
	gaveUp := make(chan struct{})
	req, err := x.request(t.Context(), func() { close(gaveUp) })
	if err != nil {
		t.Fatal(err)
	}
	<-gaveUp
	near, far := net.Pipe()
	defer far.Close()
	near.SetWriteDeadline(time.Unix(1, 0)) // nobody reads
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{Conn: near})
	if _, err := near.Write([]byte("GET")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing returns %v, want a closed connection", err)
	}
	if x.connected.Load() {
		t.Error("the connection counts as in time")
	}
}

func TestWithoutABoundAConnectionThatIsRefusedIsAFailure(t *testing.T) {
	_, err := newClient(t, "http://"+refusingAddr(t)).FileData(t.Context(), time.Time{})
	wantReason(t, err, Connection)
	if errors.Is(err, ErrNotSent) {
		t.Errorf("got %v", err)
	}
}

func TestTheBoundOnTheConnectionIsNoBoundOnTheAnswer(t *testing.T) {
	over := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-over
		answer(200, both)(w, r)
	})
	connectBy := time.Now().Add(time.Second)
	// Answer when the bound has passed: there is nothing else to wait for.
	time.AfterFunc(time.Until(connectBy)+50*time.Millisecond, func() { close(over) })
	if got, err := newClient(t, url).FileData(t.Context(), connectBy); err != nil || !got.Waiting {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestACallThatEndsBeforeTheAnswerIsATimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		ctx, cancel := context.WithCancel(t.Context())
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		if e := wantReason(t, call(ctx, newClient(t, url)), Timeout); e.Status != 0 {
			t.Errorf("status is %d", e.Status)
		}
	})
}

func TestEachCallSaysWhoAsksAndTakesGzip(t *testing.T) {
	headers := make(chan http.Header, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		answer(200, both)(w, r)
	})
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		if err := call(t.Context(), newClient(t, url)); err != nil {
			t.Fatal(err)
		}
		got := <-headers
		for name, want := range map[string]string{
			"X-User-Id": "exporterUser", "X-Auth-Token": testToken, "User-Agent": "rocketchat_import_exporter/test",
			"Accept": "application/json", "Accept-Encoding": "gzip",
		} {
			if got.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, got.Get(name), want)
			}
		}
	})
}

func TestObserveIsCalledOnceForEachCall(t *testing.T) {
	plain := `{"users":[],"channels":[],"message_count":0,"operation":{"_id":"a","status":"s"},"success":true,"x":"` + strings.Repeat("x", 1<<16) + `"}`
	var zipped strings.Builder
	zip := gzip.NewWriter(&zipped)
	io.WriteString(zip, plain)
	zip.Close()
	if zipped.Len() > len(plain)/10 {
		t.Fatal("the reply does not shrink")
	}
	cut := serveRaw(t, func(conn *net.TCPConn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\"")
	})
	for name, test := range map[string]struct {
		url  string
		want Call
	}{
		"a reply":            {serve(t, answer(200, plain)), Call{Status: 200, Bytes: int64(len(plain))}},
		"a gzip reply":       {serve(t, answer(200, zipped.String(), "Content-Encoding", "gzip")), Call{Status: 200, Bytes: int64(zipped.Len())}},
		"a refusal":          {serve(t, answer(403, "{}", "X-RateLimit-Remaining", "9")), Call{Status: 403, Bytes: 2, RateLimitRemaining: known(9)}},
		"none remaining":     {serve(t, answer(429, "", "X-RateLimit-Remaining", "0")), Call{Status: 429, RateLimitRemaining: known(0)}},
		"less than none":     {serve(t, answer(429, "", "X-RateLimit-Remaining", "-3")), Call{Status: 429, RateLimitRemaining: known(0)}},
		"remaining is text":  {serve(t, answer(429, "", "X-RateLimit-Remaining", "few")), Call{Status: 429}},
		"no answer":          {"http://" + refusingAddr(t), Call{}},
		"half a reply":       {cut.URL, Call{Status: 200, Bytes: 10}},
		"a redirect":         {serve(t, answer(302, "", "Location", "/login")), Call{Status: 302}},
		"a misguided header": {serve(t, answer(200, "no", "Content-Encoding", "gzip")), Call{Status: 200, Bytes: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				var got []Call
				call(t.Context(), newClient(t, test.url, func(cfg *Config) { cfg.Observe = func(c Call) { got = append(got, c) } }))
				if len(got) != 1 {
					t.Fatalf("observed %+v, want one call", got)
				}
				if got[0].Duration <= 0 {
					t.Errorf("it took %v", got[0].Duration)
				}
				want := test.want
				want.Endpoint, want.Duration = endpoint, got[0].Duration
				if got[0] != want {
					t.Errorf("observed %+v\nwant     %+v", got[0], want)
				}
			})
		})
	}
}

func TestAGzipReplyIsDecodedAsAPlainOne(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		io.WriteString(zip, recorded(t, "filedata-user_selection.json"))
		zip.Close()
	})
	got, err := newClient(t, url).FileData(t.Context(), time.Time{})
	if err != nil || got.Selection == nil || got.Selection.Users != known(12) || got.Selection.Messages != known(40) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAClientIsSafeForConcurrentUse(t *testing.T) {
	var calls atomic.Int64
	c := newClient(t, serve(t, answer(200, both)), func(cfg *Config) { cfg.Observe = func(Call) { calls.Add(1) } })
	var all sync.WaitGroup
	for range 8 {
		for _, call := range endpoints {
			all.Go(func() {
				if err := call(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if calls.Load() != 16 {
		t.Errorf("%d calls were observed, want 16", calls.Load())
	}
}

func TestNewRefusesAnHTTPConfigurationThatCannotBeUsed(t *testing.T) {
	cfg := Config{URL: &url.URL{Scheme: "http", Host: "localhost"}, HTTP: config.DefaultHTTPClientConfig}
	cfg.HTTP.TLSConfig = config.TLSConfig{CA: "no certificate"}
	if _, err := New(cfg); err == nil {
		t.Error("no error")
	}
}
