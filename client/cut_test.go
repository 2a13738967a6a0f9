package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cutter cuts a connection after some bytes of one direction.
type cutter struct {
	net.Listener // passes connections on to the server
	server       string

	after   int  // bytes
	answers bool // the bytes of the answers count, and not those of the requests
	reset   bool // and not FIN
	opened  int  // connections
}

// serve passes connections on, one at a time, and returns when the listener is closed. It reports
// whether it cut the last one.
func (c *cutter) serve() (cut bool) {
	for {
		client, err := c.Accept()
		if err != nil {
			return cut
		}
		c.opened++
		server, err := net.Dial("tcp", c.server)
		if err != nil {
			client.Close()
			continue
		}
		cut = c.pass(client.(*net.TCPConn), server.(*net.TCPConn))
	}
}

func (c *cutter) pass(client, server *net.TCPConn) (cut bool) {
	counted, other := [2]*net.TCPConn{client, server}, [2]*net.TCPConn{server, client}
	if c.answers {
		counted, other = other, counted
	}
	var otherWay sync.WaitGroup
	otherWay.Go(func() {
		io.Copy(other[1], other[0])
		other[1].Close()
	})
	n, _ := io.CopyN(counted[1], counted[0], int64(c.after))
	cut = int(n) == c.after
	for _, conn := range []*net.TCPConn{client, server} {
		if cut && c.reset {
			conn.SetLinger(0)
		}
		conn.Close()
	}
	otherWay.Wait()
	return cut
}

// arrivals counts requests by the first part of their path, which names the run, and by endpoint.
type arrivals struct {
	mu sync.Mutex
	n  map[string]int
}

func (a *arrivals) handle(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.n[strings.Split(r.URL.Path, "/")[1]+" "+path.Base(r.URL.Path)]++
	a.mu.Unlock()
	answer(200, both)(w, r)
}

// cutConn is cut on this side, so that the client knows which bytes it could not send.
type cutConn struct {
	*net.TCPConn
	cut  *cutter
	left *atomic.Int64 // bytes
}

// end ends the connection.
func (c cutConn) end() error {
	if c.cut.reset {
		c.SetLinger(0)
	}
	c.Close()
	return syscall.EPIPE
}

func (c cutConn) Write(b []byte) (int, error) {
	left := c.left.Load()
	if c.cut.answers {
		return c.TCPConn.Write(b)
	}
	if int64(len(b)) <= left {
		c.left.Add(-int64(len(b)))
		return c.TCPConn.Write(b)
	}
	n, _ := c.TCPConn.Write(b[:left])
	c.left.Store(0)
	return n, c.end()
}

func (c cutConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if !c.cut.answers {
		return c.TCPConn.Read(b)
	}
	if left == 0 {
		return 0, c.end()
	}
	n, err := c.TCPConn.Read(b[:min(int64(len(b)), left)])
	c.left.Add(-int64(n))
	return n, err
}

// cutHere makes a client's connections end on this side, and returns whether one did.
func (c *cutter) cutHere(client *Client) (cut func() bool) {
	dial, left := client.dial, new(atomic.Int64)
	left.Store(int64(c.after))
	client.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.opened++
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return cutConn{conn.(*net.TCPConn), c, left}, nil
	}
	return func() bool { return left.Load() == 0 }
}

// cutOnTheWay makes a client's connections go through the cutter.
func (c *cutter) cutOnTheWay(t *testing.T, client *Client) (cut func() bool) {
	c.server = client.cfg.URL.Host
	var err error
	c.Listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan bool)
	go func() { done <- c.serve() }()
	dial := client.dial
	client.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, c.Addr().String())
	}
	return func() bool {
		c.Close()
		return <-done
	}
}

// Whatever breaks when, a request arrives at most once, and one that "was not sent" never does.
func TestARequestArrivesAtMostOnceWhereverTheConnectionIsCut(t *testing.T) {
	const handshakeSent, handshakeReceived = 330, 1100 // bytes that carry no request
	for name, test := range map[string]struct {
		here         bool // cut on this side, or on the way
		secure       bool
		header       int // bytes of a long header; 0 for none
		by           int // every how many bytes the connection is cut
		requestsOnly bool
	}{
		"http":                               {true, false, 0, 1, false},
		"http, on the way":                   {false, false, 0, 1, false},
		"TLS":                                {true, true, 0, 7, false},
		"TLS, on the way":                    {false, true, 0, 29, false},
		"5,000 bytes of headers":             {true, false, 5_000, 101, true},
		"20,000 bytes of headers, TLS":       {true, true, 20_000, 503, true},
		"20,000 bytes of headers on the way": {false, false, 20_000, 2003, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := &arrivals{n: map[string]int{}}
			server := httptest.NewServer(http.HandlerFunc(got.handle))
			firstSent, firstReceived := 0, 0
			if test.secure {
				server.Close()
				server = serveTLS(t, got.handle)
				firstSent, firstReceived = handshakeSent, handshakeReceived
			}
			runs := map[string]error{}
			try := func(c *cutter) (cut bool) {
				run := fmt.Sprintf("after-%d-%t-%t", c.after, c.answers, c.reset)
				cut, runs[run] = c.run(t, server, run, test.header, test.here)
				assert.LessOrEqual(t, c.opened, 1, "connections")
				return cut
			}
			for _, reset := range []bool{false, true} {
				for after := firstSent; try(&cutter{after: after, reset: reset}); {
					after += test.by
				}
				for after := firstReceived; !test.requestsOnly && try(&cutter{after: after, reset: reset, answers: true}); {
					after += test.by
				}
			}
			server.Close() // waits for what is under way
			notSent := got.check(t, runs)
			t.Logf("%d runs, %d not sent", len(runs), notSent)
			assert.True(t, notSent > 0 || !test.here)
		})
	}
}

// run looks and reads once. It reports whether the connection was cut, and how the read ended.
func (c *cutter) run(t *testing.T, server *httptest.Server, run string, header int, here bool) (cut bool, err error) {
	client := newClient(t, server.URL+"/"+run, func(cfg *Config) {
		if server.Certificate() != nil {
			trust(server)(cfg)
		}
		if header > 0 {
			cfg.HTTP.HTTPHeaders = headerOf(header)
		}
	})
	var wasCut func() bool
	if here {
		wasCut = c.cutHere(client)
	} else {
		wasCut = c.cutOnTheWay(t, client)
	}
	l, err := client.Look(t.Context())
	if err == nil {
		_, err = read(t, l)
	}
	return wasCut(), err
}

// check checks what arrived of each run, and returns how many reads were not sent.
func (a *arrivals) check(t *testing.T, runs map[string]error) (notSent int) {
	for run, err := range runs {
		assert.LessOrEqual(t, a.n[run+" "+string(EndpointCurrentOperation)], 1, run)
		reads := a.n[run+" "+string(EndpointFileData)]
		assert.LessOrEqual(t, reads, 1, run)
		if errors.Is(err, ErrNotSent) {
			assert.Zero(t, reads, run)
			notSent++
		}
	}
	return notSent
}
