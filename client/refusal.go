package client

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope has the fields that Rocket.Chat sends beside the payload of a reply, or instead of it.
type envelope struct {
	Success   once[flag]       `json:"success"`
	Error     once[text]       `json:"error"`
	ErrorType once[text]       `json:"errorType"`
	Status    once[statusText] `json:"status"`  // the login layer, instead of success
	Message   once[text]       `json:"message"` // likewise
}

func (e *envelope) head() *envelope { return e }

// statusText is the field status, which gateways send as a number.
type statusText struct {
	text
	number bool
}

func (s *statusText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s.number = dec.PeekKind() == '0'
	return s.text.UnmarshalJSONFrom(dec)
}

// fromRocketChat reports whether the body of an answer with this HTTP status is Rocket.Chat's own.
// It is asked only where a proxy may have removed X-Instance-ID.
func (e *envelope) fromRocketChat(status int) bool {
	success, message := e.Success.value, e.Message.value != ""
	switch {
	case e.Status.value.number, success == no && message && e.Error.value == "":
		return false // a gateway's
	case success == yes || success == no:
		return true
	default:
		return status == http.StatusUnauthorized && e.Status.value.text != "" && message
	}
}

// instanceHeader names the instance that answered. Rocket.Chat 3.0 to 8.x sends it with every
// answer, except with the redirect of Force_SSL, and nothing else does.
const instanceHeader = "X-Instance-ID"

// refusal is an answer that refuses a call.
type refusal struct {
	*http.Response
	envelope
	own  bool   // Rocket.Chat itself answered
	body string // its beginning
}

// readRefusal reads the body of an answer from 400 on, as far as it can. It
// does not read the body of a 429, which may not end and must not delay the
// pause that follows; nor that of a 101, which is the connection itself.
func readRefusal(resp *http.Response, body *wire) refusal {
	var env envelope
	if resp.StatusCode < 400 || resp.StatusCode == http.StatusTooManyRequests {
		return newRefusal(resp, env)
	}
	const maxRefusal = 64 << 10
	var whole []byte
	stream, err := content(body, resp.Header, 4<<10)
	if err == nil {
		whole, err = io.ReadAll(io.LimitReader(stream, maxRefusal))
	}
	if err != nil || decode(bytes.NewReader(whole), maxReply, &env) != nil {
		env = envelope{} // half of a body proves nothing
	}
	r := newRefusal(resp, env)
	r.body = string(whole)
	return r
}

func newRefusal(resp *http.Response, env envelope) refusal {
	own := resp.Header.Get(instanceHeader) != "" || env.fromRocketChat(resp.StatusCode)
	return refusal{Response: resp, envelope: env, own: own}
}

// unusable returns the error of a 200 whose body is not a reply of the endpoint.
func (x *exchange) unusable(r refusal, err error) *Error {
	page := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	met, cause := notTheAPI, x.sanitizeError(err)
	switch {
	case r.own && page:
		met, cause = x.withPath(wrongPathPage, unknownPage), nil
	case r.own:
		met = unknownForm
	case page:
		met, cause = frontPage, nil
	}
	e := x.fail(met, cause)
	e.Answered = InFront
	if r.own {
		e.Answered = RocketChat
	}
	return e
}

// refused returns the error of an answer that refuses the call.
func (x *exchange) refused(r refusal) *Error {
	var reset time.Time
	if r.StatusCode == http.StatusTooManyRequests {
		var own bool
		reset, own = rateLimitReset(r.Header, x.answer.AnsweredAt)
		r.own = r.own || own
	}
	met, detail := x.classify(r)
	counted := r.own && r.Header.Get("X-RateLimit-Limit") != "" // it counts only who it knows
	if met == limited && counted {
		detail = "The token was accepted. "
	}
	e := x.fail(met, x.cause(met, r))
	e.Hint.detail = sanitize(detail, x.token)
	e.RateLimitReset = reset
	switch {
	case met == redirectHTTPS && !r.own:
		e.Answered = Unclear
	case r.own:
		e.Answered = RocketChat
		e.TokenAccepted = e.Reason == Forbidden || e.Reason != Unauthorized && counted
	default:
		e.Answered = InFront
	}
	return e
}

// cause returns what the error says: what was met, and the text of who answered.
func (x *exchange) cause(met finding, r refusal) error {
	if met == noImport {
		return ErrNoOperation
	}
	cause := met.cause
	if cause == "" {
		cause = "something in front of Rocket.Chat answered"
		if server := r.Header.Get("Server"); server != "" {
			cause += " (Server: " + sanitize(server, x.token) + ")"
		}
	}
	said := string(cmp.Or(r.Error.value, r.Message.value))
	if errorType := string(r.ErrorType.value); !strings.Contains(said, errorType) {
		said = strings.TrimSpace(said + " [" + errorType + "]")
	}
	if said == "" || met.reason != HTTPStatus {
		return errors.New(cause)
	}
	return fmt.Errorf("%s: %s", cause, sanitize(said, x.token))
}

