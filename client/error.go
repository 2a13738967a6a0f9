package client

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Reason says why a call has no usable answer. The set is closed: every
// [*Error] has exactly one of [Reasons].
type Reason string

// The reasons, as the exporter's metrics name them.
const (
	// Unauthorized means that the user id or the token is wrong, expired or
	// missing, or that the token needs a two-factor code.
	Unauthorized Reason = "unauthorized"
	// Forbidden means that the user lacks the permission run-import.
	Forbidden Reason = "forbidden"
	// RateLimited means that Rocket.Chat, or something in front of it, answered 429.
	RateLimited Reason = "rate_limited"
	// Timeout means that the call's context ended before the answer did.
	Timeout Reason = "timeout"
	// Connection means that there was no connection, or that it broke.
	Connection Reason = "connection"
	// TLS means that the handshake failed or a certificate was rejected.
	TLS Reason = "tls"
	// Redirect means a 3xx answer with a Location. Redirects are never followed.
	Redirect Reason = "redirect"
	// HTTPStatus means any other answer that refuses the call.
	HTTPStatus Reason = "http_status"
	// Decode means that the body is not the endpoint's JSON, or exceeds a bound.
	Decode Reason = "decode"
)

// traits is what the exporter knows about a reason.
type traits struct {
	reason      Reason
	reached     bool   // Rocket.Chat itself may have answered; otherwise it never did
	credentials bool   // Rocket.Chat refuses the token or the permission
	hint        string // what to do about most failures with this reason
}

// reasons is the one table of reasons, in the order of [Reasons].
var reasons = []traits{
	{Unauthorized, true, true, "Check the user id and the personal access token. Create a new token if it was removed or has expired."},
	{Forbidden, true, true, "Give the exporter's user a role that has the permission run-import."},
	{RateLimited, true, false, "Scrape less often, raise --rocketchat.min-interval, or give the user's role the permission api-bypass-rate-limit."},
	{Timeout, false, false, "Rocket.Chat did not answer in time: check its load, and raise --rocketchat.timeout and Prometheus's scrape_timeout."},
	{Connection, false, false, "Check that Rocket.Chat is running and that the URL's host and port can be reached from here."},
	{TLS, false, false, "Check the certificate, the host name, and http or https in the URL. Configure a private CA as tls_config in the HTTP client settings."},
	{Redirect, false, false, "Configure the URL that the redirect leads to."},
	{HTTPStatus, true, false, "Check Rocket.Chat's log for why it refused the call."},
	{Decode, true, false, "This is not what Rocket.Chat's API answers: check that the URL leads to it and not to a login or error page."},
}

// Reasons returns all reasons, in a fixed order.
func Reasons() []Reason {
	var all []Reason
	for _, row := range reasons {
		all = append(all, row.reason)
	}
	return all
}

// traits returns the row of r, or the zero row if r is not one of [Reasons].
func (r Reason) traits() traits {
	for _, row := range reasons {
		if row.reason == r {
			return row
		}
	}
	return traits{}
}

// Hint says what to do about most failures with this reason. [Error] has a better one.
func (r Reason) Hint() string { return r.traits().hint }

// Credentials reports whether Rocket.Chat refuses the token or the user's permission.
func (r Reason) Credentials() bool { return r.traits().credentials }

var (
	// ErrNoOperation marks the answer 400 error-operation-not-found:
	// getImportFileData (3.0 to 8.x) answers this if the workspace never had an import.
	ErrNoOperation = errors.New("the workspace never had an import")

	// ErrNotSent marks a call of getImportFileData that ended before its request
	// was written. The server has seen nothing of it.
	ErrNotSent = errors.New("no request was sent")
)

// Error is the failure of one call. Its text contains no secret.
type Error struct {
	Endpoint Endpoint
	Reason   Reason // one of [Reasons]
	// Status is the HTTP status, or 0 without an answer.
	Status int
	// RateLimitReset is when calls are accepted again after a 429, or zero if it
	// does not say. It may lie in the past or in the far future.
	RateLimitReset time.Time
	// Hint says what to do next.
	Hint string
	// Reached is true if Rocket.Chat itself answered, as its JSON or header proves.
	Reached bool

	err error
}

// Error names the endpoint and the cause.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: HTTP status %d: %s", e.Endpoint, e.Status, e.err)
	}
	return fmt.Sprintf("%s: %s", e.Endpoint, e.err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

const (
	maxLabel = 128 // bytes of a text in a record that are kept
	maxQuote = 256 // bytes of an error's text that are kept
)

// sanitize makes a text that may quote the server safe for an error message.
func sanitize(text, token string) string {
	text = printable(redact(text, token))
	if len(text) > maxQuote {
		return truncate(text, maxQuote) + "…"
	}
	return text
}

// printable replaces control characters, which could forge a line in a log or on a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// truncate cuts a text after at most max bytes, and never within a character.
func truncate(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max]
}

// redact replaces every occurrence of the token: as it is, as net/http quotes
// it, and as a URL's path contains it.
func redact(text, token string) string {
	if token == "" {
		return text
	}
	quoted := strings.Trim(strconv.Quote(token), `"`)
	inPath := (&url.URL{Path: token}).EscapedPath()
	const secret = "<secret>"
	return strings.NewReplacer(token, secret, quoted, secret, inPath, secret).Replace(text)
}
