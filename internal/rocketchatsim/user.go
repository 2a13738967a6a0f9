package rocketchatsim

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Permission is a Rocket.Chat permission.
type Permission string

const (
	// RunImport is what both endpoints that show an import ask for.
	RunImport Permission = "run-import"
	// BypassRateLimit exempts a user from the rate limit.
	BypassRateLimit Permission = "api-bypass-rate-limit"
)

// user is an account that may call the API.
type user struct {
	token       string
	permissions []Permission
}

// SetUser adds the user, or replaces the one of the same id. It holds from the next request on.
func (s *Server) SetUser(id, token string, permissions ...Permission) {
	s.do(func() { s.users[id] = &user{token, permissions} })
}

// SetToken replaces the user's token; "" revokes it. It panics if there is no such user.
func (s *Server) SetToken(id, token string) { s.do(func() { s.users[id].token = token }) }

// Revoke takes a permission from the user. It panics if there is no such user.
func (s *Server) Revoke(id string, permission Permission) {
	s.do(func() {
		u := s.users[id]
		u.permissions = slices.DeleteFunc(u.permissions, func(p Permission) bool { return p == permission })
	})
}

// window is a minute of the rate limit. Its first call starts it, for all addresses at once.
type window struct {
	ends  time.Time
	calls map[string]int // by address
}

// caller is the address that a call comes from, as Rocket.Chat behind a proxy sees it.
func caller(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return cmp.Or(r.Header.Get("X-Forwarded-For"), host)
}

// take counts one call, sets the X-RateLimit headers and says how long the caller has to wait, if at all.
func (s *Server) take(endpoint, address string, header http.Header) time.Duration {
	w := s.windows[endpoint]
	if w == nil || !s.now().Before(w.ends) {
		w = &window{ends: s.now().Add(time.Minute), calls: map[string]int{}}
		s.windows[endpoint] = w
	}
	w.calls[address]++
	header.Set("X-RateLimit-Limit", strconv.Itoa(s.config.RateLimit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, s.config.RateLimit-w.calls[address])))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(w.ends.UnixMilli(), 10))
	if w.calls[address] <= s.config.RateLimit {
		return 0
	}
	return w.ends.Sub(s.now())
}
