// Package rocketchatsim is a simulated Rocket.Chat workspace: the two endpoints that show a data
// import, as four generations of the server answer them, and the one that receives a message.
//
// A wrong call of getImportFileData does to the simulated import what it does to a
// real one, and Writes counts it. Time is read from one clock and nothing runs in
// the background: the server catches up with its script when somebody looks. A test
// may move an injected clock by an hour and ask again.
package rocketchatsim

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// The endpoints, as Requests and the path below /api/v1/ spell them.
const (
	GetImportFileData         = "getImportFileData"
	GetCurrentImportOperation = "getCurrentImportOperation"
	ChatPostMessage           = "chat.postMessage"
)

// Config says what kind of server to simulate.
type Config struct {
	// Generation is the server's age; the zero value means Latest.
	Generation Generation
	// BasePath is a path that the workspace's URL carries, such as "/chat".
	BasePath string
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// RateLimit is how many calls an endpoint takes in a minute; 0 means 10 and a
	// negative number means no limit.
	RateLimit int
	// PrepareTime is how long a wiped import takes to be prepared again. The call
	// that wiped it is answered at once.
	PrepareTime time.Duration
}

// Server is a simulated workspace. It starts with no user, so that every call is refused, and no
// import. Its methods may be called at any time from any goroutine.
type Server struct {
	config Config

	mu          sync.Mutex
	date        func() time.Time            // nil for no Date header
	intercepted map[string]http.HandlerFunc // by endpoint
	users       map[string]*user
	windows     map[string]*window // of the rate limit, by endpoint
	operation   *operation         // the newest import, or nil
	lastID      int
	pending     []event // of the operation, earliest first
	requests    map[string]int
	writes      map[Write]int
	messages    []Message
}

// New returns a workspace that behaves as config says.
func New(config Config) *Server {
	config.Generation = cmp.Or(config.Generation, Latest)
	config.RateLimit = cmp.Or(config.RateLimit, 10)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Server{
		config:      config,
		date:        config.Now,
		intercepted: map[string]http.HandlerFunc{},
		users:       map[string]*user{},
		windows:     map[string]*window{},
		requests:    map[string]int{},
		writes:      map[Write]int{},
	}
}

// SetDate takes the Date header from clock, as if a proxy with another clock sent it. nil leaves
// the header out.
func (s *Server) SetDate(clock func() time.Time) { s.do(func() { s.date = clock }) }

// Requests returns how many requests for the endpoint have arrived, refused ones included.
func (s *Server) Requests(endpoint string) (n int) {
	s.do(func() { n = s.requests[endpoint] })
	return n
}

// ServeHTTP answers as Rocket.Chat does, unless the endpoint is intercepted.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer http.HandlerFunc
	s.do(func() { answer = s.intercepted[path.Base(r.URL.Path)] })
	if answer == nil {
		answer = s.Answer
	}
	answer(w, r)
}

// Answer answers as Rocket.Chat does, even if the endpoint is intercepted.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request) {
	// Before the server is locked: the body may arrive slowly. One that breaks off is no JSON.
	received, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var answer reply
	s.do(func() { answer = s.decide(r, received, w.Header()) })
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	body := bufio.NewWriterSize(w, 32<<10)
	body.WriteString(answer.body)
	if answer.rest != nil {
		answer.rest(body)
	}
	_ = body.Flush() // the client may have hung up
}

// reply is an answer that is decided under the server's lock and written after.
type reply struct {
	status int
	body   string
	// rest writes what follows body and is too large to keep; it may be nil.
	rest func(*bufio.Writer)
}

const (
	// noSuchEndpoint answers a path, or a method, that the server does not have.
	noSuchEndpoint = `{"status":"error","message":"API endpoint does not exist."}`
	// tooManyRequests says how many seconds to wait.
	tooManyRequests = `{"success":false,"error":"Error, too many requests. Wait %.0f seconds before calling this endpoint again. [error-too-many-requests]"}`
)

// text is a reply without a rest.
func text(status int, body string) reply { return reply{status: status, body: body} }

// apiError answers a Meteor error as Rocket.Chat's API renders it.
func apiError(errorType, message, details string) reply {
	return text(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":%q,"errorType":%q,"details":%q}`,
		message+" ["+errorType+"]", errorType, details))
}

// decide returns the reply, and sets the headers that any reply has. It looks at
// the token first, then at the rate limit, then at the permission.
func (s *Server) decide(r *http.Request, body []byte, header http.Header) reply {
	header["Date"] = nil // which keeps net/http from setting one
	if s.date != nil {
		header.Set("Date", s.date().UTC().Format(http.TimeFormat))
	}
	name := strings.TrimPrefix(r.URL.Path, s.config.BasePath+"/api/v1/")
	endpoint, known := endpoints[name]
	if known {
		s.requests[name]++
	}
	switch {
	case !known:
		return text(http.StatusNotFound, noSuchEndpoint)
	case r.Method != endpoint.method:
		return text(http.StatusMethodNotAllowed, noSuchEndpoint)
	}
	userID := r.Header.Get("X-User-Id")
	u := s.users[userID]
	if u == nil || u.token == "" || u.token != r.Header.Get("X-Auth-Token") {
		return text(http.StatusUnauthorized, s.config.Generation.unauthorized)
	}
	if s.config.RateLimit > 0 && !slices.Contains(u.permissions, BypassRateLimit) {
		if wait := s.take(name, header); wait > 0 {
			return text(http.StatusTooManyRequests, fmt.Sprintf(tooManyRequests, math.Ceil(wait.Seconds())))
		}
	}
	if endpoint.permission != "" && !slices.Contains(u.permissions, endpoint.permission) {
		return text(s.config.Generation.forbiddenStatus, s.config.Generation.forbidden)
	}
	return endpoint.answer(s, userID, body)
}

var endpoints = map[string]struct {
	method     string
	permission Permission // "" where none is needed
	answer     func(s *Server, userID string, body []byte) reply
}{
	GetImportFileData:         {http.MethodGet, RunImport, (*Server).getImportFileData},
	GetCurrentImportOperation: {http.MethodGet, RunImport, (*Server).getCurrentImportOperation},
	ChatPostMessage:           {http.MethodPost, "", (*Server).postMessage},
}

func (s *Server) now() time.Time { return s.config.Now() }

// do locks the server, and catches up with what was due until now before it calls f.
func (s *Server) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	f()
}