// classify says what a refusal means, and what its hint leaves open.
func (x *exchange) classify(r refusal) (finding, string) {
	switch {
	case r.StatusCode == http.StatusTooManyRequests && r.own:
		return limited, ""
	case r.StatusCode == http.StatusTooManyRequests:
		return frontLimited, ""
	case r.StatusCode >= 300 && r.StatusCode < 400 && r.Header.Get("Location") != "":
		return x.redirected(r.Response)
	case r.own:
		return x.ownRefusal(r), ""
	default:
		return x.frontRefusal(r), ""
	}
}

// ownRefusals are what Rocket.Chat 3.0 to 8.x itself answers. The first that matches counts.
// An empty text matches any.
var ownRefusals = []struct {
	status           int
	error, errorType text
	met              finding
}{
	{400, "", "totp-required", twoFactor},
	{403, "", "totp-required", twoFactor},
	{401, "totp-required", "", twoFactor}, // of login alone
	{400, "", "error-action-not-allowed", permission},
	{400, "", "error-not-authorized", permission},
	{400, "", "not_authorized", permission},
	{400, "", "error-operation-not-found", noImport},
	{200, "unauthorized", "", credentials},
	{403, "unauthorized", "", credentials},
	{401, "", "", credentials},
	{403, "", "", permission},
}

// ownRefusal says what a refusal of Rocket.Chat itself means.
func (x *exchange) ownRefusal(r refusal) finding {
	for _, row := range ownRefusals {
		if row.status == r.StatusCode && (row.error == "" || row.error == r.Error.value) && (row.errorType == "" || row.errorType == r.ErrorType.value) {
			return row.met
		}
	}
	switch {
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusMethodNotAllowed:
		return x.withPath(wrongPath, unknownRoute)
	case r.StatusCode >= 500:
		return failing
	default:
		return refused
	}
}

// withPath returns one of two, depending on whether the workspace's URL has a path.
func (x *exchange) withPath(with, without finding) finding {
	if strings.Trim(x.client.cfg.URL.Path, "/") != "" {
		return with
	}
	return without
}

// frontRefusal says what a refusal means that came from something in front of Rocket.Chat.
func (x *exchange) frontRefusal(r refusal) finding {
	switch status := r.StatusCode; {
	case status == http.StatusUnauthorized && basicChallenge.MatchString(strings.Join(r.Header.Values("WWW-Authenticate"), ",")):
		if x.client.cfg.HTTP.BasicAuth != nil {
			return frontBasicBad
		}
		return frontBasic
	case status == http.StatusProxyAuthRequired:
		return frontProxy
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return frontRefused
	case status == http.StatusNotFound:
		return frontNotFound
	case status >= 500:
		return frontFailing
	case status >= 400:
		return badRequest(r.body)
	default:
		return frontOther
	}
}

// basicChallenge matches the challenges of a 401 if one of them is Basic. Several may share a header.
var basicChallenge = regexp.MustCompile(`(?i)(^|,)\s*basic(\s|,|$)`)

// badRequest says what a 4xx means whose page complains of plain http, or of a missing client
// certificate, in the words of nginx, Apache, Go and others.
func badRequest(page string) finding {
	page = strings.ToLower(page)
	switch {
	case strings.Contains(page, "plain http"), strings.Contains(page, "http request to an https server"):
		return frontHTTPS
	case strings.Contains(page, "ssl certificate"):
		return frontClient
	default:
		return frontOther
	}
}

// rateLimitReset returns when calls are accepted again: X-RateLimit-Reset in milliseconds since
// 1970, or else Retry-After in seconds or as a date. It is zero without either. It reports whether
// the header is Rocket.Chat's own: gateways that send one count seconds.
func rateLimitReset(h http.Header, now time.Time) (reset time.Time, own bool) {
	const seconds = 1e11 // as milliseconds, this is 1973
	if ms, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && ms > seconds {
		return time.UnixMilli(ms), true
	}
	after := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 64); err == nil {
		return now.Add(time.Duration(min(seconds, 1<<31)) * time.Second), false
	}
	reset, _ = http.ParseTime(after)
	return reset, false
}

// redirected says where a redirect leads: to the same endpoint at another base URL, or to another
// page, of which it names only the host, since a path or a query may contain a secret.
func (x *exchange) redirected(resp *http.Response) (finding, string) {
	location, err := resp.Location()
	if err != nil || location.Host == "" || location.Scheme != "http" && location.Scheme != "https" {
		return redirectLoop, ""
	}
	from, to := resp.Request.URL, url.URL{Scheme: location.Scheme, Host: location.Host}
	base, found := strings.CutSuffix(strings.TrimSuffix(location.Path, "/"), apiPath+string(x.call.Endpoint))
	if !found {
		return redirectPage, to.String()
	}
	to.Path = base
	switch {
	case to.JoinPath(apiPath, string(x.call.Endpoint)).String() == from.String():
		return redirectLoop, ""
	case from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname():
		return redirectHTTPS, to.String()
	default:
		return redirectURL, to.String()
	}
}
