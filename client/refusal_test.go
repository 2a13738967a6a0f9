package client

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryRefusalSaysWhatWasMetAndWhoAnswered(t *testing.T) {
	const (
		unauthorized = `{"success":false,"error":"unauthorized"}`
		mustLogIn    = `{"status":"error","message":"You must be logged in to do this."}`
		merged       = `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`
		since9       = `{"success":false,"error":"You must be logged in to do this."}`
		noPermission = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`
		notAllowed   = `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed"}`
		notAuthrized = `{"success":false,"error":"not_authorized","errorType":"not_authorized"}`
		errNotAuthor = `{"success":false,"error":"Not authorized [error-not-authorized]","errorType":"error-not-authorized"}`
		invalid      = `{"success":false,"error":"Operation invalid [error-import-operation-invalid]","errorType":"error-import-operation-invalid"}`
		noType       = `{"success":false,"error":"Cannot read properties of undefined"}`
		totp         = `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp"}}`
		tooMany      = `{"success":false,"error":"Error, too many requests. Please slow down. [error-too-many-requests]"}`
		noEndpoint   = `{"status":"error","message":"API endpoint does not exist"}`

		// What gateways answer, which looks like Rocket.Chat's JSON.
		gateway403    = `{"success":false,"message":"Forbidden by policy"}`
		gatewayStatus = `{"success":false,"status":403,"error":"Forbidden","message":"blocked"}`
		gateway401    = `{"status":401,"message":"No API key found in request"}`
	)
	// The refusals are status, body, status, body. Those with a plus come from Rocket.Chat, as its header says.
	for _, test := range []struct {
		met      string
		reason   Reason
		answered Answerer
		own      bool // X-Instance-ID is sent
		refusals []any
	}{
		{"credentials", Unauthorized, RocketChat, false, []any{401, unauthorized, 401, mustLogIn, 401, merged, 401, since9, 403, unauthorized, 200, merged}},
		{"credentials", Unauthorized, RocketChat, true, []any{401, "", 401, html, 401, gateway401, 401, unauthorized[:9]}},
		{"two_factor", Unauthorized, RocketChat, false, []any{400, totp, 403, totp}},
		{"permission", Forbidden, RocketChat, false, []any{403, noPermission, 400, notAllowed, 400, notAuthrized, 400, errNotAuthor}},
		{"permission", Forbidden, RocketChat, true, []any{403, ""}},
		{"front_limited", RateLimited, InFront, false, []any{429, "", 429, tooMany}}, // whose body is not read
		{"limited", RateLimited, RocketChat, true, []any{429, "", 429, tooMany}},
		{"front_refused", HTTPStatus, InFront, false, []any{
			401, html, 401, `{"message":"No API key found in request"}`, 401, `{"status":"error"}`, 401, gateway401,
			401, `{"success":null,"error":"unauthorized"}`, 401, unauthorized[:len(unauthorized)-1],
			403, html, 403, mustLogIn, 403, `{"error":"unauthorized","errorType":"not_authorized"}`, 403, gateway403, 403, gatewayStatus}},
		{"front_proxy_credentials", HTTPStatus, InFront, false, []any{407, ""}},
		{"front_not_found", HTTPStatus, InFront, false, []any{404, html, 404, noEndpoint, 404, `{"success":false,"message":"no Route matched"}`}},
		{"unknown_route", HTTPStatus, RocketChat, true, []any{404, "404 Not Found", 404, noEndpoint, 405, noEndpoint}},
		{"unknown_route", HTTPStatus, RocketChat, false, []any{404, unauthorized}},
		{"failing", HTTPStatus, RocketChat, false, []any{500, `{"success":false}`, 500, notAllowed}},
		{"failing", HTTPStatus, RocketChat, true, []any{500, "Internal Server Error", 503, html}},
		{"front_failing", HTTPStatus, InFront, false, []any{500, html, 502, html, 503, gateway403}},
		{"refused", HTTPStatus, RocketChat, false, []any{
			400, unauthorized, 400, invalid, 400, noType, 200, `{"success":false}`, 200, `{"waiting":true,"success":false}`,
			200, `{"operation":{"_id":"a","status":"s"},"success":false}`}},
		{"refused", HTTPStatus, RocketChat, true, []any{400, html, 418, "", 300, "", 204, ""}},
		{"front_other", HTTPStatus, InFront, false, []any{
			400, "", 400, `{"errorType":"not_authorized"}`, 300, "", 302, "", 304, "", 418, "", 201, `{"success":true}`, 204, "",
			402, html, 405, html, 406, html, 408, html, 410, html, 413, html, 414, html, 421, html, 431, html, 444, html, 451, html}},
		{"front_page", Decode, InFront, false, []any{200, html}},
		{"unknown_page", Decode, RocketChat, true, []any{200, html}},
		{"not_the_api", Decode, InFront, false, []any{200, mustLogIn, 200, "hello"}},
		{"unknown_form", Decode, RocketChat, false, []any{200, `{"success":true,"operation":{},"users":{}}`}},
		{"unknown_form", Decode, RocketChat, true, []any{200, mustLogIn}},
	} {
		for refusal := range slices.Chunk(test.refusals, 2) {
			t.Run(fmt.Sprint(test.met, refusal), func(t *testing.T) {
				status, body := refusal[0].(int), refusal[1].(string)
				headers := []string{"Content-Type", "application/json"}
				if body == html {
					headers[1] = "text/html; charset=utf-8"
				}
				if test.own {
					headers = append(headers, "X-Instance-ID", "f678011b-03bc-4f39-b013-32ecea9d37c1")
				}
				for endpoint, err := range callBoth(t, serve(t, answer(status, body, headers...))) {
					e := wantReason(t, err, test.reason)
					assert.Equal(t, test.met, e.Hint.Key())
					assert.Equal(t, test.answered, e.Answered)
					assert.Equal(t, endpoint, e.Endpoint)
					assert.Equal(t, status, e.Status)
					assert.ErrorContains(t, err, string(endpoint))
					assert.NotErrorIs(t, err, ErrNoOperation)
				}
			})
		}
	}
}

func TestAPathTooManyIsToldFromAServerThatIsTooOld(t *testing.T) {
	own := []string{"X-Instance-ID", "f678011b", "Content-Type", "text/html; charset=utf-8"}
	for path, want := range map[string][]string{
		"": {"unknown_route", "unknown_page"}, "/": {"unknown_route", "unknown_page"},
		"/api": {"wrong_path", "wrong_path_page"}, "/api/v1": {"wrong_path", "wrong_path_page"}, "/chat/": {"wrong_path", "wrong_path_page"},
	} {
		for i, status := range []int{404, 200} {
			for _, err := range callBoth(t, serve(t, answer(status, html, own...))+path) {
				assert.Equal(t, want[i], err.(*Error).Hint.Key(), path)
			}
		}
	}
}

func TestWhatAServerSaysOfA4xxIsRepeatedShortAndPrintable(t *testing.T) {
	for body, want := range map[string]string{
		`{"success":false,"error":"Cannot read\nproperties"}`:                           "HTTP status 400: Rocket.Chat refused the call: Cannot read\uFFFDproperties",
		`{"success":false,"error":"No importer [error-gone]","errorType":"error-gone"}`: "Rocket.Chat refused the call: No importer [error-gone]",
		`{"success":false,"error":"No importer","errorType":"error-gone"}`:              "Rocket.Chat refused the call: No importer [error-gone]",
		`{"success":false,"errorType":"error-gone"}`:                                    "Rocket.Chat refused the call: [error-gone]",
		`{"success":false}`:         "Rocket.Chat refused the call",
		`{"message":"unknown key"}`: "something in front of Rocket.Chat answered (Server: gate/1): unknown key",
		html:                        "something in front of Rocket.Chat answered (Server: gate/1)",
		`{"success":false,"error":"` + strings.Repeat("x", 1000) + `"}`: strings.Repeat("x", 256) + "…",
	} {
		for _, err := range callBoth(t, serve(t, answer(400, body, "Server", "gate/1"))) {
			assert.True(t, strings.HasSuffix(err.Error(), want), err)
		}
	}
}

func TestHTTPToATLSPortAndAMissingCertificateAreKnownByThePageOfTheServer(t *testing.T) {
	page := func(text string) string { return "<html><head><title>400 " + text + "</title></head></html>" }
	for body, want := range map[string]string{
		page("The plain HTTP request was sent to HTTPS port"):                           "front_https", // nginx
		"Client sent an HTTP request to an HTTPS server.\n":                             "front_https", // Go
		page("Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"): "front_https", // Apache
		page("No required SSL certificate was sent"):                                    "front_client_certificate",
		page("The SSL certificate error"):                                               "front_client_certificate",
		page("Request Header Or Cookie Too Large"):                                      "front_other",
	} {
		for _, status := range []int{400, 495, 497} {
			for _, err := range callBoth(t, serve(t, answer(status, body))) {
				assert.Equal(t, want, wantReason(t, err, HTTPStatus).Hint.Key(), body)
			}
		}
	}
}

