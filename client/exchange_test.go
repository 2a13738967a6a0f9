package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAnswerThatDoesNotEndEndsWithTheCall(t *testing.T) {
	const (
		short = 250 * time.Millisecond
		long  = 5 * time.Second // is over only if the call waits for the body
	)
	start := func(status int, piece string) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			answer(status, piece, "Connection", "Upgrade", "Upgrade", "websocket")(w, r)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(2 * long):
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	_, err := look(t, newClient(t, serve(t, onlyLooks(silence)))).FileData(ctx, func() {})
	assert.Contains(t, words(wantReason(t, err, Timeout)), "<file_data_timeout>")
	for name, test := range map[string]struct {
		url    string
		within time.Duration
		want   Reason
		status int
	}{
		"no answer":           {serve(t, silence), short, Timeout, 0},
		"no handshake":        {"https://" + listen(t), short, Timeout, 0},
		"nothing yet":         {start(200, ""), short, Timeout, 200},
		"the start of a user": {start(200, `{"users":[{"username":"`), short, Timeout, 200},
		// Half of a body proves nothing.
		"a refusal":         {start(403, `{"success":false,`), short, HTTPStatus, 403},
		"not authorized":    {start(401, `{"error":"`), short, HTTPStatus, 401},
		"too many calls":    {start(429, ""), long, RateLimited, 429},
		"a protocol switch": {start(101, ""), long, HTTPStatus, 101},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, call := range calls {
				ctx, cancel := context.WithTimeout(t.Context(), test.within)
				assert.Equal(t, test.status, wantReason(t, call(ctx, newClient(t, test.url)), test.want).Status)
				assert.Equal(t, test.within == short, ctx.Err() != nil)
				cancel()
			}
		})
	}
}

func TestACallWithoutAWholeAnswerSaysWhatBroke(t *testing.T) {
	const (
		head    = "HTTP/1.1 200 OK\r\n"
		length  = head + "Content-Length: 1000\r\n"
		chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
		half    = `{"success":true,`
	)
	text := func(text string, reset ...bool) string { return serve(t, raw(text, reset...)) }
	secure := func(change *tls.Config) *httptest.Server {
		return serveTLS(t, answer(200, both), func(s *httptest.Server) { s.TLS = change })
	}
	wantCertificate := func(version uint16) string {
		none := x509.NewCertPool()
		return secure(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: none, MinVersion: version, MaxVersion: version}).URL
	}
	hangsUp := func(linger int) string {
		return secure(&tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			hello.Conn.(*net.TCPConn).SetLinger(linger)
			return nil, hello.Conn.Close()
		}}).URL
	}
	trusted := secure(nil)
	for name, test := range map[string]struct {
		url  string
		want Reason
	}{
		"nothing listens":                          {"http://" + nobody, Connection},
		"no such host":                             {"http://no..such.host", Connection},
		"the server hangs up":                      {text(""), Connection},
		"the server hangs up in the handshake":     {hangsUp(-1), Connection},
		"a reset in the handshake":                 {hangsUp(0), Connection},
		"a reset in mid-reply":                     {text(length+"\r\n"+half, true), Connection},
		"another answer":                           {text("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), Connection},
		"half of Content-Length":                   {text(length + "\r\n" + half), Connection},
		"one byte is missing":                      {text(head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(both)+1) + both), Connection},
		"gzip, half of Content-Length":             {text(length + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00"), Connection},
		"half a chunk":                             {text(chunked + "100\r\n" + half), Connection},
		"no last chunk":                            {text(chunked + fmt.Sprintf("%x\r\n%s\r\n", len(both), both)), Connection},
		"half a reply":                             {text(head + "\r\n" + half), Decode},
		"half a reply in whole chunks":             {text(chunked + "10\r\n" + half + "\r\n0\r\n\r\n"), Decode},
		"the certificate is for another host name": {strings.Replace(trusted.URL, "127.0.0.1", "localhost", 1), TLS},
		"the server speaks plain HTTP":             {strings.Replace(serve(t, answer(200, both)), "http:", "https:", 1), TLS},
		"the server's TLS is too old":              {secure(&tls.Config{MaxVersion: tls.VersionTLS11}).URL, TLS},
		"a client certificate is wanted, TLS 1.2":  {wantCertificate(tls.VersionTLS12), TLS},
		"a client certificate is wanted, TLS 1.3":  {wantCertificate(tls.VersionTLS13), TLS},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range callBoth(t, test.url, trust(trusted)) {
				wantReason(t, err, test.want)
			}
		})
	}
	for endpoint, call := range calls {
		assert.NoError(t, call(t.Context(), newClient(t, trusted.URL, trust(trusted))), endpoint)
		wantReason(t, call(t.Context(), newClient(t, trusted.URL)), TLS) // its CA is unknown
	}
}

