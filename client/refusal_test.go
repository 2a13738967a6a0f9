package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const html = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"

func TestEveryRefusalHasItsReason(t *testing.T) {
	const (
		unauthorized = `{"success":false,"error":"unauthorized"}`
		mustLogIn    = `{"status":"error","message":"You must be logged in to do this."}`
		merged       = `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`
		noPermission = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`
		notAllowed   = `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed"}`
		notAuthrized = `{"success":false,"error":"not_authorized","errorType":"not_authorized"}`
		invalid      = `{"success":false,"error":"Operation invalid [error-import-operation-invalid]","errorType":"error-import-operation-invalid"}`
		totp         = `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp"}}`
		noImporter   = `{"success":false,"error":"Importer gone [error-importer-not-defined]","errorType":"error-importer-not-defined"}`
	)
	for name, test := range map[string]struct {
		status  int
		body    string
		want    Reason
		reached bool
	}{
		"401 of 3.x":                                 {401, unauthorized, Unauthorized, true},
		"401 of the login layer":                     {401, mustLogIn, Unauthorized, true},
		"401 of 8.x":                                 {401, merged, Unauthorized, true},
		"401 without a body":                         {401, "", HTTPStatus, false},
		"401 with HTML":                              {401, html, HTTPStatus, false},
		"401 with JSON of something in front":        {401, `{"message":"No API key found in request"}`, HTTPStatus, false},
		"401 with a status alone":                    {401, `{"status":"error"}`, HTTPStatus, false},
		"401 with success that is null":              {401, `{"success":null,"error":"unauthorized"}`, HTTPStatus, false},
		"401 with broken JSON":                       {401, unauthorized[:len(unauthorized)-1], HTTPStatus, false},
		"403 that says unauthorized":                 {403, unauthorized, Unauthorized, true},
		"403 of 8.x that says unauthorized":          {403, merged, Unauthorized, true},
		"200 that says unauthorized":                 {200, unauthorized, Unauthorized, true},
		"200 of 8.x that says unauthorized":          {200, merged, Unauthorized, true},
		"400 totp-required":                          {400, totp, Unauthorized, true},
		"403 totp-required":                          {403, totp, Unauthorized, true},
		"403 without the permission":                 {403, noPermission, Forbidden, true},
		"403 of the login layer":                     {403, mustLogIn, HTTPStatus, false},
		"403 without a body":                         {403, "", HTTPStatus, false},
		"403 with HTML":                              {403, html, HTTPStatus, false},
		"403 with broken JSON":                       {403, unauthorized[:len(unauthorized)-1], HTTPStatus, false},
		"403 with JSON of something in front":        {403, `{"error":"unauthorized","errorType":"not_authorized"}`, HTTPStatus, false},
		"407 with HTML":                              {407, html, HTTPStatus, false},
		"400 error-action-not-allowed":               {400, notAllowed, Forbidden, true},
		"400 not_authorized":                         {400, notAuthrized, Forbidden, true},
		"400 not_authorized of something in front":   {400, `{"errorType":"not_authorized"}`, HTTPStatus, false},
		"400 that says unauthorized":                 {400, unauthorized, HTTPStatus, true},
		"400 error-import-operation-invalid":         {400, invalid, HTTPStatus, true},
		"400 error-importer-not-defined":             {400, noImporter, HTTPStatus, true},
		"400 without a body":                         {400, "", HTTPStatus, false},
		"500 error-action-not-allowed":               {500, notAllowed, HTTPStatus, true},
		"429":                                        {429, `{"success":false,"error":"Error, too many requests. Please slow down. [error-too-many-requests]"}`, RateLimited, false},
		"429 without a body":                         {429, "", RateLimited, false},
		"429 that says unauthorized":                 {429, unauthorized, RateLimited, false},
		"300 without Location":                       {300, "", HTTPStatus, false},
		"302 without Location":                       {302, html, HTTPStatus, false},
		"304":                                        {304, "", HTTPStatus, false},
		"404 with HTML":                              {404, html, HTTPStatus, false},
		"404 of the API":                             {404, unauthorized, HTTPStatus, true},
		"405":                                        {405, "", HTTPStatus, false},
		"418":                                        {418, "", HTTPStatus, false},
		"500":                                        {500, `{"success":false}`, HTTPStatus, true},
		"502 with HTML":                              {502, html, HTTPStatus, false},
		"503 with HTML":                              {503, html, HTTPStatus, false},
		"504 with HTML":                              {504, html, HTTPStatus, false},
		"201":                                        {201, `{"success":true}`, HTTPStatus, false},
		"204":                                        {204, "", HTTPStatus, false},
		"200 that says no":                           {200, `{"success":false}`, HTTPStatus, true},
		"200 that says no and why":                   {200, invalid, HTTPStatus, true},
		"200 that says no beside an operation":       {200, `{"operation":{"_id":"a","status":"s"},"success":false}`, HTTPStatus, true},
		"200 that says no beside a selection":        {200, `{"users":[],"channels":[],"message_count":0,"success":false}`, HTTPStatus, true},
		"200 that says no beside waiting":            {200, `{"waiting":true,"success":false}`, HTTPStatus, true},
		"200 with the login page":                    {200, html, Decode, false},
		"200 without a body":                         {200, "", Decode, false},
		"200 of the login layer, without its status": {200, mustLogIn, Decode, false},
		"200 with a reply of another shape":          {200, `{"success":true,"operation":{},"users":{}}`, Decode, true},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				err := call(t.Context(), newClient(t, serve(t, answer(test.status, test.body))))
				e := wantReason(t, err, test.want)
				if e.Endpoint != endpoint || e.Status != test.status || e.Reached != test.reached {
					t.Errorf("endpoint %s, status %d, reached %v, want %s, %d, %v", e.Endpoint, e.Status, e.Reached, endpoint, test.status, test.reached)
				}
				if !strings.Contains(e.Error(), string(endpoint)) {
					t.Errorf("%q does not name the endpoint", e)
				}
				if errors.Is(err, ErrNoOperation) || errors.Is(err, ErrNotSent) {
					t.Errorf("%v is one of the marked errors", err)
				}
			})
		})
	}
}

