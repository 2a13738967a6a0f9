package rocketchatsim

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
)

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

// reply is an answer that is decided under the server's lock and written after.
type reply struct {
	Answer
	// rest writes what follows Body, which is too large to keep; it may be nil.
	rest func(*bufio.Writer)
}

func (p reply) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(p.Body, "<") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	if p.Header != "" {
		w.Header().Set(p.Header, p.Value)
	}
	w.WriteHeader(p.Status)
	body := bufio.NewWriterSize(w, 32<<10)
	body.WriteString(p.Body)
	if p.rest != nil {
		p.rest(body)
	}
	_ = body.Flush() // the client may have hung up
}

func text(status int, body string) reply { return reply{Answer: Answer{Status: status, Body: body}} }

const (
	// noSuchEndpoint answers a path, or a method, that the server does not have.
	noSuchEndpoint = `{"status":"error","message":"API endpoint does not exist."}`
	// tooManyRequests says how many seconds to wait.
	tooManyRequests = `{"success":false,"error":"Error, too many requests. Wait %.0f seconds before calling this endpoint again. [error-too-many-requests]"}`
)

// apiError answers a Meteor error as Rocket.Chat's API renders it.
func apiError(errorType, message, details string) reply {
	return text(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":%q,"errorType":%q,"details":%q}`,
		message+" ["+errorType+"]", errorType, details))
}
