package client

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEveryRefusalHasItsReasonAndAHintThatNamesWhatRefused(t *testing.T) {
	const (
		unauthorized = `{"success":false,"error":"unauthorized"}`
		mustLogIn    = `{"status":"error","message":"You must be logged in to do this."}`
		merged       = `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`
		noPermission = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`
		notAllowed   = `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed"}`
		notAuthrized = `{"success":false,"error":"not_authorized","errorType":"not_authorized"}`
		invalid      = `{"success":false,"error":"Operation invalid [error-import-operation-invalid]","errorType":"error-import-operation-invalid"}`
		totp         = `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp"}}`
		tooMany      = `{"success":false,"error":"Error, too many requests. Please slow down. [error-too-many-requests]"}`
	)
	type refusal struct {
		status int
		body   string
	}
	for _, test := range []struct {
		want     Reason
		reached  bool
		hint     string
		refusals []refusal
	}{
		{Unauthorized, true, "personal access token", []refusal{
			{401, unauthorized}, {401, mustLogIn}, {401, merged}, {403, unauthorized}, {200, merged}}},
		{Unauthorized, true, "Ignore Two Factor Authentication", []refusal{{400, totp}, {403, totp}}},
		{Forbidden, true, "run-import", []refusal{{403, noPermission}, {400, notAllowed}, {400, notAuthrized}}},
		{RateLimited, false, "Scrape less often", []refusal{{429, ""}, {429, tooMany}}},
		{HTTPStatus, false, "Something in front of Rocket.Chat refused the call", []refusal{
			{401, html}, {401, `{"message":"No API key found in request"}`}, {401, `{"status":"error"}`},
			{401, `{"success":null,"error":"unauthorized"}`}, {401, unauthorized[:len(unauthorized)-1]},
			{403, html}, {403, mustLogIn}, {403, `{"error":"unauthorized","errorType":"not_authorized"}`}}},
		{HTTPStatus, false, "The proxy asks for credentials", []refusal{{407, ""}}},
		{HTTPStatus, false, "could wipe", []refusal{{404, html}}},
		{HTTPStatus, true, "could wipe", []refusal{{404, unauthorized}}},
		{HTTPStatus, true, "Rocket.Chat is failing", []refusal{{500, `{"success":false}`}, {500, notAllowed}}},
		{HTTPStatus, false, "Rocket.Chat or the proxy in front of it", []refusal{{500, html}, {502, html}}},
		{HTTPStatus, true, "Rocket.Chat's log", []refusal{
			{400, unauthorized}, {400, invalid}, {200, `{"success":false}`}, {200, `{"waiting":true,"success":false}`},
			{200, `{"operation":{"_id":"a","status":"s"},"success":false}`}}},
		{HTTPStatus, false, "Rocket.Chat's log", []refusal{
			{400, ""}, {400, `{"errorType":"not_authorized"}`}, {300, ""}, {304, ""}, {418, ""}, {201, `{"success":true}`}, {204, ""}}},
		{Decode, false, "not what Rocket.Chat's API answers", []refusal{{200, html}, {200, mustLogIn}}},
		{Decode, true, "not what Rocket.Chat's API answers", []refusal{{200, `{"success":true,"operation":{},"users":{}}`}}},
	} {
		for _, refusal := range test.refusals {
			t.Run(fmt.Sprint(refusal), func(t *testing.T) {
				for endpoint, err := range callBoth(t, serve(t, answer(refusal.status, refusal.body))) {
					e := wantReason(t, err, test.want)
					assert.Equal(t, endpoint, e.Endpoint)
					assert.Equal(t, refusal.status, e.Status)
					assert.Equal(t, test.reached, e.Reached)
					assert.Contains(t, e.Hint, test.hint)
					assert.ErrorContains(t, err, string(endpoint))
					assert.NotErrorIs(t, err, ErrNoOperation)
				}
			})
		}
	}
}

func TestAProxyThatWantsCredentialsForTLSIsAnHTTPStatus(t *testing.T) {
	for _, err := range callBoth(t, "https://chat.example.com", throughProxy(serve(t, answer(407, "")))) {
		e := wantReason(t, err, HTTPStatus)
		assert.Equal(t, 407, e.Status)
		assert.Equal(t, proxyHint, e.Hint)
		assert.False(t, e.Reached)
	}
}

func TestTheHintNamesBasicAuthIfSomethingInFrontAsksForIt(t *testing.T) {
	const hint = "Something in front of Rocket.Chat asks for a user name and a password: set basic_auth in the HTTP client settings."
	for _, test := range []struct {
		body, first, second string
		want                bool
	}{
		{html, `Basic realm="intranet"`, "", true},
		{"", "BASIC", "", true},
		{"", "Negotiate", "Basic", true},
		{"", "Bearer", "", false},
		{`{"success":false}`, "Basic", "", false},
	} {
		for _, err := range callBoth(t, serve(t, answer(401, test.body, "WWW-Authenticate", test.first, "WWW-Authenticate", test.second))) {
			assert.Equal(t, test.want, err.(*Error).Hint == hint, test)
		}
	}
}

