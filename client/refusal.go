package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refusal is what a body says of why a call was refused. Bodies of 3.0 to 8.x
// and those of something in front of the server are read alike: what is not
// there stays empty.
type refusal struct {
	told      bool // whether it has the field success
	success   bool
	text      string // the field error
	errorType string
}

// refused reports whether the body itself says that the call was refused.
func (r refusal) refused() bool { return r.told && !r.success }

// The fields that stand beside those of a selection.
const (
	successField fields = contactsField << (iota + 1)
	errorField
	errorTypeField
	waitingField
	operationField
)

// field reads the value of name if it is a field of a refusal, and else leaves
// it to other.
func (r *refusal) field(d *decoder, name []byte, other func(*decoder, []byte) (fields, error)) (fields, error) {
	switch string(name) {
	case "success":
		if err := d.expect('t', 'f'); err != nil {
			return 0, err
		}
		r.told = true
		return successField, d.flag(&r.success)
	case "error":
		return errorField, d.anyText(&r.text)
	case "errorType":
		return errorTypeField, d.anyText(&r.errorType)
	default:
		return other(d, name)
	}
}

// readRefusal reads what it can of a refusal's body, which may be anything. It
// reads none where the status tells all, so that one that does not end keeps
// nobody from heeding a 429; and that of a protocol switch would be the
// connection itself.
func readRefusal(resp *http.Response, body *wire) refusal {
	if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusForbidden {
		return refusal{}
	}
	stream, err := content(body, resp.Header, otherRead)
	if err != nil {
		return refusal{}
	}
	const enough = 64 << 10
	var r refusal
	d := newDecoder(io.LimitReader(stream, enough))
	_, err = d.object(func(name []byte) (fields, error) {
		return r.field(d, name, func(d *decoder, _ []byte) (fields, error) { return 0, d.skip() })
	})
	if err != nil {
		return refusal{}
	}
	return r
}

// refused makes the error of an answer that is not the one asked for.
func refused(endpoint Endpoint, resp *http.Response, r refusal, token string) *Error {
	e := &Error{Endpoint: endpoint, Status: resp.StatusCode}
	e.Reason, e.err = verdict(resp, r)
	switch e.Reason {
	case Unauthorized:
		e.Hint = "Check the user id and the personal access token; create a new token if it was removed or has expired."
	case Forbidden:
		e.Hint = "Give the exporter's user a role that has the permission run-import."
	case RateLimited:
		e.RateLimitReset = rateLimitReset(resp.Header)
		e.Hint = "Scrape less often, raise --rocketchat.min-interval, or give the user's role the permission api-bypass-rate-limit."
	case Redirect:
		e.Hint = redirectHint(endpoint, resp, token)
	case HTTPStatus:
		e.Hint = statusHint(resp.StatusCode)
		if r.errorType != "" {
			e.err = fmt.Errorf("%w (%s)", e.err, quotable(r.errorType, token))
		}
	}
	return e
}

// verdict tells the reason for a refusal.
func verdict(resp *http.Response, r refusal) (Reason, error) {
	status := resp.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		return RateLimited, errors.New("too many calls")
	case status >= 300 && status < 400 && resp.Header.Get("Location") != "":
		return Redirect, errors.New("redirects are not followed, since the token would go to another address")
	case status == http.StatusUnauthorized,
		r.text == "unauthorized" && (status == http.StatusForbidden || status == http.StatusOK):
		return Unauthorized, errors.New("the user id or the token was not accepted")
	case status == http.StatusForbidden,
		status == http.StatusBadRequest && (r.errorType == "error-action-not-allowed" || r.errorType == "not_authorized"):
		return Forbidden, errors.New("the user lacks a permission")
	case status == http.StatusBadRequest && r.errorType == "error-operation-not-found":
		return HTTPStatus, ErrNoOperation
	default:
		return HTTPStatus, errors.New("the call was refused")
	}
}

// statusHint says what to do about a status that Rocket.Chat itself does not
// explain.
func statusHint(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "Rocket.Chat has this endpoint since 3.0.0, so something in front of it answered: check the URL and its path, and the proxy. Calling getImportFileData instead could wipe a running import, so nothing else was tried."
	case status >= 500:
		return "Rocket.Chat or the proxy in front of it is failing or restarting: look at its log."
	default:
		return "Look at Rocket.Chat's log for why it refused the call."
	}
}

// rateLimitReset reads X-RateLimit-Reset, milliseconds since 1970; zero where
// it is missing or no number.
func rateLimitReset(h http.Header) time.Time {
	ms, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

const somethingInFront = "Something in front of Rocket.Chat answers: let the exporter reach the API past it."

// redirectHint names the URL to configure instead, where the redirect leads to
// the same endpoint at another base, and else the host that it leads to. More
// is not told: a path or a query may hold a secret.
func redirectHint(endpoint Endpoint, resp *http.Response, token string) string {
	location, err := resp.Location()
	if err != nil || location.Host == "" || location.Scheme != "http" && location.Scheme != "https" {
		return somethingInFront
	}
	to := url.URL{Scheme: location.Scheme, Host: location.Host}
	base, found := strings.CutSuffix(strings.TrimSuffix(location.Path, "/"), apiPath+string(endpoint))
	if found {
		to.Path = base
		if to.JoinPath(apiPath, string(endpoint)).String() == resp.Request.URL.String() {
			return somethingInFront
		}
		return "Configure the URL that it leads to: " + quotable(to.String(), token)
	}
	return "It leads to another page at " + quotable(to.String(), token) + ", such as a login: let the exporter reach the API past it, or configure the URL of the workspace there."
}
