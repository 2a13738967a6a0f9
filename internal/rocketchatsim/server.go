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
	"io"
	"net/http"
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
	// Now is the server's clock, which sets _updatedAt and the Date header; nil
	// means time.Now. It may be called at any time from any goroutine.
	Now func() time.Time
	// RateLimit is how many calls an endpoint takes from one address in one
	// RateWindow; 0 means 10 and a negative number means no limit.
	RateLimit int
	// RateWindow is 60 s if it is 0.
	RateWindow time.Duration
	// PrepareTime is how long a wiped import takes to be prepared again. With 0
	// it is over before the call that wiped it is answered. The call itself is
	// always answered at once.
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
	limiter   rateLimiter
	operation *operation // the newest import, or nil
	lastID    int
	pending   []event // earliest first
	requests  map[string]int
	writes    map[Write]int
	messages  []Message
}

// New returns a workspace that behaves as config says.
func New(config Config) *Server {
	config.BasePath = strings.TrimSuffix(config.BasePath, "/")
	if config.Generation == (Generation{}) {
		config.Generation = Latest
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.RateLimit == 0 {
		config.RateLimit = 10
	}
	if config.RateWindow == 0 {
		config.RateWindow = time.Minute
	}
	return &Server{
		config:   config,
		date:     config.Now,
		users:    map[string]*user{},
		limiter:  rateLimiter{config.RateLimit, config.RateWindow, map[caller]*window{}},
		requests: map[string]int{},
		writes:   map[Write]int{},
	}
}

// SetDate makes clock the one that sets the Date header of each answer, as a proxy
// with a clock of its own does; nil leaves the header out. At first it is
// Config.Now.
func (s *Server) SetDate(clock func() time.Time) {
	s.lock()
	defer s.mu.Unlock()
	s.date = clock
}

// Requests returns how many requests for the endpoint have arrived, refused ones
// included.
func (s *Server) Requests(endpoint string) int {
	s.lock()
	defer s.mu.Unlock()
	return s.requests[endpoint]
}

// ServeHTTP answers as Rocket.Chat does: it looks at the token first, then at the
// rate limit, then at the permission.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Not with the server locked: the rest of the body may be long in coming.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		raw(http.StatusRequestEntityTooLarge, `{"success":false,"error":"The body is too large or broke off"}`).send(w)
		return
	}
	s.answer(r, body, w.Header()).send(w)
}

// answer decides on the reply and sets its headers.
func (s *Server) answer(r *http.Request, body []byte, header http.Header) reply {
	s.lock()
	defer s.mu.Unlock()
	header["Date"] = nil // which keeps net/http from setting one
	if s.date != nil {
		header.Set("Date", s.date().UTC().Format(http.TimeFormat))
	}
	name, found := strings.CutPrefix(r.URL.Path, s.config.BasePath+"/api/v1/")
	endpoint, known := s.endpoint(name)
	if found && known {
		s.requests[name]++
	}
	if s.front != nil {
		return s.front.reply(header)
	}
	if !found || !known {
		return noSuchEndpoint(http.StatusNotFound)
	}
	if r.Method != endpoint.method {
		header.Set("Allow", endpoint.method)
		return noSuchEndpoint(http.StatusMethodNotAllowed)
	}
	u := s.authenticate(r)
	if u == nil {
		return raw(http.StatusUnauthorized, s.config.Generation.unauthorized)
	}
	if s.config.RateLimit > 0 && !u.permissions[BypassRateLimit] {
		if wait := s.limiter.take(name, r, s.now(), header); wait > 0 {
			return tooManyRequests(wait)
		}
	}
	if endpoint.permission != "" && !u.permissions[endpoint.permission] {
		return s.config.Generation.forbidden.reply(header)
	}
	return endpoint.answer(r.Header.Get(userIDHeader), body)
}

// endpoint is one route. answer is called with the server locked.
type endpoint struct {
	method     string
	permission Permission // "" where none is needed
	answer     func(userID string, body []byte) reply
}

func (s *Server) endpoint(name string) (endpoint, bool) {
	switch name {
	case GetImportFileData:
		return endpoint{http.MethodGet, RunImport, s.getImportFileData}, true
	case GetCurrentImportOperation:
		return endpoint{http.MethodGet, RunImport, s.getCurrentImportOperation}, true
	case ChatPostMessage:
		return endpoint{http.MethodPost, "", s.postMessage}, true
	}
	return endpoint{}, false
}

func (s *Server) now() time.Time { return s.config.Now() }

// lock takes the lock and catches up with what was due until now.
func (s *Server) lock() {
	s.mu.Lock()
	s.catchUp()
}
