package client

import (
	"errors"
	"fmt"
	"time"
)

// Reason says why a call gave no usable answer. The set is closed: every
// failure of every call carries exactly one of [Reasons].
type Reason string

// The reasons, in the words that the exporter's metrics use.
const (
	// Unauthorized means that the user id or the token is wrong, expired or missing.
	Unauthorized Reason = "unauthorized"
	// Forbidden means that the user may not use the endpoint: it lacks run-import.
	Forbidden Reason = "forbidden"
	// RateLimited means that Rocket.Chat, or something in front of it, answered 429.
	RateLimited Reason = "rate_limited"
	// Timeout means that the answer was not complete when the call's context ended.
	Timeout Reason = "timeout"
	// Connection means that no connection stood, or that it broke before the answer was complete.
	Connection Reason = "connection"
	// TLS means that the handshake failed or the certificate was not accepted.
	TLS Reason = "tls"
	// Redirect means a 3xx answer with a Location. Redirects are never followed.
	Redirect Reason = "redirect"
	// HTTPStatus means any other answer that refuses, by its status or by "success": false.
	HTTPStatus Reason = "http_status"
	// Decode means that the body is not the JSON that the endpoint is known to give,
	// or that it is larger than any honest answer.
	Decode Reason = "decode"
)

// Reasons returns all reasons, in a fixed order.
func Reasons() []Reason {
	return []Reason{Unauthorized, Forbidden, RateLimited, Timeout, Connection, TLS, Redirect, HTTPStatus, Decode}
}

// Refused reports whether r is a refusal of the credentials: of the token or
// of the permission.
func (r Reason) Refused() bool { return r == Unauthorized || r == Forbidden }

var (
	// ErrNoOperation marks the answer 400 error-operation-not-found, by which
	// getImportFileData says that this workspace never had an import (3.0 to 8.x).
	ErrNoOperation = errors.New("the workspace never had an import")

	// ErrNotSent marks a call of getImportFileData that was given up before
	// its request was written: the server has seen nothing of it.
	ErrNotSent = errors.New("no request was sent")
)

// Error is the failure of one call. Its text never holds a secret.
type Error struct {
	// Endpoint is the endpoint that was called, as in the API: getCurrentImportOperation.
	Endpoint Endpoint
	// Reason is one of [Reasons].
	Reason Reason
	// Status is the HTTP status, or 0 where no answer came.
	Status int
	// RateLimitReset is when the server will take calls again, by the server's
	// clock (X-RateLimit-Reset of a 429). It is zero where the server did not say.
	RateLimitReset time.Time
	// Hint tells the operator what to do next, in one sentence.
	Hint string

	err error
}

// Error says which endpoint failed and why.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: HTTP status %d: %s", e.Endpoint, e.Status, e.err)
	}
	return fmt.Sprintf("%s: %s", e.Endpoint, e.err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }
