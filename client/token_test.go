package client

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestATokenFileIsReadAgainForEachCall(t *testing.T) {
	tokens := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.Header.Get("X-Auth-Token")
		answer(200, both)(w, r)
	})
	file := filepath.Join(t.TempDir(), "token")
	c := newClient(t, url, func(cfg *Config) { cfg.TokenFile = file })
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		for content, want := range map[string]string{"first": "first", "second\n": "second", " third\r\n": "third"} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got := <-tokens; got != want {
				t.Errorf("%q was sent, want %q", got, want)
			}
		}
	})
}

func TestATokenFileThatHoldsNoTokenIsUnauthorizedAndNothingIsSent(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		for name, content := range map[string]string{"missing": "", "empty": "", "only space": " \n", "two lines": testToken + "\n" + testToken} {
			observed := 0
			server := serveRaw(t, func(*net.TCPConn) {})
			file := filepath.Join(t.TempDir(), "token")
			if name != "missing" {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := newClient(t, server.URL, func(cfg *Config) {
				cfg.TokenFile, cfg.Observe = file, func(Call) { observed++ }
			})
			if _, err := c.FileData(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, ErrNotSent) {
				t.Errorf("%s: a guarded read returned %v, want ErrNotSent", name, err)
			}
			err := call(t.Context(), c)
			e := wantReason(t, err, Unauthorized)
			wantNoToken(t, e, testToken)
			if !strings.Contains(e.Hint, "the token's file readable") || e.Status != 0 {
				t.Errorf("%s: status %d, hint %q", name, e.Status, e.Hint)
			}
			if n := server.Requests.Load(); n != 0 || observed != 0 {
				t.Errorf("%s: %d requests arrived, %d were observed", name, n, observed)
			}
		}
	})
}

// wantNoToken checks that neither the token nor a telling piece of it is in anything
// that an error says.
func wantNoToken(t *testing.T, e *Error, token string) {
	t.Helper()
	said := fmt.Sprintf("%s\n%s\n%+v\n%#v\n%q", e, e.Hint, e, e, e.Unwrap())
	const telling = 8
	for i := range len(token) - telling {
		if piece := token[i : i+telling]; strings.Contains(said, piece) {
			t.Errorf("the error contains %q of the token: %s", piece, said)
			return
		}
	}
}