func TestBasicAuthIsToBeSetWhereItIsMissingAndCorrectedWhereItIsWrong(t *testing.T) {
	for _, test := range []struct{ body, first, second, want string }{
		{html, `Basic realm="intranet"`, "", "front_basic_auth"},
		{"", "BASIC", "", "front_basic_auth"},
		{"", "Negotiate", "Basic", "front_basic_auth"},
		{"", `Negotiate, Basic realm="a, b"`, "", "front_basic_auth"},
		{"", "Bearer", "", "front_refused"},
		{"", `Bearer realm="basic"`, "", "front_refused"},
		{`{"success":false}`, "Basic", "", "credentials"},
	} {
		url := serve(t, answer(401, test.body, "WWW-Authenticate", test.first, "WWW-Authenticate", test.second))
		for _, err := range callBoth(t, url) {
			assert.Equal(t, test.want, err.(*Error).Hint.Key(), test)
		}
		for _, err := range callBoth(t, url, func(cfg *Config) { cfg.HTTP.BasicAuth = &config.BasicAuth{Username: "a"} }) {
			assert.Equal(t, strings.Replace(test.want, "basic_auth", "basic_auth_wrong", 1), err.(*Error).Hint.Key(), test)
		}
	}
}

func TestATokenIsKnownToBeAcceptedWhereRocketChatLooksAtItBeforeItRefuses(t *testing.T) {
	limits := []string{"X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795999186351"}
	own := append(limits, "X-Instance-ID", "f678011b")
	for _, test := range []struct {
		status  int
		body    string
		headers []string
		want    bool
	}{
		{429, "", limits, true},
		{429, "", own, true},
		{429, "", []string{"Retry-After", "30"}, false},
		{429, "", []string{"X-RateLimit-Limit", "10", "X-RateLimit-Reset", "30"}, false}, // Envoy's
		{403, `{"success":false,"error":"[error-unauthorized]"}`, nil, true},
		{400, `{"success":false,"error":"invalid-params"}`, limits, true},
		{400, `{"success":false,"error":"invalid-params"}`, nil, false},
		{401, `{"success":false,"error":"unauthorized"}`, own, false},
		{502, html, limits, false},
	} {
		for _, err := range callBoth(t, serve(t, answer(test.status, test.body, test.headers...))) {
			assert.Equal(t, test.want, err.(*Error).TokenAccepted, test)
			if test.status == 429 {
				assert.Equal(t, test.want, strings.HasPrefix(words(err.(*Error)), "The token was accepted. Wait"), test)
			}
		}
	}
}

func TestOnly400OperationNotFoundMeansThatThereWasNoImport(t *testing.T) {
	for _, status := range []int{200, 400, 403, 404, 500} {
		url := serve(t, answer(status, recorded(t, "filedata-none.json")))
		_, err := newClient(t, url).FileData(t.Context())
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
		"both":                           {"1795501915842", "30", at(time.UnixMilli(1795501915842)), true},
		"a gateway's seconds":            {"30", "", unknown, false},
		"a gateway's seconds since 1970": {"1795501915", "30", after(30 * time.Second), false},
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
				assert.Equal(t, test.reached, e.Answered == RocketChat)
			}
		})
	}
}

func TestARedirectIsNotFollowedAndNamesTheURLToConfigure(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for location, want := range map[string]string{
		"{other}/api/v1/{endpoint}":                                     "redirect_url {other}",
		"/chat/api/v1/{endpoint}":                                       "redirect_url {self}/chat",
		"https://{host}/api/v1/{endpoint}":                              "redirect_https https://{host}", // Force_SSL
		"https://127.0.0.1/api/v1/{endpoint}":                           "redirect_https https://127.0.0.1",
		"/api/v1/{endpoint}/":                                           "redirect_loop",
		"/api/v1/{endpoint}?again":                                      "redirect_loop",
		"https://chat.example.com:8443/api/v1/{endpoint}?next=secret":   "redirect_url https://chat.example.com:8443",
		"https://chat.example.com/sub/chat/api/v1/{endpoint}/":          "redirect_url https://chat.example.com/sub/chat",
		"https://user:secret@chat.example.com/api/v1/{endpoint}#secret": "redirect_url https://chat.example.com",
		"//chat.example.com/api/v1/{endpoint}":                          "redirect_url http://chat.example.com",
		"https://user:secret@chat.example.com/secret?secret":            "redirect_page https://chat.example.com",
		"/login?next=/api/v1/{endpoint}":                                "redirect_page {self}",
		"ftp://chat.example.com/api/v1/{endpoint}":                      "redirect_loop",
		"http://%zz/":                "redirect_loop",
		"https:///api/v1/{endpoint}": "redirect_loop",
	} {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			for _, instance := range []string{"", "f678011b"} {
				url := serve(t, func(w http.ResponseWriter, r *http.Request) {
					to := strings.NewReplacer("{other}", other, "{endpoint}", path.Base(r.URL.Path), "{host}", r.Host).Replace(location)
					answer(status, "", "Location", to, "X-Instance-ID", instance)(w, r)
				})
				for _, err := range callBoth(t, url, func(cfg *Config) { cfg.HTTP.FollowRedirects = true }) {
					e := wantReason(t, err, Redirect)
					met, to, _ := strings.Cut(strings.NewReplacer("{self}", url, "{other}", other, "{host}", url[7:]).Replace(want), " ")
					assert.Equal(t, met, e.Hint.Key(), "%d to %s", status, location)
					assert.Contains(t, words(e), to)
					assert.NotContains(t, words(e)+e.Error(), "secret")
					answered := InFront
					switch {
					case instance != "":
						answered = RocketChat
					case met == "redirect_https":
						answered = Unclear
					}
					assert.Equal(t, answered, e.Answered)
				}
			}
		}
	}
}

