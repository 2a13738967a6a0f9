package client

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read reads the selection of a look.
func read(t testing.TB, l *Look) (FileData, error) { return l.FileData(t.Context(), func() {}) }

// wantNotSent checks that err says that a read was not sent, and why.
func wantNotSent(t testing.TB, err error, want finding) {
	t.Helper()
	require.ErrorIs(t, err, ErrNotSent)
	var known *Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, want.key, known.Hint.Key(), "%v", err)
}

// tunnel is a forward proxy that passes connections on.
func tunnel(w http.ResponseWriter, r *http.Request) {
	target, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	// The server may have read what the client sent right after the answer.
	conn, read, _ := http.NewResponseController(w).Hijack()
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(conn, target)
		conn.Close()
	})
	both.Go(func() {
		io.Copy(target, read)
		target.Close()
	})
	both.Wait()
}

func TestTheSelectionIsReadOverTheConnectionOfTheLook(t *testing.T) {
	from := make(chan string, 10)
	handle := func(handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			from <- r.RemoteAddr + " " + path.Base(r.URL.Path)
			assert.Equal(t, 1, r.ProtoMajor)
			handler(w, r)
		}
	}
	const instance = "X-Instance-ID"
	plain := handle(answer(200, both, instance, "i1"))
	secure := serveTLS(t, plain)
	chunked := handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(instance, "i1")
		w.Header().Set("Content-Encoding", "gzip")
		for _, piece := range strings.SplitAfter(zipped(both), "") {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	long := func(n int) func(*Config) {
		return func(cfg *Config) { cfg.HTTP.HTTPHeaders = headerOf(n) }
	}
	same := func(*Config) {}
	for name, test := range map[string]struct {
		url    string
		change func(*Config)
	}{
		"http":                     {serve(t, plain), same},
		"TLS":                      {secure.URL, same},
		"HTTP/2 is offered":        {secure.URL, func(cfg *Config) { cfg.HTTP.EnableHTTP2 = true }},
		"chunks of a gzip answer":  {serve(t, chunked), same},
		"5,000 bytes of headers":   {serve(t, plain), long(5_000)},
		"20,000 bytes of headers":  {secure.URL, long(20_000)},
		"a proxy for http":         {"http://chat.example.com", throughProxy(serve(t, plain))},
		"CONNECT":                  {secure.URL, throughProxy(serve(t, tunnel))},
		"a proxy that speaks HTTP": {serve(t, plain), throughProxy(serve(t, plain))},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, test.url, trust(secure), test.change)
			dials := 0
			dial := c.dial
			c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return dial(ctx, network, address)
			}
			l := look(t, c)
			assert.Equal(t, "i1", l.Instance)
			written := 0
			got, err := l.FileData(t.Context(), func() { written++ })
			require.NoError(t, err)
			assert.Equal(t, FileData{Waiting: true, Instance: "i1"}, got)
			remote := strings.Fields(<-from)[0]
			assert.Equal(t, remote+" "+string(EndpointFileData), <-from)

			_, err = l.FileData(t.Context(), func() { written++ })
			wantNotSent(t, err, closedEarly)
			assert.Equal(t, 2, written)
			assert.Equal(t, 1, dials)
			assert.Empty(t, from)
		})
	}
}

// headerOf is one header of n bytes beside those of every call.
func headerOf(n int) *config.Headers {
	return &config.Headers{Headers: map[string]config.Header{"X-Long": {Values: []string{strings.Repeat("x", n)}}}}
}

func TestAReadGoesToTheServerThatAnsweredTheLook(t *testing.T) {
	var asked [2]atomic.Int64 // A is ready, B imports
	backend := func(i int) string {
		u := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked[i].Add(1)
			answer(200, both)(w, r)
		})
		return strings.TrimPrefix(u, "http://")
	}
	addresses := []string{backend(0), backend(1)}
	c := newClient(t, "http://chat.example.com")
	dials := 0
	c.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, addresses[(dials-1)%2])
	}
	_, err := read(t, look(t, c))
	require.NoError(t, err)
	assert.EqualValues(t, 2, asked[0].Load())
	assert.Zero(t, asked[1].Load())
}

