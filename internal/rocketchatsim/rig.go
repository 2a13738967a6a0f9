package rocketchatsim

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Clock is a clock that only its owner moves, for Config.Now. It is safe for concurrent use.
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

// Intercept makes answer answer an endpoint in Rocket.Chat's place, as a proxy does.
// Nothing happens to the import, and nothing is counted, unless answer calls
// [Server.Answer]. nil passes requests on again.
func (s *Server) Intercept(endpoint string, answer http.HandlerFunc) {
	s.do(func() { s.intercepted[endpoint] = answer })
}

// Hold keeps requests for an endpoint waiting. arrived receives a value for each
// request that arrives; release passes them, and all later ones, on.
func (s *Server) Hold(endpoint string) (arrived <-chan struct{}, release func()) {
	arrivals, released := make(chan struct{}, 100), make(chan struct{})
	s.Intercept(endpoint, func(w http.ResponseWriter, r *http.Request) {
		arrivals <- struct{}{}
		select {
		case <-released:
			s.Answer(w, r)
		case <-r.Context().Done():
		}
	})
	return arrivals, sync.OnceFunc(func() { close(released) })
}

// Fronts returns what a proxy or a firewall in front of Rocket.Chat answers, by name,
// for Intercept. None of it says anything about the token or the permission.
func Fronts() map[string]http.HandlerFunc {
	page := func(status int, heading string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="internal"`)
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, "<!DOCTYPE html><html><body><h1>%s</h1></body></html>", heading)
		}
	}
	return map[string]http.HandlerFunc{
		"403 page of a firewall": page(403, "Request blocked"),
		"401 basic auth":         page(401, "Authorization required"),
		"502 page":               page(502, "Bad gateway"),
	}
}