func TestTheHintNamesWhatRefusedTheCall(t *testing.T) {
	const inFront = "Something in front of Rocket.Chat"
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		reason Reason
		hint   string
	}{
		"basic auth":                       {answer(401, html, "WWW-Authenticate", `Basic realm="intranet"`), HTTPStatus, "basic_auth in the HTTP client settings"},
		"basic auth, in other letters":     {answer(401, "", "WWW-Authenticate", "BASIC"), HTTPStatus, "basic_auth in the HTTP client settings"},
		"basic auth among others":          {answers(401, "WWW-Authenticate", "Negotiate", "Basic"), HTTPStatus, "basic_auth in the HTTP client settings"},
		"another challenge":                {answer(401, "", "WWW-Authenticate", "Bearer"), HTTPStatus, inFront + " refused the call"},
		"a 401 without a challenge":        {answer(401, html), HTTPStatus, inFront + " refused the call"},
		"a firewall's page":                {answer(403, html), HTTPStatus, inFront + " refused the call"},
		"a proxy":                          {answer(407, "", "Proxy-Authenticate", "Basic"), HTTPStatus, "The proxy asks for credentials"},
		"Rocket.Chat, with a challenge":    {answer(401, `{"success":false}`, "WWW-Authenticate", "Basic"), Unauthorized, "personal access token"},
		"a token that wants a second code": {answer(400, `{"success":false,"errorType":"totp-required"}`), Unauthorized, "Ignore Two Factor Authentication"},
		"a permission":                     {answer(403, `{"success":false}`), Forbidden, "run-import"},
		"a 404":                            {answer(404, html), HTTPStatus, "could wipe"},
		"a proxy that cannot connect":      {answer(502, html), HTTPStatus, "Rocket.Chat or the proxy in front of it"},
		"Rocket.Chat that fails":           {answer(500, `{"success":false}`), HTTPStatus, "Rocket.Chat is failing"},
		"Rocket.Chat, for another reason":  {answer(400, `{"success":false}`), HTTPStatus, "Rocket.Chat's log"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				if e := wantReason(t, call(t.Context(), newClient(t, serve(t, test.answer))), test.reason); !strings.Contains(e.Hint, test.hint) {
					t.Errorf("the hint is %q", e.Hint)
				}
			})
		})
	}
}

// answers returns a handler that answers with a header that occurs twice.
func answers(status int, header, first, second string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()[header] = []string{first, second}
		w.WriteHeader(status)
	}
}