func TestEachCallIsAGETBelowTheBaseURLThatSaysWhoAsks(t *testing.T) {
	requests := make(chan *http.Request, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		answer(200, both)(w, r)
	})
	for base, want := range map[string]string{"": "", "/": "", "/chat": "/chat", "/chat/": "/chat", "/a/b%2Fc": "/a/b%2Fc"} {
		for endpoint, call := range calls {
			require.NoError(t, call(t.Context(), newClient(t, url+base)))
			got := <-requests
			assert.Equal(t, "GET "+want+"/api/v1/"+string(endpoint), got.Method+" "+got.RequestURI)
			assert.Equal(t, http.Header{
				"X-User-Id": {"exporterUser"}, "X-Auth-Token": {testToken}, "User-Agent": {"rocketchat_import_exporter/test"},
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
				"Cache-Control": {"no-cache"}, // a cached step may be outdated
			}, got.Header)
		}
	}
}

func TestObserveIsCalledOnceForEachCall(t *testing.T) {
	plain := both + strings.Repeat(" ", 1<<16)
	small := zipped(plain)
	for name, test := range map[string]struct {
		url  string
		want Call
	}{
		"a reply":            {serve(t, answer(200, plain)), Call{Status: 200, Bytes: int64(len(plain))}},
		"a gzip reply":       {serve(t, answer(200, small, "Content-Encoding", "gzip")), Call{Status: 200, Bytes: int64(len(small))}},
		"a refusal":          {serve(t, answer(403, "{}", "X-RateLimit-Remaining", "9")), Call{Status: 403, Bytes: 2, RateLimitRemaining: known(9)}},
		"less than none":     {serve(t, answer(429, "", "X-RateLimit-Remaining", "-3")), Call{Status: 429, RateLimitRemaining: known(0)}},
		"remaining is text":  {serve(t, answer(429, "", "X-RateLimit-Remaining", "few")), Call{Status: 429}},
		"no answer":          {serve(t, raw("")), Call{}},
		"half a reply":       {serve(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\"")), Call{Status: 200, Bytes: 10}},
		"a misguided header": {serve(t, answer(200, "no", "Content-Encoding", "gzip")), Call{Status: 200, Bytes: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			for endpoint, call := range calls {
				var got []Call
				call(t.Context(), newClient(t, test.url, func(cfg *Config) { cfg.Observe = func(c Call) { got = append(got, c) } }))
				require.Len(t, got, 1)
				assert.Positive(t, got[0].Duration)
				want := test.want
				want.Endpoint, want.Duration = endpoint, got[0].Duration
				assert.Equal(t, want, got[0])
			}
		})
	}
}

func TestAClientIsSafeForConcurrentUse(t *testing.T) {
	c := newClient(t, serve(t, answer(200, both)))
	var all sync.WaitGroup
	for range 8 {
		for _, call := range calls {
			all.Go(func() { assert.NoError(t, call(t.Context(), c)) })
		}
	}
	all.Wait()
}

func TestADialEndsAfterTenSeconds(t *testing.T) {
	dialer := newDialer()
	before, dials := time.Now(), 0
	dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		deadline, _ := ctx.Deadline()
		assert.WithinRange(t, deadline, before.Add(10*time.Second), time.Now().Add(10*time.Second))
		dials++
		return nil
	}
	c := newClient(t, serve(t, answer(200, both)))
	c.dial = dialer.DialContext
	for _, call := range calls {
		require.NoError(t, call(t.Context(), c))
	}
	assert.Equal(t, 2, dials)
}

func TestNewRefusesAnHTTPConfigurationThatCannotBeUsed(t *testing.T) {
	_, err := New(Config{HTTP: config.HTTPClientConfig{TLSConfig: config.TLSConfig{CA: "no certificate"}}})
	assert.Error(t, err)
}