func TestAnEchoedTokenIsInNoError(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	echo := map[string]string{ // what a server answers; {} is the token that it was sent
		"error text and type, 400":  "HTTP/1.1 400 Bad\r\n\r\n" + `{"success":false,"error":"{}","errorType":"x {} y"}`,
		"error text and type, 401":  "HTTP/1.1 401 {}\r\n\r\n" + `{"success":false,"error":"{}","errorType":"{}"}`,
		"error text and type, 403":  "HTTP/1.1 403 {}\r\n\r\n" + `{"success":false,"error":"{}","errorType":"{}"}`,
		"error text and type, 429":  "HTTP/1.1 429 {}\r\n\r\n" + `{"success":false,"error":"{}","errorType":"{}"}`,
		"error text and type, 500":  "HTTP/1.1 500 {}\r\n\r\n" + `{"success":false,"error":"{}","errorType":"{}"}`,
		"error text and type, 200":  head + "\r\n" + `{"success":false,"error":"{}","errorType":"{}"}`,
		"a long error type":         "HTTP/1.1 400 Bad\r\n\r\n" + `{"errorType":"` + strings.Repeat("x", 230) + `{}"}`,
		"Location's path":           "HTTP/1.1 302 Found\r\nLocation: https://host/{}/api/v1/{endpoint}\r\n\r\n",
		"Location's path, encoded":  "HTTP/1.1 302 Found\r\nLocation: https://host/%51{tail}/api/v1/{endpoint}\r\n\r\n",
		"Location's long path":      "HTTP/1.1 302 Found\r\nLocation: https://host/" + strings.Repeat("x", 220) + "{}/api/v1/{endpoint}\r\n\r\n",
		"Location's host":           "HTTP/1.1 302 Found\r\nLocation: https://{}.example.com/api/v1/{endpoint}\r\n\r\n",
		"Location's query":          "HTTP/1.1 302 Found\r\nLocation: https://host/api/v1/{endpoint}?token={}\r\n\r\n",
		"Location's user":           "HTTP/1.1 302 Found\r\nLocation: https://{}:{}@host/api/v1/{endpoint}\r\n\r\n",
		"Location that is no URL":   "HTTP/1.1 302 Found\r\nLocation: https://%zz{}\r\n\r\n",
		"the status line":           "{}\r\n\r\n",
		"a long status line":        strings.Repeat("x", 250) + "{}\r\n\r\n",
		"the status code":           "HTTP/1.1 {} OK\r\n\r\n",
		"the HTTP version":          "HTTP/{} 200 OK\r\n\r\n",
		"a header line":             head + "{}\r\n\r\n",
		"a header name":             head + "a {} b: c\r\n\r\n",
		"Content-Length":            head + "Content-Length: {}\r\n\r\n",
		"Transfer-Encoding":         head + "Transfer-Encoding: {}\r\n\r\n",
		"a chunk's length":          head + "Transfer-Encoding: chunked\r\n\r\n{}\r\n",
		"text in place of JSON":     head + "\r\n{}",
		"text after the reply":      head + "\r\n" + `{"success":true,"waiting":true}{}`,
		"a name before broken JSON": head + "\r\n" + `{"a":{"{}":{"b":nope}}}`,
		"a long name":               head + "\r\n" + `{"` + strings.Repeat("x", 60) + `{}":{"b":nope}}`,
		"a long name, other end":    head + "\r\n" + `{"a":{"{}` + strings.Repeat("x", 60) + `":{"b":nope}}}`,
		"a name of a wrong type":    head + "\r\n" + `{"users":{"{}":1},"operation":["{}"],"success":true}`,
		"a value of a wrong type":   head + "\r\n" + `{"users":"{}","operation":"{}"}`,
		"a count":                   head + "\r\n" + `{"message_count":"{}","operation":{"count":{"users":"{}"}}}`,
	}
	for name, reply := range echo {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, endpoint Endpoint, call func(context.Context, *Client) error) {
				server := serveRaw(t, func(conn *net.TCPConn) {
					io.WriteString(conn, strings.NewReplacer("{}", testToken, "{tail}", testToken[1:], "{endpoint}", string(endpoint)).Replace(reply))
				})
				err := call(t.Context(), newClient(t, server.URL))
				e, ok := err.(*Error)
				if !ok {
					t.Fatalf("got %v, want an *Error", err)
				}
				wantNoToken(t, e, testToken)
			})
		})
	}
}

func TestAnEchoedTokenIsInNoErrorWhereverALongNameIsCut(t *testing.T) {
	for length := range 160 {
		for _, name := range []string{strings.Repeat("x", length) + testToken, testToken + strings.Repeat("x", length)} {
			reply := `{"a":{"` + name + `":{"b":[nope]}}}`
			_, err := askOperation(t, reply)
			wantNoToken(t, wantReason(t, err, Decode), testToken)
			if t.Failed() {
				return
			}
		}
	}
}

func TestAnEchoedTokenOfUnusualCharactersIsInNoError(t *testing.T) {
	for _, text := range []string{`secret"secret`, `secret\secret`, `secret/secret`, `secret~secret`, `secret%41secret`, `secret secret`, "secret\tsecret", "secret\xe9secret"} {
		token, err := ParseToken(text)
		if err != nil {
			continue // a token that is not accepted is never sent
		}
		quoted, _ := json.Marshal(token)
		for name, reply := range map[string]string{
			"the status line": token + "\r\n\r\n",
			"the status code": "HTTP/1.1 " + token + "\r\n\r\n",
			"Location's path": "HTTP/1.1 302 Found\r\nLocation: https://host/" + url.PathEscape(token) + "/api/v1/getCurrentImportOperation\r\n\r\n",
			"a name":          "HTTP/1.1 200 OK\r\n\r\n{" + string(quoted) + `:{"b":nope}}`,
		} {
			t.Run(text+" in "+name, func(t *testing.T) {
				server := serveRaw(t, func(conn *net.TCPConn) { io.WriteString(conn, reply) })
				_, err := newClient(t, server.URL, func(cfg *Config) { cfg.Token = token }).CurrentOperation(t.Context())
				e := err.(*Error)
				if strings.Contains(strings.ReplaceAll(e.Error()+e.Hint, "<secret>", ""), "secret") {
					t.Errorf("%s: %s", e, e.Hint)
				}
			})
		}
	}
}