func TestAProxyThatWantsCredentialsForTLSIsAnHTTPStatus(t *testing.T) {
	proxy := serve(t, answer(407, ""))
	c := newClient(t, "https://chat.example.com", throughProxy(t, proxy))
	_, err := c.CurrentOperation(t.Context())
	if e := wantReason(t, err, HTTPStatus); e.Status != 407 || e.Reached || e.Hint != proxyHint {
		t.Errorf("status %d, reached %v, hint %q", e.Status, e.Reached, e.Hint)
	}
	// Nothing of it reached Rocket.Chat.
	if _, err := c.FileData(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, ErrNotSent) {
		t.Errorf("got %v", err)
	}
}

func TestOnly400OperationNotFoundMeansThatThereWasNoImport(t *testing.T) {
	const body = `{"success":false,"error":"Import Operation Not Found [error-operation-not-found]","errorType":"error-operation-not-found"}`
	for _, status := range []int{200, 400, 403, 404, 500} {
		_, err := newClient(t, serve(t, answer(status, body))).FileData(t.Context(), time.Time{})
		if errors.Is(err, ErrNoOperation) != (status == 400) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestA429SaysWhenTheServerTakesCallsAgain(t *testing.T) {
	date := time.Date(2026, 11, 25, 3, 20, 40, 0, time.UTC)
	for name, test := range map[string]struct {
		headers []string
		want    time.Time
		after   time.Duration // from now
		reached bool
	}{
		"all headers":                    {[]string{"X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795501915842"}, time.UnixMilli(1795501915842), 0, true},
		"a time in the past":             {[]string{"X-RateLimit-Reset", "1000"}, time.UnixMilli(1000), 0, true},
		"both":                           {[]string{"Retry-After", "30", "X-RateLimit-Reset", "1000"}, time.UnixMilli(1000), 0, true},
		"no header":                      {nil, time.Time{}, 0, false},
		"empty headers":                  {[]string{"X-RateLimit-Reset", "", "Retry-After", ""}, time.Time{}, 0, false},
		"headers with text":              {[]string{"X-RateLimit-Reset", "soon", "Retry-After", "soon"}, time.Time{}, 0, false},
		"more than 64 bits":              {[]string{"X-RateLimit-Reset", "99999999999999999999"}, time.Time{}, 0, false},
		"seconds":                        {[]string{"Retry-After", "30"}, time.Time{}, 30 * time.Second, false},
		"no seconds":                     {[]string{"Retry-After", "0"}, time.Time{}, 0, false},
		"seconds beside a useless reset": {[]string{"X-RateLimit-Reset", "soon", "Retry-After", "30"}, time.Time{}, 30 * time.Second, false},
		"more seconds than a duration":   {[]string{"Retry-After", "9223372036854775807"}, time.Time{}, (1 << 31) * time.Second, false},
		"negative seconds":               {[]string{"Retry-After", "-30"}, time.Time{}, 0, false},
		"a date":                         {[]string{"Retry-After", "Wed, 25 Nov 2026 03:20:40 GMT"}, date, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				before := time.Now()
				e := wantReason(t, call(t.Context(), newClient(t, serve(t, answer(429, "", test.headers...)))), RateLimited)
				earliest, latest := test.want, test.want
				if test.after != 0 || name == "no seconds" {
					earliest, latest = before.Add(test.after), time.Now().Add(test.after)
				}
				if e.RateLimitReset.Before(earliest) || e.RateLimitReset.After(latest) {
					t.Errorf("reset is %v, want %v to %v", e.RateLimitReset, earliest, latest)
				}
				if e.Reached != test.reached {
					t.Errorf("reached is %v", e.Reached)
				}
			})
		})
	}
}

func TestAnHTTPStatusErrorNamesTheErrorType(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, errorType := range []string{"error-importer-not-defined", long} {
		_, err := newClient(t, serve(t, answer(400, `{"errorType":"`+errorType+`"}`))).CurrentOperation(t.Context())
		e := wantReason(t, err, HTTPStatus)
		if !strings.Contains(e.Error(), errorType[:26]) || len(e.Error()) > 500 {
			t.Errorf("the error is %q", e)
		}
	}
}

