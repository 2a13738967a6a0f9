// Package rocketchatsim is a simulated Rocket.Chat workspace: the five endpoints
// that tell of data imports, as three generations of the server answer them.
//
// A wrong call of getImportFileData does to the simulated import what it does to a
// real one, and Writes counts it. Time is read from one clock and nothing runs in
// the background: whatever is scripted is caught up with when somebody looks, so a
// test may move an injected clock by an hour and ask again.
package rocketchatsim

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// The endpoints, as Requests and the path below /api/v1/ spell them.
const (
	GetImportFileData         = "getImportFileData"
	GetCurrentImportOperation = "getCurrentImportOperation"
	GetImportProgress         = "getImportProgress"
	ImportStatus              = "import.status"
	GetLatestImportOperations = "getLatestImportOperations"
)

// Config says what kind of server to simulate. The zero value is early 3.x.
type Config struct {
	// Generation is the server's age.
	Generation Generation
	// BasePath is a path that the workspace's URL carries, such as "/chat".
	BasePath string
	// Now is the server's clock; nil means time.Now. It may be called at any
	// time from any goroutine.
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
	// FailsWhilePreparing makes getImportFileData set an operation that is being
	// prepared to failed and invalid, as the newest servers can. Latest only.
	FailsWhilePreparing bool
}

// Server is a simulated workspace. It starts with no user, so that every call is
// refused, and no import. Its methods may be called at any time from any
// goroutine.
type Server struct {
	config Config

	mu         sync.Mutex
	users      map[string]*user
	limiter    rateLimiter
	operations []*operation // oldest first
	lastID     int
	pending    []event // earliest first
	requests   map[string]int
	writes     map[Write]int
}

// New returns a workspace that behaves as config says.
func New(config Config) *Server {
	config.BasePath = strings.TrimSuffix(config.BasePath, "/")
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.RateLimit == 0 {
		config.RateLimit = defaultRateLimit
	}
	if config.RateWindow == 0 {
		config.RateWindow = defaultRateWindow
	}
	return &Server{
		config:   config,
		users:    map[string]*user{},
		limiter:  rateLimiter{config.RateLimit, config.RateWindow, map[caller]*window{}},
		requests: map[string]int{},
		writes:   map[Write]int{},
	}
}

// Requests returns how many requests for the endpoint have arrived, those that
// were refused included.
func (s *Server) Requests(endpoint string) int {
	s.lock()
	defer s.mu.Unlock()
	return s.requests[endpoint]
}

// ServeHTTP answers as Rocket.Chat does: first the token is looked at, then the
// rate limit, then the permission.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, found := strings.CutPrefix(r.URL.Path, s.config.BasePath+"/api/v1/")
	if !found {
		noSuchEndpoint(http.StatusNotFound).send(w)
		return
	}
	s.answer(name, r, w.Header()).send(w)
}

// answer decides on the reply and sets its headers.
func (s *Server) answer(name string, r *http.Request, header http.Header) reply {
	s.lock()
	defer s.mu.Unlock()
	endpoint, ok := s.endpoint(name)
	if !ok {
		return noSuchEndpoint(http.StatusNotFound)
	}
	s.requests[name]++
	if name == ImportStatus && s.config.Generation == Early3 {
		return noSuchEndpoint(http.StatusNotFound)
	}
	if r.Method != http.MethodGet {
		header.Set("Allow", http.MethodGet)
		return noSuchEndpoint(http.StatusMethodNotAllowed)
	}
	u := s.authenticate(r)
	if u == nil {
		return unauthorized(s.config.Generation)
	}
	if s.config.RateLimit > 0 && !u.permissions[BypassRateLimit] {
		if wait := s.limiter.take(name, r, s.now(), header); wait > 0 {
			return tooManyRequests(wait)
		}
	}
	if !u.permissions[endpoint.permission] {
		return forbidden(s.config.Generation, name)
	}
	return endpoint.answer()
}

func (s *Server) now() time.Time { return s.config.Now() }

// lock takes the lock and catches up with what was due until now.
func (s *Server) lock() {
	s.mu.Lock()
	s.catchUp()
}
