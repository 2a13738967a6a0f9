package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ago is a moment that long ago by the clocks.
func ago(monotonic, wall time.Duration) moment {
	m := now()
	return moment{m.monotonic.Add(-monotonic), m.wall.Add(-wall)}
}

func TestALookOfASecondAgoLeadsToNoReadWhicheverClockSaysSo(t *testing.T) {
	for _, test := range []struct {
		asked moment
		read  bool
	}{
		{ago(900*time.Millisecond, 0), true},
		{ago(time.Second, 0), false}, // the wall clock was set back
		{ago(0, time.Second), false}, // the machine was suspended
		{ago(-time.Hour, -time.Hour), true},
	} {
		var arrived atomic.Int64
		url := serve(t, onlyLooks(func(w http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			answer(200, both)(w, r)
		}))
		l := look(t, newClient(t, url, func(cfg *Config) { cfg.Observe = nil }))
		age := test.asked.age() // the test may be slow
		l.exchange.asked = test.asked
		_, err := read(t, l)
		if test.read && age < 950*time.Millisecond {
			assert.Equal(t, err == nil, arrived.Load() == 1)
		} else if !test.read {
			wantNotSent(t, err, stoodStill)
			assert.Zero(t, arrived.Load())
		}
	}
}

func TestTheTimeOfALookBeginsBeforeItsQuestionAndEndsWithItsAnswer(t *testing.T) {
	var asked, answered time.Time
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = time.Now()
		w.Write([]byte(" "))
		w.(http.Flusher).Flush()
		<-time.After(20 * time.Millisecond)
		answered = time.Now()
		io.WriteString(w, goodOperation)
	})
	c := newClient(t, url)
	dial := c.dial
	var connected time.Time
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		defer func() { connected = time.Now() }()
		return dial(ctx, network, address)
	}
	l := look(t, c)
	assert.WithinRange(t, l.AskedAt, connected, asked)
	assert.GreaterOrEqual(t, l.Took, answered.Sub(l.AskedAt))
	assert.LessOrEqual(t, l.Took, time.Since(l.AskedAt))
}

// slowConn lets the clock go on after some Writes of a read.
type slowConn struct {
	*net.TCPConn
	writes func()
}

func (c slowConn) Write(b []byte) (int, error) {
	defer c.writes()
	return c.TCPConn.Write(b)
}

// The program may be frozen between any two Writes of a request.
func TestEachWriteOfAReadLooksAtTheClock(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, header := range []int{0, 5_000, 20_000} {
			t.Run(fmt.Sprintf("TLS %t, %d bytes of headers", secure, header), func(t *testing.T) {
				whole := lateAfter(t, secure, header, -1)
				require.NoError(t, whole.err)
				assert.Equal(t, 1, whole.arrived)
				for n := range whole.writes {
					got := lateAfter(t, secure, header, n)
					require.Error(t, got.err, "late after %d of %d writes", n, whole.writes)
					assert.Zero(t, got.arrived)
					assert.Equal(t, n, got.writes)
					// Over TLS, the last 4 KiB are several Writes, and only the first is known to be not the last.
					if !secure || n < whole.writes-4 {
						wantNotSent(t, got.err, stoodStill)
					}
				}
			})
		}
	}
}

type lateRead struct {
	err             error
	writes, arrived int
}

// lateAfter makes a read that is too late after n Writes.
func lateAfter(t *testing.T, secure bool, header, n int) (got lateRead) {
	var arrived atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == string(EndpointFileData) {
			arrived.Add(1)
		}
		answer(200, both)(w, r)
	}
	server := serveTLS(t, handler)
	url := server.URL
	if !secure {
		url = serve(t, handler)
	}
	c := newClient(t, url, trust(server), func(cfg *Config) {
		if header > 0 {
			cfg.HTTP.HTTPHeaders = headerOf(header)
		}
	})
	dial := c.dial
	var l *Look
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return slowConn{conn.(*net.TCPConn), func() {
			if l == nil || arrived.Load() > 0 {
				return // the look, or TLS ending the connection
			}
			if got.writes++; got.writes == n {
				l.exchange.connection.asked = ago(2*sendWithin, 0)
			}
		}}, err
	}
	l = look(t, c)
	if n == 0 {
		l.exchange.asked = ago(2*sendWithin, 0)
	}
	_, got.err = read(t, l)
	got.arrived = int(arrived.Load())
	return got
}

func TestAWriteThatIsLateOrBlocksEndsWithTheSecondAndClosesTheConnection(t *testing.T) {
	for _, age := range []time.Duration{sendWithin - minUnacknowledged, 2 * sendWithin} {
		near, far := net.Pipe() // nobody reads
		defer time.AfterFunc(10*time.Second, func() { far.Close() }).Stop()
		defer far.Close()
		c := newConnection(func(context.Context, string, string) (net.Conn, error) { return near, nil })
		_, err := c.dial(t.Context(), "", "")
		require.NoError(t, err)
		c.guard(ago(age, 0), func() {}) // it fails where there should be TCP_USER_TIMEOUT, which a pipe lacks
		c.wroteRequest()
		_, err = c.Write([]byte("GET"))
		assert.Error(t, err)
		assert.ErrorIs(t, c.ctx.Err(), context.Canceled)
		assert.False(t, c.maySent())
		assert.True(t, c.isLate())
	}
}

func TestAnAnswerEndsTheBoundOnWrites(t *testing.T) {
	for _, written := range []bool{true, false} {
		l := look(t, newClient(t, serve(t, onlyLooks(silence))))
		c := l.exchange.connection
		require.NoError(t, c.guard(now(), func() {}))
		if written {
			c.wroteRequest()
		}
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\n")
		require.NoError(t, err)
		c.asked = ago(2*sendWithin, 0)
		c.SetWriteDeadline(time.Unix(1, 0))
		c.answered()
		_, err = io.WriteString(c, "\r\n")
		assert.Equal(t, written, err == nil, "%v", err)
	}
}

func TestTheFirstByteOfAnAnswerEndsTheBoundOnWrites(t *testing.T) {
	var l *Look
	guarded := func() bool {
		l.exchange.connection.writing.Lock()
		defer l.exchange.connection.writing.Unlock()
		return l.exchange.connection.guarded
	}
	l = look(t, newClient(t, serve(t, onlyLooks(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for guarded() && r.Context().Err() == nil {
			runtime.Gosched()
		}
		io.WriteString(w, both)
	}))))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // is over only if the bound does not end
	defer cancel()
	_, err := l.FileData(ctx, func() {})
	require.NoError(t, err)
}

func TestAReadThatWasNotSentNeverWillBe(t *testing.T) {
	l := look(t, newClient(t, serve(t, onlyLooks(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }))))
	c := l.exchange.connection
	require.NoError(t, c.guard(now(), func() {}))
	require.False(t, c.maySent())
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	assert.Error(t, err)
}

// givenUpConn is a connection that the kernel gives up when it ends.
type givenUpConn struct{ *net.TCPConn }

func (c givenUpConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if err != nil {
		err = &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	}
	return n, err
}

func TestAReadThatTheNetworkLosesMayHaveArrivedAndSaysSo(t *testing.T) {
	c := newClient(t, serve(t, onlyLooks(raw(""))))
	dial := c.dial
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return givenUpConn{conn.(*net.TCPConn)}, err
	}
	_, err := read(t, look(t, c))
	assert.Equal(t, undelivered.key, wantReason(t, err, Timeout).Hint.Key())
}
