package rocketchatsim

import (
	"net/http"
	"path"
	"sync"
	"time"
)

// Clock is a clock that only its owner moves, for Config.Now. It is safe for
// concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Front stands between a client and a server, as a proxy does, and answers some
// endpoints itself. It is safe for concurrent use.
type Front struct {
	next http.Handler

	mu      sync.Mutex
	answers map[string]http.HandlerFunc
}

// NewFront returns a front that passes everything on to next.
func NewFront(next http.Handler) *Front {
	return &Front{next: next, answers: map[string]http.HandlerFunc{}}
}

// ServeHTTP answers with what [Front.Intercept] set, or else passes the request on.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	answer := f.answers[path.Base(r.URL.Path)]
	f.mu.Unlock()
	if answer == nil {
		answer = f.next.ServeHTTP
	}
	answer(w, r)
}

// Intercept makes answer answer an endpoint; nil passes it on again.
func (f *Front) Intercept(endpoint string, answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[endpoint] = answer
}

// Hold keeps requests for an endpoint waiting. arrived receives a value for each
// request that arrives; release passes them, and all later ones, on.
func (f *Front) Hold(endpoint string) (arrived <-chan struct{}, release func()) {
	arrivals, released := make(chan struct{}, 100), make(chan struct{})
	f.Intercept(endpoint, func(w http.ResponseWriter, r *http.Request) {
		arrivals <- struct{}{}
		select {
		case <-released:
			f.next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	return arrivals, sync.OnceFunc(func() { close(released) })
}
