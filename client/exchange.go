package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exchange is one call: a request and its answer.
type exchange struct {
	client     *Client
	transport  http.RoundTripper
	connection *connection
	buffer     int // bytes of the reply that are read at a time
	call       Call
	guarded    bool // the call is the read of a look

	token    string // that is sent; empty until it is read
	asked    moment // just before the first byte of the request was written
	answer   OperationAnswer
	started  time.Time
	progress progress
}

// reply is a struct to decode the body of a 200 into.
type reply interface {
	head() *envelope
	check() error // an error if a reply that is no refusal has no usable answer
}

// do sends the request and decodes the body of a 200 into r. It returns an
// [*Error], or an error that wraps [ErrNotSent].
func (x *exchange) do(ctx context.Context, r reply) error {
	if err := x.readToken(); err != nil {
		return err
	}
	x.started = time.Now()
	err := x.send(x.request(ctx), r)
	if err != nil && x.guarded && x.call.Status == 0 && !x.connection.maySent() {
		return x.notSent(x.whyNotSent(err))
	}
	if x.client.cfg.Observe != nil {
		x.call.Duration = time.Since(x.started)
		x.client.cfg.Observe(x.call)
	}
	return err
}

// close closes the connection, and what the transport keeps beside it.
func (x *exchange) close() {
	(&http.Client{Transport: x.transport}).CloseIdleConnections()
	x.connection.close()
}

// readToken reads the token, unless a read sends the token of its look.
func (x *exchange) readToken() (err error) {
	switch file := x.client.cfg.TokenFile; {
	case x.token != "":
	case file != "":
		x.token, err = ReadToken(file)
	default:
		x.token, err = ParseToken(x.client.cfg.Token)
	}
	if err == nil {
		return nil
	}
	return x.fail(badTokenFile, fmt.Errorf("reading the token: %w", err))
}

// whyNotSent says why the request of a read was not written, or only in part: because of err.
func (x *exchange) whyNotSent(err error) finding {
	known, ok := errors.AsType[*Error](err)
	switch {
	case x.connection.isLate():
		return stoodStill
	case ok && known.Reason == Timeout:
		return noAnswer // the caller waits no longer
	default:
		return closedEarly
	}
}

// request returns the request.
func (x *exchange) request(ctx context.Context) *http.Request {
	trace := &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			x.progress.ready.Store(true)
			x.asked = now()
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { x.connection.wroteRequest() },
	}
	x.progress.watch(trace)
	base := x.client.cfg.URL.JoinPath("/") // JoinPath leaves a path without a first slash as it is
	return (&http.Request{
		Method: http.MethodGet,
		URL:    base.JoinPath(apiPath, string(x.call.Endpoint)),
		Header: http.Header{
			"X-User-Id":       {x.client.cfg.UserID},
			"X-Auth-Token":    {x.token},
			"Accept":          {"application/json"},
			"Accept-Encoding": {"gzip"},
			"Cache-Control":   {"no-cache"}, // a cached step may be outdated
		},
	}).WithContext(httptrace.WithClientTrace(ctx, trace))
}

// send sends the request and reads the answer.
func (x *exchange) send(req *http.Request, r reply) error {
	// RoundTrip and not Do: Do may follow a redirect, which would send
	// X-Auth-Token to any host, and it fails on a Location that is no URL.
	resp, err := x.transport.RoundTrip(req)
	if err != nil {
		return x.broken(req, err)
	}
	defer resp.Body.Close()
	x.connection.answered()
	x.note(resp)
	body := &wire{body: resp.Body}
	defer func() { x.call.Bytes = body.bytes }()

	if resp.StatusCode != http.StatusOK {
		return x.refused(readRefusal(resp, body))
	}
	return x.take(resp, body, r)
}

// take decodes the body of a 200 into r.
func (x *exchange) take(resp *http.Response, body *wire, r reply) error {
	if age := resp.Header.Get("Age"); age != "" && age != "0" {
		e := x.fail(cached, nil)
		e.Answered = InFront
		return e
	}
	stream, err := content(body, resp.Header, x.buffer)
	if err == nil {
		err = decode(stream, maxReply, r)
	}
	refused := err == nil && r.head().Success.value == no
	if err == nil && !refused {
		err = r.check()
	}
	switch {
	case body.err != nil:
		return x.broken(resp.Request, body.err)
	case refused:
		return x.refused(newRefusal(resp, *r.head()))
	case err != nil:
		return x.unusable(newRefusal(resp, *r.head()), err)
	default:
		x.answer.Took = x.asked.age()
		return nil
	}
}

// note keeps what the head of an answer says.
func (x *exchange) note(resp *http.Response) {
	x.answer.AskedAt, x.answer.AnsweredAt = x.asked.monotonic, time.Now()
	x.answer.Instance = label(resp.Header.Get(instanceHeader), x.token)
	x.answer.ServerTime, _ = http.ParseTime(resp.Header.Get("Date"))
	x.call.Status = resp.StatusCode
	if n, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Remaining"), 10, 64); err == nil {
		x.call.RateLimitRemaining = OptionalCount{Value: max(n, 0), Known: true}
	}
	if reset, own := rateLimitReset(resp.Header, x.answer.AnsweredAt); own && !x.answer.ServerTime.IsZero() {
		x.call.RateLimitWait = reset.Sub(x.answer.ServerTime)
	}
}

// sanitizeError returns err as a short text without the token, which net/http
// and jsontext may quote from a broken answer.
func (x *exchange) sanitizeError(err error) error {
	// The full texts of both contain the names on the way to the value.
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = fmt.Errorf("%w, at byte %d", syntax.Err, syntax.ByteOffset)
	} else if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		err = fmt.Errorf("%w, at byte %d", cmp.Or(semantic.Err, errWrongKind), semantic.ByteOffset)
	}
	return errors.New(sanitize(err.Error(), x.token))
}
