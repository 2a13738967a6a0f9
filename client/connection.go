package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// sendWithin is how long after a look's question its read may be written: the step in the answer
	// may be as old as the question.
	sendWithin = time.Second
	// minUnacknowledged is the shortest time that the kernel gets to deliver a read.
	minUnacknowledged = 100 * time.Millisecond
)

var (
	errClosed = errors.New("the connection was closed")
	errLate   = errors.New("the look was asked too long ago")
)

// connection is the connection of one look and its read. It opens once: Go's transport repeats a
// GET whose reused connection breaks, and must find no other connection for it.
type connection struct {
	open   dialFunc
	ctx    context.Context // of open: the transport goes on dialing when nobody waits any more
	cancel context.CancelFunc

	mu       sync.Mutex
	net.Conn // nil before there is one
	opened   bool
	broke    error // what the last Read met

	writing sync.Mutex // held by each Write, and guards what follows
	guarded bool       // a read is written: each Write looks at the clock
	asked   moment     // when the look was asked
	last    bool       // only what the transport has buffered of the read is left to write
	sent    bool       // the whole read may have been written
	late    bool       // a Write was too late
	written func()     // is called once sent is true
}

// dialFunc opens a connection.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func newConnection(open dialFunc) *connection {
	c := &connection{open: open}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// dial opens the connection. The second call fails.
func (c *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := c.mayOpen(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	conn, err := c.open(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		conn.Close()
		return nil, errClosed
	}
	c.Conn = conn
	return c, nil
}

// mayOpen returns nil once, and then why there is no connection any more.
func (c *connection) mayOpen() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.opened:
		c.opened = true
		return nil
	case c.broke != nil:
		return fmt.Errorf("%w: %w", errClosed, c.broke)
	default:
		return errClosed
	}
}

// close closes the connection for good, also one that is still being opened.
func (c *connection) close() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Conn != nil {
		c.Conn.Close()
	}
}

// guard bounds the read that is written next. It fails if it cannot.
func (c *connection) guard(asked moment, written func()) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.guarded, c.asked, c.written = true, asked, written
	left := max(sendWithin-asked.age(), minUnacknowledged)
	// A Write that blocks must not go on late.
	if err := c.SetWriteDeadline(time.Now().Add(left)); err != nil {
		return err
	}
	return setUserTimeout(c.Conn, left)
}

// Read remembers how the connection broke, which the transport hides when it opens another one.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.broke = err
	}
	return n, err
}

// Write looks at the clock as late as a program can: the program may have stood still since it last
// did. It closes the connection of a read that it cannot write, or that it wrote in part.
func (c *connection) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.guarded {
		return c.Conn.Write(b)
	}
	if c.asked.age() > sendWithin {
		c.late = true
		c.close()
		return 0, errLate
	}
	n, err := c.Conn.Write(b)
	switch {
	case err != nil:
		c.late = errors.Is(err, os.ErrDeadlineExceeded)
		c.close()
	case c.last && !c.sent:
		c.sent = true
		c.written()
	}
	return n, err
}

// wroteRequest tells that the transport has written the read, except for its last bytes: it still
// buffers up to 4 KiB of it. Over TLS these may take several Writes. Only the first of them proves
// something: if it fails, the request is not complete.
func (c *connection) wroteRequest() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.last = c.guarded
}

// answered ends the guard once the request was written: only TLS itself still writes.
func (c *connection) answered() {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.guarded && c.sent {
		c.guarded = false
		c.SetWriteDeadline(time.Time{}) // of a connection that is closed, which does not matter
	}
}

// maySent closes the connection, and reports whether the whole read may have been written. If not,
// it never will be.
func (c *connection) maySent() bool {
	c.close()
	c.writing.Lock() // waits for a Write that is under way
	defer c.writing.Unlock()
	return c.sent
}

// isLate reports whether the read was not written because it was too late.
func (c *connection) isLate() bool {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.late
}

// moment is a moment by two clocks.
type moment struct{ monotonic, wall time.Time }

func now() moment {
	t := time.Now()
	return moment{t, t.Round(0)}
}

// age is how long ago m was, by the clock that went on further: the monotonic clock stands still
// while a machine is suspended, and the wall clock can be set.
func (m moment) age() time.Duration {
	t := now()
	return max(t.monotonic.Sub(m.monotonic), t.wall.Sub(m.wall))
}
