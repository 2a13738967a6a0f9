// Package client calls the two endpoints of Rocket.Chat's import API: it asks
// which import a workspace has and what is staged for it.
//
// The caller decides whether getImportFileData may be called: in the wrong step of an import this
// call wipes the import. The client sends it at most once, at most a second after the look that the
// caller decided by, and over that look's connection.
package client

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/common/config"
)

// apiPath is the path of the API, relative to a workspace's base URL.
const apiPath = "/api/v1/"

// Endpoint is the name of an endpoint, as in its URL.
type Endpoint string

// The endpoints that are called. Both are GET, and exist since Rocket.Chat 3.0.0.
const (
	// EndpointCurrentOperation returns the record of the newest import. It never writes.
	EndpointCurrentOperation Endpoint = "getCurrentImportOperation"
	// EndpointFileData returns the selection. In most steps it writes.
	EndpointFileData Endpoint = "getImportFileData"
)

// Config is what a client needs to call one workspace.
type Config struct {
	// URL is the workspace's base URL, as [ParseURL] returns it. It may have a path.
	URL *url.URL
	// UserID is sent as X-User-Id.
	UserID string
	// Token is sent as X-Auth-Token. TokenFile is read for each call instead, if set.
	Token, TokenFile string
	// HTTP configures TLS, proxy and further headers. Redirects are never followed.
	HTTP      config.HTTPClientConfig
	UserAgent string
	// Observe, if set, is called once after each call, except a call that ended
	// in [ErrNotSent]. It may be called concurrently.
	Observe func(Call)
}

// Call describes one finished call.
type Call struct {
	Endpoint Endpoint
	// Status is the HTTP status, or 0 without an answer.
	Status int
	// Duration is the time from the start of the call to the end of its body.
	Duration time.Duration
	// Bytes is how much of the body was read, before decompression.
	Bytes int64
	// RateLimitRemaining is X-RateLimit-Remaining.
	RateLimitRemaining OptionalCount
	// RateLimitWait is how long after the answer's Date header X-RateLimit-Reset is; 0 without both.
	RateLimitWait time.Duration
}

// Client calls one workspace, each time over a new connection. It is safe for concurrent use.
type Client struct {
	cfg   Config
	dial  dialFunc
	proxy func(*http.Request) (*url.URL, error) // nil without a forward proxy
}

// New returns a client. It fails only if the HTTP configuration is not usable.
func New(cfg Config) (*Client, error) { return newWithDial(cfg, newDialer().DialContext) }

func newWithDial(cfg Config, dial dialFunc) (*Client, error) {
	c := &Client{cfg: cfg, dial: dial, proxy: cfg.HTTP.Proxy()}
	_, err := c.transport(newConnection(dial))
	return c, err
}

// newDialer returns the dialer of connections. It sends no keep-alive probes: a lost one would end a
// slow read, because of TCP_USER_TIMEOUT.
func newDialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: -1} }

// transport returns a transport that has only this connection.
func (c *Client) transport(conn *connection) (http.RoundTripper, error) {
	// Over HTTP/2, a rejected client certificate looks like a broken connection.
	return config.NewRoundTripperFromConfig(c.cfg.HTTP, "rocketchat",
		config.WithUserAgent(c.cfg.UserAgent), config.WithHTTP2Disabled(), config.WithDialContextFunc(config.DialContextFunc(conn.dial)))
}

// open returns the first exchange over a new connection. Close it. It reads the files of the HTTP
// configuration anew. Its error is an [*Error].
func (c *Client) open(endpoint Endpoint, buffer int) (*exchange, error) {
	conn := newConnection(c.dial)
	x := &exchange{client: c, connection: conn, buffer: buffer, call: Call{Endpoint: endpoint}}
	var err error
	if x.transport, err = c.transport(conn); err != nil {
		return nil, x.fail(settingsFailed, x.sanitizeError(err))
	}
	return x, nil
}

// Look is an answer of getCurrentImportOperation, and the connection over which it came. Close it,
// or read the selection, which closes it.
type Look struct {
	OperationAnswer
	exchange *exchange
}

// Look calls getCurrentImportOperation (3.0 to 8.x), which never writes, over a connection of its
// own. Its error is an [*Error].
func (c *Client) Look(ctx context.Context) (*Look, error) {
	x, err := c.open(EndpointCurrentOperation, 4<<10)
	if err != nil {
		return nil, err
	}
	var r operationReply
	if err := x.do(ctx, &r); err != nil {
		x.close()
		return nil, err
	}
	x.answer.Operation = r.Operation.value.operation(x.token)
	return &Look{x.answer, x}, nil
}

// Close closes the look's connection. It may be called more than once, and for nil.
func (l *Look) Close() {
	if l != nil {
		l.exchange.close()
	}
}

// FileData calls getImportFileData (3.0 to 8.x) over the look's connection, which it closes. In most
// steps of an import this call wipes what is staged: see [StepUserSelection]. Call it at most once.
//
// The request is written at most once, and at most a second after the look's question. If not all of
// it was written, the error wraps [ErrNotSent]. Other errors are an [*Error], which may wrap
// [ErrNoOperation]. FileData calls written once, as soon as the request was written or never will be.
func (l *Look) FileData(ctx context.Context, written func()) (FileData, error) {
	x := &exchange{
		client: l.exchange.client, transport: l.exchange.transport, connection: l.exchange.connection,
		buffer: selectionBuffer, call: Call{Endpoint: EndpointFileData}, token: l.exchange.token, guarded: true,
	}
	defer x.close()
	once := sync.OnceFunc(written)
	defer once()
	if err := x.connection.guard(l.exchange.asked, once); err != nil {
		return FileData{}, x.notSent(x.whyNotSent(err))
	}
	return x.fileData(ctx)
}

// selectionBuffer is how many bytes of a selection are read at a time.
const selectionBuffer = 64 << 10

// FileData calls getImportFileData as [Look.FileData] does, but over a new connection and in
// whatever step the import is. Its error is an [*Error].
func (c *Client) FileData(ctx context.Context) (FileData, error) {
	x, err := c.open(EndpointFileData, selectionBuffer)
	if err != nil {
		return FileData{}, err
	}
	defer x.close()
	return x.fileData(ctx)
}

func (x *exchange) fileData(ctx context.Context) (FileData, error) {
	var r fileDataReply
	err := x.do(ctx, &r)
	data := FileData{Instance: x.answer.Instance}
	switch {
	case err != nil:
	case r.Waiting.value == yes:
		data.Waiting = true
	default:
		data.Selection = r.selection()
	}
	return data, err
}
