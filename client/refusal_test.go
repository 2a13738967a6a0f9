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
		noImporter   = `{"success":false,"error":"Importer gone [error-importer-not-defined]","errorType":"error-importer-not-defined"}`
	)
	for name, test := range map[string]struct {
		status int
		body   string
		want   Reason
	}{
		"401 of 3.x":                                 {401, unauthorized, Unauthorized},
		"401 of the login layer":                     {401, mustLogIn, Unauthorized},
		"401 of 8.x":                                 {401, merged, Unauthorized},
		"401 without a body":                         {401, "", Unauthorized},
		"401 with HTML":                              {401, html, Unauthorized},
		"403 that says unauthorized":                 {403, unauthorized, Unauthorized},
		"403 of 8.x that says unauthorized":          {403, merged, Unauthorized},
		"200 that says unauthorized":                 {200, unauthorized, Unauthorized},
		"200 of 8.x that says unauthorized":          {200, merged, Unauthorized},
		"403 without the permission":                 {403, noPermission, Forbidden},
		"403 of the login layer":                     {403, mustLogIn, Forbidden},
		"403 without a body":                         {403, "", Forbidden},
		"403 with HTML":                              {403, html, Forbidden},
		"403 with broken JSON":                       {403, `{"success":false,"error":"unauthorized"`, Forbidden},
		"400 error-action-not-allowed":               {400, notAllowed, Forbidden},
		"400 not_authorized":                         {400, notAuthrized, Forbidden},
		"400 that says unauthorized":                 {400, unauthorized, HTTPStatus},
		"400 error-import-operation-invalid":         {400, invalid, HTTPStatus},
		"400 error-importer-not-defined":             {400, noImporter, HTTPStatus},
		"400 without a body":                         {400, "", HTTPStatus},
		"500 error-action-not-allowed":               {500, notAllowed, HTTPStatus},
		"429":                                        {429, `{"success":false,"error":"Error, too many requests. Please slow down. [error-too-many-requests]"}`, RateLimited},
		"429 without a body":                         {429, "", RateLimited},
		"429 that says unauthorized":                 {429, unauthorized, RateLimited},
		"300 without Location":                       {300, "", HTTPStatus},
		"302 without Location":                       {302, html, HTTPStatus},
		"304":                                        {304, "", HTTPStatus},
		"404 with HTML":                              {404, html, HTTPStatus},
		"404 of the API":                             {404, `{"success":false,"error":"unauthorized"}`, HTTPStatus},
		"405":                                        {405, "", HTTPStatus},
		"418":                                        {418, "", HTTPStatus},
		"500":                                        {500, `{"success":false}`, HTTPStatus},
		"502 with HTML":                              {502, html, HTTPStatus},
		"503 with HTML":                              {503, html, HTTPStatus},
		"504 with HTML":                              {504, html, HTTPStatus},
		"201":                                        {201, `{"success":true}`, HTTPStatus},
		"204":                                        {204, "", HTTPStatus},
		"200 that says no":                           {200, `{"success":false}`, HTTPStatus},
		"200 that says no and why":                   {200, invalid, HTTPStatus},
		"200 that says no beside an operation":       {200, `{"operation":{"_id":"a","status":"s"},"success":false}`, HTTPStatus},
		"200 that says no beside a selection":        {200, `{"users":[],"channels":[],"message_count":0,"success":false}`, HTTPStatus},
		"200 that says no beside waiting":            {200, `{"waiting":true,"success":false}`, HTTPStatus},
		"200 with the login page":                    {200, html, Decode},
		"200 without a body":                         {200, "", Decode},
		"200 of the login layer, without its status": {200, mustLogIn, Decode},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				err := call(t.Context(), newClient(t, serve(t, answer(test.status, test.body))))
				e := wantReason(t, err, test.want)
				if e.Endpoint != endpoint || e.Status != test.status {
					t.Errorf("endpoint %s, status %d, want %s, %d", e.Endpoint, e.Status, endpoint, test.status)
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
	for name, test := range map[string]struct {
		headers []string
		want    time.Time
	}{
		"all headers":          {[]string{"X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795501915842"}, time.UnixMilli(1795501915842)},
		"no header":            {nil, time.Time{}},
		"an empty header":      {[]string{"X-RateLimit-Reset", ""}, time.Time{}},
		"a header with text":   {[]string{"X-RateLimit-Reset", "soon"}, time.Time{}},
		"more than 64 bits":    {[]string{"X-RateLimit-Reset", "99999999999999999999"}, time.Time{}},
		"a time that has been": {[]string{"X-RateLimit-Reset", "1000"}, time.UnixMilli(1000)},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				err := call(t.Context(), newClient(t, serve(t, answer(429, "", test.headers...))))
				if e := wantReason(t, err, RateLimited); !e.RateLimitReset.Equal(test.want) {
					t.Errorf("reset is %v, want %v", e.RateLimitReset, test.want)
				}
			})
		})
	}
}

func TestA404WarnsAgainstCallingGetImportFileDataInstead(t *testing.T) {
	_, err := newClient(t, serve(t, answer(404, html))).CurrentOperation(t.Context())
	if e := wantReason(t, err, HTTPStatus); !strings.Contains(e.Hint, "could wipe") {
		t.Errorf("the hint is %q", e.Hint)
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
		login     = "another page at https://chat.example.com, such as a login: let the exporter reach the API past it, or configure the URL of the workspace there."
		elsewhere = "let the exporter reach the API past it."
	)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, hint := range map[string]string{
			"https://chat.example.com/api/v1/{endpoint}":                    "Configure the URL that it leads to: https://chat.example.com",
			"https://chat.example.com:8443/api/v1/{endpoint}?next=secret":   "Configure the URL that it leads to: https://chat.example.com:8443",
			"https://chat.example.com/sub/chat/api/v1/{endpoint}":           "Configure the URL that it leads to: https://chat.example.com/sub/chat",
			"https://user:secret@chat.example.com/api/v1/{endpoint}#secret": "Configure the URL that it leads to: https://chat.example.com",
			"//chat.example.com/api/v1/{endpoint}":                          "Configure the URL that it leads to: http://chat.example.com",
			"https://chat.example.com/login":                                login,
			"https://user:secret@chat.example.com/secret?secret":            login,
			"https://chat.example.com/api/v1/{endpoint}/":                   "Configure the URL that it leads to: https://chat.example.com",
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
					t.Errorf("%d to %s: %v tells a secret: %s", status, location, e, e.Hint)
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
		if r.Refused() != (r == Unauthorized || r == Forbidden) {
			t.Errorf("%s: Refused is %v", r, r.Refused())
		}
	}
}