func TestOnly400OperationNotFoundMeansThatThereWasNoImport(t *testing.T) {
	for _, status := range []int{200, 400, 403, 404, 500} {
		url := serve(t, answer(status, recorded(t, "filedata-none.json")))
		_, err := newClient(t, url).FileData(t.Context(), time.Time{})
		assert.Equal(t, status == 400, errors.Is(err, ErrNoOperation), "%d: %v", status, err)
	}
}

func TestA429SaysWhenTheServerTakesCallsAgain(t *testing.T) {
	at := func(reset time.Time) func(time.Time) time.Time { return func(time.Time) time.Time { return reset } }
	after := func(d time.Duration) func(time.Time) time.Time {
		return func(now time.Time) time.Time { return now.Add(d) }
	}
	unknown := at(time.Time{})
	for name, test := range map[string]struct {
		reset, retryAfter string
		want              func(now time.Time) time.Time
		reached           bool
	}{
		"a reset":                        {"1795501915842", "", at(time.UnixMilli(1795501915842)), true},
		"both":                           {"1000", "30", at(time.UnixMilli(1000)), true},
		"texts":                          {"soon", "soon", unknown, false},
		"more than 64 bits":              {"99999999999999999999", "", unknown, false},
		"seconds":                        {"", "30", after(30 * time.Second), false},
		"no seconds":                     {"", "0", after(0), false},
		"seconds beside a useless reset": {"soon", "30", after(30 * time.Second), false},
		"more seconds than a duration":   {"", "9223372036854775807", after((1 << 31) * time.Second), false},
		"negative seconds":               {"", "-30", unknown, false},
		"a date":                         {"", "Wed, 25 Nov 2026 03:20:40 GMT", at(time.Date(2026, 11, 25, 3, 20, 40, 0, time.UTC)), false},
	} {
		t.Run(name, func(t *testing.T) {
			before := time.Now()
			url := serve(t, answer(429, "", "X-RateLimit-Reset", test.reset, "Retry-After", test.retryAfter))
			for _, err := range callBoth(t, url) {
				e := wantReason(t, err, RateLimited)
				assert.WithinRange(t, e.RateLimitReset, test.want(before), test.want(time.Now()))
				assert.Equal(t, test.reached, e.Reached)
			}
		})
	}
}

func TestAnHTTPStatusErrorNamesTheErrorType(t *testing.T) {
	for _, errorType := range []string{"error-importer-not-defined", strings.Repeat("x", 1000)} {
		_, err := newClient(t, serve(t, answer(400, `{"errorType":"`+errorType+`"}`))).CurrentOperation(t.Context())
		assert.ErrorContains(t, wantReason(t, err, HTTPStatus), errorType[:26])
		assert.Less(t, len(err.Error()), 500)
	}
}

func TestARedirectIsNotFollowedAndNamesTheURLToConfigure(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	const (
		configure = "Configure the URL that the redirect leads to: "
		login     = "another page at https://chat.example.com, such as a login: allow the exporter to call the API directly, or configure the URL of the workspace there."
	)
	for location, hint := range map[string]string{
		"{other}/api/v1/{endpoint}":                                     configure + other,
		"/chat/api/v1/{endpoint}":                                       configure + "{self}/chat",
		"/api/v1/{endpoint}/":                                           somethingInFront,
		"/api/v1/{endpoint}?again":                                      somethingInFront,
		"https://chat.example.com:8443/api/v1/{endpoint}?next=secret":   configure + "https://chat.example.com:8443",
		"https://chat.example.com/sub/chat/api/v1/{endpoint}/":          configure + "https://chat.example.com/sub/chat",
		"https://user:secret@chat.example.com/api/v1/{endpoint}#secret": configure + "https://chat.example.com",
		"//chat.example.com/api/v1/{endpoint}":                          configure + "http://chat.example.com",
		"https://user:secret@chat.example.com/secret?secret":            login,
		"/login?next=/api/v1/{endpoint}":                                "configure the URL of the workspace there.",
		"ftp://chat.example.com/api/v1/{endpoint}":                      somethingInFront,
		"http://%zz/":                somethingInFront,
		"https:///api/v1/{endpoint}": somethingInFront,
	} {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				to := strings.NewReplacer("{other}", other, "{endpoint}", path.Base(r.URL.Path)).Replace(location)
				answer(status, "", "Location", to)(w, r)
			})
			for _, err := range callBoth(t, url, func(cfg *Config) { cfg.HTTP.FollowRedirects = true }) {
				e := wantReason(t, err, Redirect)
				want := strings.Replace(hint, "{self}", url, 1)
				assert.True(t, strings.HasSuffix(e.Hint, want), "%d to %s: %s", status, location, e.Hint)
				assert.NotContains(t, e.Hint+e.Error(), "secret")
			}
		}
	}
}

func TestReasonsAreTheNineOfTheMetrics(t *testing.T) {
	assert.Equal(t,
		[]Reason{"unauthorized", "forbidden", "rate_limited", "timeout", "connection", "tls", "redirect", "http_status", "decode"}, Reasons())
	for _, r := range Reasons() {
		assert.Equal(t, r == Unauthorized || r == Forbidden, r.Credentials(), r)
		assert.NotEmpty(t, r.Hint(), r)
	}
	assert.Empty(t, Reason("").Hint())
	assert.False(t, Reason("").Credentials())
}