func TestAConnectionThatIsClosedAfterTheLookLeadsToNoRead(t *testing.T) {
	const length = "Content-Length: 31\r\n\r\n" + both
	reads := func(handler http.HandlerFunc) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			if path.Base(r.URL.Path) == string(EndpointFileData) {
				t.Error("the selection was asked for")
			}
			handler(w, r)
		})
	}
	for name, test := range map[string]struct {
		url string
		// announced is true if the answer says that the connection ends with it.
		announced bool
	}{
		"Connection: close": {reads(answer(200, both, "Connection", "close")), true},
		"HTTP/1.0":          {reads(raw("HTTP/1.0 200 OK\r\n" + length)), true},
		"no length":         {reads(raw("HTTP/1.1 200 OK\r\n\r\n" + both)), true},
		"without a word":    {reads(raw("HTTP/1.1 200 OK\r\n" + length)), false},
		"a reset":           {reads(raw("HTTP/1.1 200 OK\r\n"+length, true)), false},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := newClient(t, test.url, func(cfg *Config) { cfg.Observe = onlyLooksAreObserved(t) }).Look(t.Context())
			if err != nil {
				assert.Equal(t, "a reset", name)
				return // it came before the answer was read
			}
			for !test.announced && !l.exchange.connection.isBroken() {
				runtime.Gosched() // until the close arrives
			}
			_, err = read(t, l)
			wantNotSent(t, err, closedEarly)
		})
	}
}

func onlyLooksAreObserved(t *testing.T) func(Call) {
	return func(call Call) { assert.Equal(t, EndpointCurrentOperation, call.Endpoint) }
}

// isBroken reports whether a Read failed.
func (c *connection) isBroken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broke != nil
}

func TestThoseWhoWaitAreWokenWhenTheReadIsWritten(t *testing.T) {
	over := make(chan struct{})
	url := serve(t, onlyLooks(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
		answer(200, both)(w, r)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // is over only if nobody is woken
	defer cancel()
	got, err := look(t, newClient(t, url)).FileData(ctx, func() { close(over) })
	require.NoError(t, err)
	assert.True(t, got.Waiting)
}

func TestNoConnectionOutlivesItsLookOrRead(t *testing.T) {
	for name, use := range map[string]func(*Client) error{
		"a look that is closed": func(c *Client) error {
			l, err := c.Look(t.Context())
			l.Close()
			l.Close()
			return err
		},
		"a read": func(c *Client) error {
			l, err := c.Look(t.Context())
			require.NoError(t, err)
			_, err = read(t, l)
			return err
		},
		"an unguarded read": func(c *Client) error {
			_, err := c.FileData(t.Context())
			return err
		},
	} {
		for _, status := range []int{200, 500} {
			t.Run(name, func(t *testing.T) {
				closed := make(chan struct{})
				server := httptest.NewUnstartedServer(answer(status, both))
				server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateClosed {
						close(closed)
					}
				}
				server.Start()
				defer server.Close()
				if status == 200 || name == "an unguarded read" {
					assert.Equal(t, status == 200, use(newClient(t, server.URL)) == nil)
				} else {
					_, err := newClient(t, server.URL).Look(t.Context())
					assert.Error(t, err)
				}
				<-closed
			})
		}
	}
}

func TestADialThatNobodyWaitsForEnds(t *testing.T) {
	c := newClient(t, "http://chat.example.com")
	dialing, ended := make(chan struct{}), make(chan struct{})
	c.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialing)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-dialing
		cancel()
	}()
	_, err := c.Look(ctx)
	wantReason(t, err, Timeout)
	<-ended
}

func TestADialThatEndsAfterTheConnectionWasClosedLeavesNoneOpen(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	var c *connection
	c = newConnection(func(ctx context.Context, _, _ string) (net.Conn, error) {
		c.close()
		<-ctx.Done()
		assert.ErrorIs(t, ctx.Err(), context.Canceled)
		return near, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // is over only if the dial goes on
	defer cancel()
	_, err := c.dial(ctx, "", "")
	assert.ErrorIs(t, err, errClosed)
	far.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = far.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
}

func TestAnOlderOrASlowAnswerOrTwoInstancesAreErrorsThatSayWhatToDo(t *testing.T) {
	assert.Equal(t, Outdated, wantReason(t, ErrOlderAnswer, Outdated).Reason)
	wantNotSent(t, ErrSlowLook, slowLook)
	wantNotSent(t, ErrSeveralInstances, instances)
}
