// Package rocketchatsim is a simulated Rocket.Chat workspace: the two endpoints
// that show a data import, as four generations of the server answer them, and the
// one that receives a message.
//
// A wrong call of getImportFileData does to the simulated import what it does to a
// real one, and Writes counts it. Time is read from one clock and nothing runs in
// the background: the server catches up with its script when somebody looks. A test
// may move an injected clock by an hour and ask again.
package rocketchatsim

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net/http"
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

// Server is a simulated workspace. It starts with no user, so that every call is
// refused, and no import. Its methods may be called at any time from any
// goroutine.
type Server struct {
	config Config

	mu        sync.Mutex
	date      func() time.Time // nil for no Date header
	front     *Answer
	users     map[string]*user
	windows   map[string]*window // of the rate limit, by endpoint
	operation *operation         // the newest import, or nil
	lastID    int
	pending   []event // of the operation, earliest first
	requests  map[string]int
	writes    map[Write]int
	messages  []Message
}

// New returns a workspace that behaves as config says.
func New(config Config) *Server {
	config.Generation = cmp.Or(config.Generation, Latest)
	config.RateLimit = cmp.Or(config.RateLimit, 10)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Server{
		config:   config,
		date:     config.Now,
		users:    map[string]*user{},
		windows:  map[string]*window{},
		requests: map[string]int{},
		writes:   map[Write]int{},
	}
}

// SetDate makes clock set the Date header in place of Config.Now, as a proxy with a
// clock of its own does; nil leaves the header out.
func (s *Server) SetDate(clock func() time.Time) { s.do(func() { s.date = clock }) }

// AnswerWith makes every request get this answer, which does nothing to an import,
// until AnswerWith is called again; nil is Rocket.Chat's own answer.
func (s *Server) AnswerWith(a *Answer) { s.do(func() { s.front = a }) }

// Requests returns how many requests for the endpoint have arrived, refused ones
// included.
func (s *Server) Requests(endpoint string) (n int) {
	s.do(func() { n = s.requests[endpoint] })
	return n
}

// ServeHTTP answers as Rocket.Chat does: it looks at the token first, then at the
// rate limit, then at the permission.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Not with the server locked: the rest of the body may be long in coming. A
	// body that broke off is no JSON.
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var answer reply
	s.do(func() { answer = s.answer(r, body, w.Header()) })
	answer.send(w)
}

// answer decides on the reply, and sets the headers that any reply has.
func (s *Server) answer(r *http.Request, body []byte, header http.Header) reply {
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
	case s.front != nil:
		return reply{Answer: *s.front}
	case !known:
		return text(http.StatusNotFound, noSuchEndpoint)
	case r.Method != endpoint.method:
		return text(http.StatusMethodNotAllowed, noSuchEndpoint)
	}
	u := s.authenticate(r)
	if u == nil {
		return text(http.StatusUnauthorized, s.config.Generation.unauthorized)
	}
	if s.config.RateLimit > 0 && !slices.Contains(u.permissions, BypassRateLimit) {
		if wait := s.take(name, header); wait > 0 {
			return text(http.StatusTooManyRequests, fmt.Sprintf(tooManyRequests, math.Ceil(wait.Seconds())))
		}
	}
	if endpoint.permission != "" && !slices.Contains(u.permissions, endpoint.permission) {
		return reply{Answer: s.config.Generation.forbidden}
	}
	return endpoint.answer(s, r.Header.Get("X-User-Id"), body)
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