func TestHintsNameSettingsOnlyInTheWordsOfTheirReader(t *testing.T) {
	rows := findings(t)
	require.Greater(t, len(rows), 40)
	keys := map[string]bool{}
	for _, row := range rows {
		h := Hint{met: row, detail: "https://chat.example.com"}
		said := h.Words(func(string) string { return "SETTING" })
		assert.NotRegexp(t, `--|_interval|_timeout|_file\b|%s|\$`, strings.NewReplacer("cert_file", "", "key_file", "", "ca_file", "").Replace(said), row.key)
		assert.Contains(t, Reasons(), row.reason, row.key)
		assert.NotEmpty(t, said, row.key)
		assert.False(t, keys[h.Key()], "%s twice", h.Key())
		keys[h.Key()] = true
	}
	assert.Empty(t, Hint{}.Words(nil))
}

// findings returns all rows of the table.
func findings(t *testing.T) map[string]finding {
	t.Helper()
	rows := map[string]finding{
		"credentials": credentials, "twoFactor": twoFactor, "permission": permission,
		"limited": limited, "noImport": noImport, "refused": refused, "failing": failing,
		"wrongPath": wrongPath, "wrongPathPage": wrongPathPage, "unknownRoute": unknownRoute,
		"unknownPage": unknownPage, "unknownForm": unknownForm, "frontLimited": frontLimited,
		"frontBasic": frontBasic, "frontBasicBad": frontBasicBad, "frontProxy": frontProxy,
		"frontRefused": frontRefused, "frontNotFound": frontNotFound, "frontHTTPS": frontHTTPS,
		"frontClient": frontClient, "frontOther": frontOther, "frontFailing": frontFailing,
		"frontPage": frontPage, "notTheAPI": notTheAPI, "cached": cached, "older": older,
		"redirectHTTPS": redirectHTTPS, "redirectURL": redirectURL, "redirectPage": redirectPage,
		"redirectLoop": redirectLoop, "noAnswer": noAnswer, "noSelection": noSelection,
		"undelivered": undelivered, "noName": noName, "noConnection": noConnection, "noProxy": noProxy,
		"unknownHost": unknownHost, "broken": broken, "proxyFailed": proxyFailed,
		"proxyCredentials": proxyCredentials, "tlsFailed": tlsFailed, "tlsRefused": tlsRefused,
		"tlsClient": tlsClient, "tlsPlain": tlsPlain, "tlsExpected": tlsExpected,
		"closedEarly": closedEarly, "stoodStill": stoodStill, "slowLook": slowLook,
		"instances": instances, "badTokenFile": badTokenFile, "settingsFailed": settingsFailed,
	}
	file, err := parser.ParseFile(token.NewFileSet(), "hint.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if row, ok := n.(*ast.ValueSpec); ok {
			literal, _ := row.Values[0].(*ast.CompositeLit)
			if literal != nil && literal.Type.(*ast.Ident).Name == "finding" {
				_, listed := rows[row.Names[0].Name]
				assert.True(t, listed, "this list lacks %s", row.Names[0].Name)
			}
		}
		return true
	})
	return rows
}

func TestReasonsAreThoseOfTheMetrics(t *testing.T) {
	assert.Equal(t, []Reason{
		"unauthorized", "forbidden", "rate_limited", "timeout", "connection", "tls", "redirect", "http_status", "decode",
		"outdated", "proxy", "settings",
	}, Reasons())
}
