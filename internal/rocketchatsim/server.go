// Package rocketchatsim is a simulated Rocket.Chat workspace: the two endpoints that show a data
// import, as four generations of the server answer them, and the one that receives a message.
//
// A wrong call of getImportFileData does to the simulated import what it does to a real one, and Writes
// counts it. Nothing runs in the background: the server catches up with its script and its clock,
// which a test may inject, when somebody looks.
package rocketchatsim

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
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
	// BasePath is a path that the workspace's URL carries, such as "/chat". On 7.x and 8.x a
	// proxy in front strips it.
	BasePath string
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// RateLimit is how many calls an endpoint takes in a minute; 0 means 10, and less no limit.
	RateLimit int
	// PrepareTime is how long it takes to prepare a wiped import again, after the call's answer.
	PrepareTime time.Duration
}

// Server is a simulated workspace. It starts with no user, so that every call is refused, and no
// import. Its methods may be called at any time from any goroutine.
type Server struct {
	zips   sync.Pool // of *gzip.Writer
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
	instances   []string // that run, by X-Instance-ID
	started     int      // how many were started so far
	answers     int      // that were given so far
}

// New returns a workspace that behaves as config says.
func New(config Config) *Server {
	config.Generation = cmp.Or(config.Generation, Latest)
	config.RateLimit = cmp.Or(config.RateLimit, 10)
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Server{
		config: config, date: config.Now, intercepted: map[string]http.HandlerFunc{}, users: map[string]*user{},
		windows: map[string]*window{}, requests: map[string]int{}, writes: map[Write]int{},
	}
	s.startInstance()
	return s
}

// SetDate takes the Date header from clock, as a proxy may. nil leaves the header out.
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
	s.do(func() {
		s.setHeaders(w.Header())
		answer = s.decide(r, received, w.Header())
	})
	var out io.Writer = w
	if !s.config.Generation.hono && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		zipped, made := s.zips.Get().(*gzip.Writer) // a new one costs more than the rest of an answer
		if !made {
			zipped = gzip.NewWriter(w)
		}
		zipped.Reset(w)
		defer s.zips.Put(zipped)
		defer zipped.Close()
		out = zipped
	}
	w.WriteHeader(answer.status)
	if r.Method == http.MethodHead {
		out = io.Discard
	}
	body := bufio.NewWriterSize(out, 32<<10)
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
	// noSuchEndpoint answers a method that an endpoint does not have.
	noSuchEndpoint = `{"status":"error","message":"API endpoint does not exist"}`
	// page answers every other path: it is the application.
	page = "<!DOCTYPE html>\n<html>\n<head>\n<title>Rocket.Chat</title>\n</head>\n<body>\n<div id=\"react-root\"></div>\n</body>\n</html>\n"
	// tooManyRequests says how many seconds to wait.
	tooManyRequests = `{"success":false,"error":"Error, too many requests. Please slow down. ` +
		`You must wait %.0f seconds before trying this endpoint again. [error-too-many-requests]"}`
)

// text is a reply without a rest.
func text(status int, body string) reply { return reply{status: status, body: body} }

// apiError answers a Meteor error of an endpoint as Rocket.Chat's API renders it.
func (s *Server) apiError(errorType, message, endpoint string) reply {
	details := strconv.Quote(endpoint)
	if s.config.Generation.detailsObject {
		details = `{"method":` + details + `}`
	}
	return text(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":%q,"errorType":%q,"details":%s}`,
		message+" ["+errorType+"]", errorType, details))
}

// setHeaders sets the headers that every answer has.
func (s *Server) setHeaders(header http.Header) {
	header["Date"] = nil // which keeps net/http from setting one
	if s.date != nil {
		header.Set("Date", s.date().UTC().Format(http.TimeFormat))
	}
	header.Set("X-Instance-ID", s.instances[s.answers%len(s.instances)])
	s.answers++
	header.Set("X-XSS-Protection", "1")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "sameorigin")
	if s.config.Generation.uuid {
		header.Set("Content-Security-Policy", "default-src 'self'")
		header.Set("Access-Control-Allow-Origin", "*")
	}
	if !s.config.Generation.hono {
		header.Set("Vary", "Accept-Encoding")
	}
}

