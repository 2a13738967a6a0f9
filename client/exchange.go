package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// exchange is one call: a request, and the answer as far as it came.
type exchange struct {
	client   *Client
	http     *http.Client
	endpoint Endpoint
	// connectBy is when a connection must stand for the request to be sent; zero for no bound.
	connectBy time.Time

	token      string // what was sent
	answeredAt time.Time
	handshake  atomic.Bool // a TLS handshake failed
	connected  atomic.Bool // a connection stood in time
}

// do sends the request and hands the content of a 200 to decode. It returns an
// [*Error], or what wraps [ErrNotSent].
func (x *exchange) do(ctx context.Context, decode func(*decoder) (refusal, error)) error {
	token, err := x.client.token()
	if err != nil {
		return &Error{
			Endpoint: x.endpoint, Reason: Unauthorized, err: fmt.Errorf("reading the token: %w", err),
			Hint: "Make the token's file readable and put the token into it.",
		}
	}
	x.token = token

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := x.request(ctx, cancel)
	if err != nil {
		return x.failure(ctx, err)
	}
	call := Call{Endpoint: x.endpoint}
	start := time.Now()
	err = x.send(req, &call, decode)
	if err != nil && x.guarded() && !x.connected.Load() {
		return fmt.Errorf("%s: %w: %w", x.endpoint, ErrNotSent, err)
	}
	if x.client.cfg.Observe != nil {
		call.Duration = time.Since(start)
		x.client.cfg.Observe(call)
	}
	return err
}

// guarded reports whether this is a read of the selection that is to harm nothing.
func (x *exchange) guarded() bool { return !x.connectBy.IsZero() }

// request makes the request. Its trace calls giveUp if no connection stands by
// connectBy.
func (x *exchange) request(ctx context.Context, giveUp context.CancelFunc) (*http.Request, error) {
	trace := &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			x.handshake.Store(err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET))
		},
	}
	if x.guarded() {
		tooLate := time.AfterFunc(time.Until(x.connectBy), giveUp)
		// The transport writes the request after this returns, and cannot
		// write it to a connection that is closed.
		trace.GotConn = func(got httptrace.GotConnInfo) {
			if tooLate.Stop() && time.Now().Before(x.connectBy) {
				x.connected.Store(true)
				return
			}
			got.Conn.Close()
		}
	}
	url := x.client.cfg.URL.JoinPath(apiPath, string(x.endpoint))
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-User-Id", x.client.cfg.UserID)
	req.Header.Set("X-Auth-Token", x.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	// What a cache on the way remembers of the step may be over.
	req.Header.Set("Cache-Control", "no-cache")
	return req, nil
}

// send sends the request and reads the answer. It fills in call.
func (x *exchange) send(req *http.Request, call *Call, decode func(*decoder) (refusal, error)) error {
	// Not Do, which may follow a redirect: that would hand X-Auth-Token to
	// whatever host it names. It also fails on a Location that is no URL.
	resp, err := x.http.Transport.RoundTrip(req)
	if err != nil {
		return x.failure(req.Context(), err)
	}
	defer resp.Body.Close()
	x.answeredAt = time.Now()
	body := &wire{body: resp.Body}
	defer func() { call.Bytes = body.bytes }()
	call.Status = resp.StatusCode
	call.RateLimitRemaining = rateLimitRemaining(resp.Header)

	if resp.StatusCode != http.StatusOK {
		return refused(x.endpoint, resp, readRefusal(resp, body), x.token)
	}
	if age := resp.Header.Get("Age"); age != "" && age != "0" {
		return &Error{
			Endpoint: x.endpoint, Status: resp.StatusCode, Reason: Decode, err: errors.New("a cache answered, with what may be over"),
			Hint: "Have the cache in front of Rocket.Chat leave " + apiPath + " alone.",
		}
	}
	read := otherRead
	if x.endpoint == ImportFileData {
		read = selectionRead
	}
	stream, err := content(body, resp.Header, read)
	said := refusal{}
	if err == nil {
		said, err = decode(newDecoder(stream))
	}
	switch {
	case body.err != nil:
		e := x.failure(req.Context(), body.err)
		e.Status = resp.StatusCode
		return e
	case err != nil:
		return &Error{
			Endpoint: x.endpoint, Status: resp.StatusCode, Reason: Decode, err: x.plain(err),
			Hint: "This is not what Rocket.Chat's API answers: check that the URL leads to it and not to a login or error page.",
		}
	case said.refused():
		return refused(x.endpoint, resp, said, x.token)
	default:
		return nil
	}
}

// failure makes the error of a call that was not answered, or not to the end.
func (x *exchange) failure(ctx context.Context, err error) *Error {
	e := &Error{Endpoint: x.endpoint, err: x.plain(err)}
	var network net.Error
	var operation *net.OpError
	switch {
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		e.Reason = Timeout
		e.Hint = "Rocket.Chat did not answer in time: look at its load, and raise --rocketchat.timeout and Prometheus's scrape_timeout."
		if x.guarded() {
			e.Hint = "Rocket.Chat builds a large selection slowly: look at its load, or raise --import.file-data-timeout."
		}
	case x.handshake.Load(), errors.As(err, &operation) && operation.Op == "remote error":
		e.Reason = TLS
		e.Hint = "Check the certificate, the host name and the http or https of the URL; a CA of your own goes into the HTTP client settings, as tls_config."
	default:
		e.Reason = Connection
		e.Hint = "Check that Rocket.Chat is running and that the URL's host and port can be reached from here."
	}
	return e
}

// plain is err as a short text without the token: what net/http and jsontext
// say of a broken answer quotes it.
func (x *exchange) plain(err error) error {
	// jsontext would also quote the names that lead to the place.
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
		err = fmt.Errorf("%w, at byte %d", syntax.Err, syntax.ByteOffset)
	}
	return errors.New(quotable(err.Error(), x.token))
}

// rateLimitRemaining reads X-RateLimit-Remaining; unknown where it is missing
// or no number.
func rateLimitRemaining(h http.Header) Number {
	n, err := strconv.ParseInt(h.Get("X-RateLimit-Remaining"), 10, 64)
	return Number{Value: max(n, 0), Known: err == nil}
}
