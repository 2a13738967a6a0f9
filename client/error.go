package client

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
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
	// Outdated means that the answer came from a cache, or is older than one that came before it.
	Outdated Reason = "outdated"
	// Proxy means that the forward proxy did not connect to Rocket.Chat.
	Proxy Reason = "proxy"
	// Settings means that nothing was sent: a file of the settings cannot be read, or does not hold
	// what can be sent.
	Settings Reason = "settings"
)

// Reasons returns all reasons, in a fixed order.
func Reasons() []Reason {
	return []Reason{
		Unauthorized, Forbidden, RateLimited, Timeout, Connection, TLS, Redirect, HTTPStatus, Decode, Outdated, Proxy, Settings,
	}
}

// Answerer says who answered a call, as far as the answer proves it.
type Answerer string

const (
	// Nobody answered.
	Nobody Answerer = ""
	// RocketChat means that Rocket.Chat itself answered, as its header or its JSON proves.
	RocketChat Answerer = "rocket_chat"
	// InFront means that something else answered, such as a proxy.
	InFront Answerer = "in_front"
	// Unclear means that both are possible.
	Unclear Answerer = "unclear"
)

var (
	// ErrNoOperation marks the answer 400 error-operation-not-found:
	// getImportFileData (3.0 to 8.x) answers this if the workspace never had an import.
	ErrNoOperation = errors.New("the workspace never had an import")

	// ErrNotSent marks a call of getImportFileData whose request was not written, or only in part.
	// The server has no request to act on.
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
	Hint Hint
	// Answered says who answered.
	Answered Answerer
	// TokenAccepted is true if Rocket.Chat accepted the token, and refused the call for another reason.
	TokenAccepted bool

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
	text = clean(text, token)
	if len(text) > maxQuote {
		return truncate(text, maxQuote) + "…"
	}
	return text
}

// label is a text of the server as it may stand in a label: without the token, and short.
func label(text, token string) string { return truncate(clean(text, token), maxLabel) }

// truncate cuts a text after at most max bytes, and never within a character.
func truncate(text string, max int) string {
	return strings.ToValidUTF8(text[:min(len(text), max)], "")
}

// clean is a text of the server that is safe to show. What is invisible goes first: it may split the
// token. The token may occur as it is, as net/http quotes it, and as a URL's path contains it.
func clean(text, token string) string {
	text = printable(text)
	if token == "" {
		return text
	}
	quoted := strings.Trim(strconv.Quote(token), `"`)
	inPath := (&url.URL{Path: token}).EscapedPath()
	const secret = "<secret>"
	return strings.NewReplacer(token, secret, quoted, secret, inPath, secret).Replace(text)
}

// printable replaces control characters, which could forge a line in a log or on a terminal, and
// removes invisible ones, which could make a text look like another or turn it round. Two of them
// stay where letters need them, as in Persian and Hindi.
func printable(text string) string {
	const joiner, nonJoiner = '\u200d', '\u200c'
	runes := []rune(text)
	kept := make([]rune, 0, len(runes))
	for i, r := range runes {
		joins := (r == joiner || r == nonJoiner) && i > 0 && i+1 < len(runes) && inWord(runes[i-1]) && inWord(runes[i+1])
		switch {
		case unicode.IsControl(r):
			kept = append(kept, unicode.ReplacementChar)
		case joins || !invisible(r):
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// inWord reports whether r is a letter, or a mark that belongs to one, and can be seen.
func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.M) && !invisible(r) }

// invisible reports whether r shows nothing, or only turns or varies what is beside it.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