// decide returns the reply to a request, and sets the headers that depend on it.
func (s *Server) decide(r *http.Request, body []byte, header http.Header) reply {
	name, endpoint, found := s.route(r)
	if found {
		s.requests[name]++
	}
	hono := s.config.Generation.hono
	switch {
	case hono && strings.HasPrefix(r.URL.Path, s.config.BasePath+"/api/") && !(found && (r.Method == endpoint.method || r.Method == http.MethodHead)):
		header.Set("Content-Type", "text/plain; charset=UTF-8")
		return text(http.StatusNotFound, "404 Not Found")
	case !found, !hono && r.Method == http.MethodHead:
		header.Set("Content-Type", "text/html; charset=utf-8")
		if s.config.Generation.uuid {
			header.Set("X-Powered-By", "Express")
		}
		return text(http.StatusOK, page)
	}
	header.Set("Content-Type", "application/json")
	if s.config.Generation.uuid {
		header.Set("Access-Control-Allow-Headers", "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token")
	}
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	if r.Method != endpoint.method && !hono {
		header.Set("Allow", endpoint.method+", OPTIONS")
		return text(http.StatusMethodNotAllowed, noSuchEndpoint)
	}
	userID := r.Header.Get("X-User-Id")
	refusal := s.refuse(r, name, endpoint.permission, header)
	if refusal == nil {
		return endpoint.answer(s, userID, body)
	}
	if hono && refusal.status != http.StatusTooManyRequests {
		header.Del("Cache-Control")
		header.Del("Pragma")
	}
	return *refusal
}

// route returns the endpoint that a request is for. Up to 6.x a slash may be doubled, or end the path.
func (s *Server) route(r *http.Request) (name string, e endpoint, found bool) {
	at := r.URL.Path
	if !s.config.Generation.hono {
		at = path.Clean("/" + at)
	}
	name, found = strings.CutPrefix(at, s.config.BasePath+"/api/v1/")
	if !found {
		return "", endpoint{}, false
	}
	e, found = endpoints[name]
	return name, e, found
}

// refuse returns why a call is refused, or nil if it is not. Up to 6.x the token is looked at first,
// then the limit, the query and the permission; in 8.x the token, the permission, the query and the
// limit, which a HEAD does not count for.
func (s *Server) refuse(r *http.Request, name string, needed Permission, header http.Header) *reply {
	g := s.config.Generation
	u := s.users[r.Header.Get("X-User-Id")]
	if u == nil || u.token == "" || u.token != r.Header.Get("X-Auth-Token") {
		return new(text(http.StatusUnauthorized, g.unauthorized))
	}
	limit := func() *reply {
		if s.config.RateLimit < 0 || slices.Contains(u.permissions, BypassRateLimit) || r.Method == http.MethodHead {
			return nil
		}
		if wait := s.take(name, caller(r), header); wait > 0 {
			return new(text(http.StatusTooManyRequests, fmt.Sprintf(tooManyRequests, math.Ceil(wait.Seconds()))))
		}
		return nil
	}
	query := func() *reply {
		if g.invalidQuery == "" || r.URL.RawQuery == "" || r.Method != http.MethodGet {
			return nil
		}
		return new(text(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":"must NOT have additional properties [%s]","errorType":%[1]q}`, g.invalidQuery)))
	}
	permission := func() *reply {
		if needed == "" || slices.Contains(u.permissions, needed) {
			return nil
		}
		body := g.forbidden
		if name == GetImportFileData {
			body = cmp.Or(g.forbiddenFileData, body)
		}
		return new(text(g.forbiddenStatus, body))
	}
	order := []func() *reply{limit, query, permission}
	if g.hono {
		slices.Reverse(order)
	}
	for _, look := range order {
		if refusal := look(); refusal != nil {
			return refusal
		}
	}
	return nil
}

// endpoint is what a path below /api/v1/ answers.
type endpoint struct {
	method     string
	permission Permission // "" where none is needed
	answer     func(s *Server, userID string, body []byte) reply
}

var endpoints = map[string]endpoint{
	GetImportFileData:         {http.MethodGet, RunImport, (*Server).getImportFileData},
	GetCurrentImportOperation: {http.MethodGet, RunImport, (*Server).getCurrentImportOperation},
	ChatPostMessage:           {http.MethodPost, "", (*Server).postMessage},
}

// Instances returns the instances of the workspace that run, oldest first, as X-Instance-ID names
// them. They answer in turn.
func (s *Server) Instances() (ids []string) {
	s.do(func() { ids = slices.Clone(s.instances) })
	return ids
}

// StopInstance stops an instance, which changes no import. It panics if it is the only one.
func (s *Server) StopInstance(id string) {
	s.do(func() {
		s.instances = slices.DeleteFunc(s.instances, func(other string) bool { return other == id })
		if len(s.instances) == 0 {
			panic("rocketchatsim: no instance is left")
		}
	})
}

// startInstance starts one more instance, of a new id.
func (s *Server) startInstance() {
	s.started++
	id := fmt.Sprintf("simulatedInst%04d", s.started)
	if s.config.Generation.uuid {
		id = fmt.Sprintf("5a1e0b7c-51b0-4000-8000-%012d", s.started)
	}
	s.instances = append(s.instances, id)
}

// restart stops all instances and starts one.
func (s *Server) restart() {
	s.instances = nil
	s.startInstance()
}

func (s *Server) now() time.Time { return s.config.Now() }

// do locks the server, and catches up with what was due until now before it calls f.
func (s *Server) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	f()
}
