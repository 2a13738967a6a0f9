package rocketchatsim

import (
	"fmt"
	"net/http"
)

// Permission is a Rocket.Chat permission.
type Permission string

const (
	// RunImport is what both endpoints that show an import ask for.
	RunImport Permission = "run-import"
	// BypassRateLimit exempts a user from the rate limit.
	BypassRateLimit Permission = "api-bypass-rate-limit"
)

const (
	userIDHeader = "X-User-Id"
	tokenHeader  = "X-Auth-Token"
)

// user is an account that may call the API.
type user struct {
	token       string
	permissions map[Permission]bool
}

// SetUser adds the user, or replaces the one of the same id. It holds from the
// next request on.
func (s *Server) SetUser(id, token string, permissions ...Permission) {
	s.lock()
	defer s.mu.Unlock()
	u := &user{token: token, permissions: map[Permission]bool{}}
	for _, p := range permissions {
		u.permissions[p] = true
	}
	s.users[id] = u
}

// SetToken replaces the user's token; "" revokes it, so that no token is accepted.
// It panics if there is no such user.
func (s *Server) SetToken(id, token string) {
	s.changeUser(id, func(u *user) { u.token = token })
}

// Grant gives the user a permission. It panics if there is no such user.
func (s *Server) Grant(id string, permission Permission) {
	s.changeUser(id, func(u *user) { u.permissions[permission] = true })
}

// Revoke takes a permission from the user. It panics if there is no such user.
func (s *Server) Revoke(id string, permission Permission) {
	s.changeUser(id, func(u *user) { delete(u.permissions, permission) })
}

func (s *Server) changeUser(id string, change func(*user)) {
	s.lock()
	defer s.mu.Unlock()
	u, ok := s.users[id]
	if !ok {
		panic(fmt.Sprintf("rocketchatsim: no user %q", id))
	}
	change(u)
}

// authenticate returns the user that the request's headers name, or nil.
func (s *Server) authenticate(r *http.Request) *user {
	u, ok := s.users[r.Header.Get(userIDHeader)]
	if !ok || u.token == "" || u.token != r.Header.Get(tokenHeader) {
		return nil
	}
	return u
}