func TestAnEchoedTokenIsReplacedInAnOperation(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Auth-Token")
		escaped := fmt.Sprintf(`\u%04x%s`, token[0], token[1:])
		fmt.Fprintf(w, `{"operation":{"_id":"%s","type":"a %s b","importerKey":"%s%s","status":"%s"}}`, token, token, token, token, escaped)
	})
	answer, err := newClient(t, url).CurrentOperation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := answer.Operation
	if got.ID != "<secret>" || got.Type != "a <secret> b" || got.Importer != "<secret><secret>" || got.Step != "<secret>" {
		t.Errorf("got %+v", got)
	}
}

func TestAnEchoedTokenInAGzipHeaderIsInNoError(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		zip.Name, zip.Comment = r.Header.Get("X-Auth-Token"), r.Header.Get("X-Auth-Token")
		io.WriteString(zip, r.Header.Get("X-Auth-Token"))
		zip.Close()
	})
	_, err := newClient(t, url).FileData(t.Context(), time.Time{})
	wantNoToken(t, wantReason(t, err, Decode), testToken)
}

func TestATokenIsReadOnlyFromARegularFile(t *testing.T) {
	// Reading a pipe without a writer would block the call forever.
	if _, err := ReadToken(os.DevNull); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("the error is %v", err)
	}
}

func TestParseTokenRemovesSurroundingSpace(t *testing.T) {
	for _, text := range []string{"secret", " secret", "secret\n", "\r\n\tsecret \r\n"} {
		if got, err := ParseToken(text); got != "secret" || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestATokenOrUserIDThatNoHeaderMayContainIsRejectedInWordsThatNameTheProblem(t *testing.T) {
	for text, problem := range map[string]string{
		"priv\nate": "a space", "priv\r\nate": "a space", "priv ate": "a space", "priv\tate": "a space", "priv\u00a0ate": "a space",
		"priv\x00ate": "no HTTP header", "private\x7f": "no HTTP header", "\x01private": "no HTTP header", "priv\u0085ate": "a space",
		`"private"`: "quotation marks", `'private'`: "quotation marks", `"private`: "quotation marks", "private'": "quotation marks",
		"`private`": "quotation marks", "“private”": "quotation marks", "„private“": "quotation marks", "‘private’": "quotation marks", `"`: "quotation marks",
		"\ufeffprivate": "byte-order mark", "private\ufeff": "byte-order mark", "\ufeff\"private\"": "byte-order mark",
		"private\u200b": "zero-width", "priv\u200bate": "zero-width", "\u200dprivate": "zero-width", "private\u2060": "zero-width", "private\u200e": "zero-width",
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, fromText := ParseToken(text)
		_, fromFile := ReadToken(file)
		for what, err := range map[string]error{"the token": fromText, "the token ": fromFile, "the user id": CheckUserID(text)} {
			switch {
			case err == nil:
				t.Errorf("%q: %s is accepted", text, what)
			case !strings.Contains(err.Error(), strings.TrimSpace(what)+" has ") || !strings.Contains(err.Error(), problem):
				t.Errorf("%q: %v", text, err)
			case strings.Contains(err.Error(), "priv"), strings.Contains(err.Error(), "ate\""):
				t.Errorf("%q: the error quotes it: %v", text, err)
			}
		}
	}
	for _, text := range []string{"", " \n"} {
		if got, err := ParseToken(text); got != "" || err == nil {
			t.Errorf("%q: got %q and no error", text, got)
		}
	}
	for _, id := range []string{"aobEdbYhXfu5hkeqG", "rocket.cat", "o'brien", ""} {
		if err := CheckUserID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestRedactRemovesTheTokenInEveryFormThatAnErrorMayQuote(t *testing.T) {
	for _, token := range []string{`a"b;c/d\e`, "plain", "smörgås", "50%of"} {
		for form, text := range map[string]string{
			"as it is":     token,
			"quoted":       strings.Trim(fmt.Sprintf("%q", token), `"`),
			"in an URL":    (&url.URL{Path: token}).EscapedPath(),
			"in a message": "x " + token + token + " y",
		} {
			want := "<secret>"
			if form == "in a message" {
				want = "x <secret><secret> y"
			}
			if got := redact(text, token); got != want {
				t.Errorf("%s %s: %s", token, form, got)
			}
		}
	}
	if got := redact("text", ""); got != "text" {
		t.Errorf("without a token: %s", got)
	}
}
