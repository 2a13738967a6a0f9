package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// envelope has the fields that Rocket.Chat sends beside the payload of a reply, or instead of it.
type envelope struct {
	Success   once[flag] `json:"success"`
	Error     once[text] `json:"error"`
	ErrorType once[text] `json:"errorType"`
	Status    once[text] `json:"status"`  // the login layer, instead of success
	Message   once[text] `json:"message"` // likewise
}

func (e *envelope) head() *envelope { return e }

// fromRocketChat reports whether the body of an answer with this HTTP status is Rocket.Chat's own.
func (e *envelope) fromRocketChat(status int) bool {
	success := e.Success.value == yes || e.Success.value == no
	return success || status == http.StatusUnauthorized && e.Status.value != "" && e.Message.value != ""
}

// readRefusal decodes the body of an answer from 400 on, as far as it can. It
// does not read the body of a 429, which may not end and must not delay the
// pause that follows; nor that of a 101, which is the connection itself.
func readRefusal(resp *http.Response, body *wire) envelope {
	if resp.StatusCode < 400 || resp.StatusCode == http.StatusTooManyRequests {
		return envelope{}
	}
	const maxRefusal = 64 << 10
	var e envelope
	stream, err := content(body, resp.Header, 4<<10)
	if err != nil || decode(io.LimitReader(stream, maxRefusal), &e) != nil {
		return envelope{} // half of a body proves nothing
	}
	return e
}

// refused returns the error of an answer that refuses the call.
func (x *exchange) refused(resp *http.Response, env envelope) *Error {
	reason, cause := classify(resp, env)
	e := x.fail(reason, cause)
	own := env.fromRocketChat(resp.StatusCode)
	switch reason {
	case Unauthorized:
		if env.ErrorType.value == totpRequired {
			e.Hint = "Create the personal access token with \"Ignore Two Factor Authentication\"."
		}
	case RateLimited:
		e.RateLimitReset, own = rateLimitReset(resp.Header, x.answer.AnsweredAt)
	case Redirect:
		e.Hint = redirectHint(x.call.Endpoint, resp, x.token)
	case HTTPStatus:
		e.Hint = statusHint(resp, own)
		if errorType := string(env.ErrorType.value); errorType != "" {
			e.err = fmt.Errorf("%w (%s)", e.err, sanitize(errorType, x.token))
		}
	}
	e.Reached = own && reason.traits().reached
	return e
}

const totpRequired = "totp-required"

// classify returns the reason for a refusal, and its cause. Only Rocket.Chat's
// own body says something about the token and the permission.
func classify(resp *http.Response, env envelope) (Reason, error) {
	status := resp.StatusCode
	errorType := env.ErrorType.value
	switch {
	case status == http.StatusTooManyRequests:
		return RateLimited, errors.New("too many calls")
	case status >= 300 && status < 400 && resp.Header.Get("Location") != "":
		return Redirect, errors.New("redirects are not followed, because the token would go to another address")
	case !env.fromRocketChat(status):
		return HTTPStatus, errors.New("the call was refused")
	case errorType == totpRequired && (status == http.StatusBadRequest || status == http.StatusForbidden):
		return Unauthorized, errors.New("the token needs a two-factor code")
	case status == http.StatusUnauthorized,
		env.Error.value == "unauthorized" && (status == http.StatusForbidden || status == http.StatusOK):
		return Unauthorized, errors.New("the user id or the token was not accepted")
	case status == http.StatusForbidden,
		status == http.StatusBadRequest && (errorType == "error-action-not-allowed" || errorType == "not_authorized"):
		return Forbidden, errors.New("the user lacks a permission")
	case status == http.StatusBadRequest && errorType == "error-operation-not-found":
		return HTTPStatus, ErrNoOperation
	default:
		return HTTPStatus, errors.New("the call was refused")
	}
}

const proxyHint = "The proxy asks for credentials: put a user name and a password into proxy_url in the HTTP client settings."

// statusHint says what to do about an HTTP status, which may be Rocket.Chat's own.
func statusHint(resp *http.Response, own bool) string {
	basic := slices.ContainsFunc(resp.Header.Values("WWW-Authenticate"), func(challenge string) bool {
		return strings.HasPrefix(strings.ToLower(challenge), "basic")
	})
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized && basic:
		return "Something in front of Rocket.Chat asks for a user name and a password: set basic_auth in the HTTP client settings."
	case status == http.StatusProxyAuthRequired:
		return proxyHint
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "Something in front of Rocket.Chat refused the call, such as a proxy or a firewall: allow the exporter to call " + apiPath + ". Nothing is known about the token and the permission."
	case status == http.StatusNotFound:
		return "Every Rocket.Chat since 3.0.0 has this endpoint, so something in front of it answered: check the URL and its path, and the proxy. Nothing else was called, because getImportFileData could wipe a running import."
	case status >= 500 && own:
		return "Rocket.Chat is failing: check its log."
	case status >= 500:
		return "Rocket.Chat or the proxy in front of it is failing or restarting: check their logs."
	default:
		return HTTPStatus.Hint()
	}
}

// rateLimitReset returns when calls are accepted again: X-RateLimit-Reset in
// milliseconds since 1970, or else Retry-After in seconds or as a date. It is
// zero without either. It reports whether the header is Rocket.Chat's own.
func rateLimitReset(h http.Header, now time.Time) (reset time.Time, own bool) {
	if ms, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	after := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 64); err == nil {
		return now.Add(time.Duration(min(seconds, 1<<31)) * time.Second), false
	}
	reset, _ = http.ParseTime(after)
	return reset, false
}

const somethingInFront = "Something in front of Rocket.Chat answers: allow the exporter to call the API directly."

// redirectHint names the URL to configure if the redirect leads to the same endpoint at another
// base URL, and otherwise only the host that it leads to: a path or a query may contain a secret.
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
		return "Configure the URL that the redirect leads to: " + sanitize(to.String(), token)
	}
	return "The redirect leads to another page at " + sanitize(to.String(), token) + ", such as a login: allow the exporter to call the API directly, or configure the URL of the workspace there."
}
