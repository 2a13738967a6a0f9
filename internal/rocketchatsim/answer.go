package rocketchatsim

import "net/http"

// Answer is a whole answer that takes the place of Rocket.Chat's: see
// Server.AnswerWith.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Header and Value are one header field; "" leaves it out. A body has the
	// content type of HTML if it begins with a "<", and of JSON otherwise.
	Header, Value string
	Body          string
}

// Fronts returns what a proxy, a firewall or a login page in front of Rocket.Chat
// answers, by name. None of it says anything about the token or the permission.
func Fronts() map[string]Answer {
	const page = "<!DOCTYPE html><html><body><h1>"
	return map[string]Answer{
		"403 page of a firewall": {Status: 403, Body: page + "Request blocked</h1></body></html>"},
		"401 basic auth":         {Status: 401, Header: "WWW-Authenticate", Value: `Basic realm="internal"`, Body: page + "Authorization required</h1></body></html>"},
		"407 of a proxy":         {Status: 407, Header: "Proxy-Authenticate", Value: `Basic realm="proxy"`, Body: page + "Proxy authentication required</h1></body></html>"},
		"404 page":               {Status: 404, Body: page + "Not found</h1></body></html>"},
		"502 page":               {Status: 502, Body: page + "Bad gateway</h1></body></html>"},
		"503 page":               {Status: 503, Header: "Retry-After", Value: "30", Body: page + "Service unavailable</h1></body></html>"},
		"redirect":               {Status: 302, Header: "Location", Value: "https://login.invalid/"},
		"login page":             {Status: 200, Body: page + "Sign in</h1></body></html>"},
	}
}

// TOTPRequired is Rocket.Chat's own refusal of a token that was made without
// "ignore two factor authentication".
func TOTPRequired() Answer {
	return Answer{Status: 400, Body: `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required",` +
		`"details":{"method":"totp","codeGenerated":false,"availableMethods":["totp"]}}`}
}

// AnswerWith makes every request get this answer, whatever it asks for, until
// AnswerWith is called again; nil is Rocket.Chat's own answer. The requests still
// count in Requests, and do nothing to an import.
func (s *Server) AnswerWith(a *Answer) {
	s.lock()
	defer s.mu.Unlock()
	s.front = nil
	if a != nil {
		s.front = new(*a)
	}
}

func (a Answer) reply(header http.Header) reply {
	if a.Header != "" {
		header.Set(a.Header, a.Value)
	}
	return raw(a.Status, a.Body)
}