func TestARedirectNamesTheURLToConfigure(t *testing.T) {
	const (
		login     = "another page at https://chat.example.com, such as a login: allow the exporter to call the API directly, or configure the URL of the workspace there."
		elsewhere = "Something in front of Rocket.Chat answers: allow the exporter to call the API directly."
	)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, hint := range map[string]string{
			"https://chat.example.com/api/v1/{endpoint}":                    "Configure the URL that the redirect leads to: https://chat.example.com",
			"https://chat.example.com:8443/api/v1/{endpoint}?next=secret":   "Configure the URL that the redirect leads to: https://chat.example.com:8443",
			"https://chat.example.com/sub/chat/api/v1/{endpoint}":           "Configure the URL that the redirect leads to: https://chat.example.com/sub/chat",
			"https://user:secret@chat.example.com/api/v1/{endpoint}#secret": "Configure the URL that the redirect leads to: https://chat.example.com",
			"//chat.example.com/api/v1/{endpoint}":                          "Configure the URL that the redirect leads to: http://chat.example.com",
			"https://chat.example.com/login":                                login,
			"https://user:secret@chat.example.com/secret?secret":            login,
			"https://chat.example.com/api/v1/{endpoint}/":                   "Configure the URL that the redirect leads to: https://chat.example.com",
			"/login?next=/api/v1/{endpoint}":                                "configure the URL of the workspace there.",
			"ftp://chat.example.com/api/v1/{endpoint}":                      elsewhere,
			"http://%zz/":                elsewhere,
			"https:///api/v1/{endpoint}": elsewhere,
		} {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				location := strings.ReplaceAll(location, "{endpoint}", string(endpoint))
				err := call(t.Context(), newClient(t, serve(t, answer(status, "", "Location", location))))
				e := wantReason(t, err, Redirect)
				if !strings.HasSuffix(e.Hint, hint) {
					t.Errorf("%d to %s: the hint is %q", status, location, e.Hint)
				}
				if strings.Contains(e.Hint+e.Error(), "secret") {
					t.Errorf("%d to %s: %v contains a secret: %s", status, location, e, e.Hint)
				}
			})
		}
	}
}

func TestARedirectToAPathOnTheSameHostNamesTheURLToConfigure(t *testing.T) {
	url := serve(t, answer(308, "", "Location", "/chat/api/v1/getCurrentImportOperation"))
	_, err := newClient(t, url).CurrentOperation(t.Context())
	if e := wantReason(t, err, Redirect); !strings.HasSuffix(e.Hint, "leads to: "+url+"/chat") {
		t.Errorf("the hint is %q", e.Hint)
	}
}

func TestARedirectToTheSameURLDoesNotNameItAgain(t *testing.T) {
	for _, location := range []string{"/api/v1/getCurrentImportOperation/", "/api/v1/getCurrentImportOperation?again"} {
		_, err := newClient(t, serve(t, answer(301, "", "Location", location))).CurrentOperation(t.Context())
		if e := wantReason(t, err, Redirect); e.Hint != somethingInFront {
			t.Errorf("%s: the hint is %q", location, e.Hint)
		}
	}
}

func TestARedirectIsNeverFollowedSoThatNoTokenReachesAnotherHost(t *testing.T) {
	for _, follow := range []bool{false, true} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				var arrived atomic.Int64
				other := serve(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
				first := serve(t, answer(status, "", "Location", other+apiPath+string(endpoint)))
				c := newClient(t, first, func(cfg *Config) { cfg.HTTP.FollowRedirects = follow })
				wantReason(t, call(t.Context(), c), Redirect)
				if n := arrived.Load(); n != 0 {
					t.Errorf("follow_redirects %v, %d: %d requests arrived at the other host", follow, status, n)
				}
			})
		}
	}
}

func TestReasonsAreTheNineOfTheMetrics(t *testing.T) {
	want := []Reason{"unauthorized", "forbidden", "rate_limited", "timeout", "connection", "tls", "redirect", "http_status", "decode"}
	if !slices.Equal(Reasons(), want) {
		t.Errorf("got %v", Reasons())
	}
	for _, r := range Reasons() {
		if r.Credentials() != (r == Unauthorized || r == Forbidden) {
			t.Errorf("%s: Credentials is %v", r, r.Credentials())
		}
		if r.Hint() == "" {
			t.Errorf("%s has no hint", r)
		}
	}
	if none := Reason(""); none.Hint() != "" || none.Credentials() {
		t.Error("no reason has a hint, or is about credentials")
	}
}
