package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// progress is how far a call has come. The transport reports it from its own goroutines.
type progress struct {
	asked      atomic.Bool  // the transport was asked for a connection, so the settings can be used
	resolving  atomic.Bool  // a host name is being resolved
	connected  atomic.Bool  // something took a connection: the server, or the forward proxy
	handshakes atomic.Int32 // TLS handshakes that began
	failedTLS  atomic.Bool  // one failed, and not because the connection broke
	ready      atomic.Bool  // the request can be written
}

// watch makes a trace report to p.
func (p *progress) watch(trace *httptrace.ClientTrace) {
	trace.GetConn = func(string) { p.asked.Store(true) }
	trace.DNSStart = func(httptrace.DNSStartInfo) { p.resolving.Store(true) }
	trace.DNSDone = func(httptrace.DNSDoneInfo) { p.resolving.Store(false) }
	trace.ConnectDone = func(_, _ string, err error) { p.connected.Store(p.connected.Load() || err == nil) }
	trace.TLSHandshakeStart = func() { p.handshakes.Add(1) }
	trace.TLSHandshakeDone = func(_ tls.ConnectionState, err error) {
		p.failedTLS.Store(err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET))
	}
}

// broken returns the error of a call without an answer, or with half of one.
func (x *exchange) broken(req *http.Request, err error) *Error {
	ctx := req.Context()
	var proxy *url.URL
	if x.client.proxy != nil {
		proxy, _ = x.client.proxy(req)
	}
	_, isFile := errors.AsType[*fs.PathError](err)
	network, isNetwork := errors.AsType[net.Error](err)
	timeout := ctx.Err() != nil || isNetwork && network.Timeout()
	switch {
	case isFile, !x.progress.asked.Load() && ctx.Err() == nil:
		return x.fail(settingsFailed, x.sanitizeError(err))
	case x.guarded && errors.Is(err, syscall.ETIMEDOUT): // by TCP_USER_TIMEOUT
		return x.fail(undelivered, nil)
	case timeout:
		return x.timedOut(ctx, proxy)
	case x.proxyBroke(req, proxy, err):
		met := proxyFailed
		if err.Error() == http.StatusText(http.StatusProxyAuthRequired) { // net/http returns only the text
			met = proxyCredentials
		}
		return x.fail(met, fmt.Errorf("the forward proxy: %s", cmp.Or(sanitize(err.Error(), x.token), "the connection was refused")))
	default:
		return x.fail(x.notConnected(err), x.sanitizeError(err))
	}
}

// timedOut returns the error of a call that took too long, and says for what it waited.
func (x *exchange) timedOut(ctx context.Context, proxy *url.URL) *Error {
	p, met := &x.progress, noAnswer
	switch {
	case p.ready.Load() && x.call.Endpoint == EndpointFileData:
		met = noSelection
	case p.ready.Load():
	case proxy != nil:
		met = noProxy
	case p.resolving.Load():
		met = noName
	case !p.connected.Load():
		met = noConnection
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return x.fail(met, fmt.Errorf("%s before the call was given up", met.cause))
	}
	took := time.Since(x.started)
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() != nil {
		took = deadline.Sub(x.started)
	}
	unit := 100 * time.Millisecond
	if took < time.Second {
		unit = 10 * time.Millisecond
	}
	if took = took.Round(unit); took <= 0 { // this machine is slow, whatever the call waited for
		return x.fail(stoodStill, errors.New("no time was left for the call"))
	}
	return x.fail(met, fmt.Errorf("%s within %s", met.cause, took))
}

// proxyBroke reports whether a call failed between the exporter and the forward proxy, or because
// the proxy did not connect to the server.
func (x *exchange) proxyBroke(req *http.Request, proxy *url.URL, err error) bool {
	if proxy == nil || x.call.Status != 0 {
		return false
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok && (operation.Op == "proxyconnect" || operation.Op == "socks connect") {
		return true
	}
	if strings.HasPrefix(proxy.Scheme, "socks") {
		return !x.progress.ready.Load() && x.progress.handshakes.Load() == 0
	}
	if req.URL.Scheme == "http" {
		return true // the proxy is at the other end of the connection
	}
	toTheProxy := int32(0) // handshakes
	if proxy.Scheme == "https" {
		toTheProxy = 1
	}
	return x.progress.handshakes.Load() <= toTheProxy
}

// notConnected says what it means that there was no connection, or that it broke.
func (x *exchange) notConnected(err error) finding {
	_, isName := errors.AsType[*net.DNSError](err)
	operation, isOperation := errors.AsType[*net.OpError](err)
	_, isNoTLS := errors.AsType[tls.RecordHeaderError](err)
	alert := isOperation && operation.Op == "remote error" // of TLS
	switch text := err.Error(); {
	case isName:
		return unknownHost
	case errors.Is(err, http.ErrSchemeMismatch), isNoTLS:
		return tlsPlain
	case strings.Contains(text, `malformed HTTP response "\x15\x03`): // the beginning of an alert of TLS
		return tlsExpected
	case alert && (strings.Contains(text, "certificate required") || strings.Contains(text, "bad certificate")):
		return tlsClient
	case alert:
		return tlsRefused
	case x.progress.failedTLS.Load():
		return tlsFailed
	default:
		return broken
	}
}
