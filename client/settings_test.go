package client

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseURLTakesOnlyBaseURLsAndNeverQuotesWhatItRefuses(t *testing.T) {
	for _, text := range []string{
		"http://localhost:3000", "https://chat.example.com", "https://chat.example.com/", "HTTPS://chat.example.com",
		"https://host/chat", "https://host/chat/", "https://host/a/b%2Fc", "http://[::1]:3000", "http://192.0.2.1", "http://host:65535",
	} {
		u, err := ParseURL(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, strings.ToLower(text[:5])+text[5:], u.String())
		}
	}
	for _, text := range []string{
		"", " ", "localhost:3000", "//secret.example.com", "/secret", "ftp://secret.example.com", "secret://host",
		"http://", "http:secret", "http:///secret", "http://:3000/secret", "https://?secret",
		"http://secret@host", "http://user:secret@host", "http://@host/secret", "http://:secret@host",
		"http://host?secret", "http://host/?", "http://host#secret", "http://host/#", "http://host/secret#",
		"http://secret host", "http://host/%zzsecret", "http://host:secret", "http://host\nsecret", "http://host/\x7fsecret",
		" http://secret.example.com", "http://[::1/secret", "http://host:0", "http://host:65536", "http://host:",
	} {
		_, err := ParseURL(text)
		if assert.Error(t, err, text) {
			assert.NotContains(t, err.Error(), "secret")
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

// tokenFile writes a file that ends with the test.
func tokenFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func TestATokenFileIsReadAgainForEachCall(t *testing.T) {
	tokens := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.Header.Get("X-Auth-Token")
		answer(200, both)(w, r)
	})
	file := tokenFile(t, "")
	c := newClient(t, url, func(cfg *Config) { cfg.TokenFile = file })
	for _, call := range calls {
		for content, want := range map[string]string{"the-first": "the-first", "the-second\n": "the-second", " the-third\r\n": "the-third"} {
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			require.NoError(t, call(t.Context(), c))
			assert.Equal(t, want, <-tokens)
		}
	}
}

func TestAReadSendsTheTokenOfItsLook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(testToken), 0o600))
	l := look(t, newClient(t, serve(t, answer(200, both)), func(cfg *Config) { cfg.TokenFile = file }))
	require.NoError(t, os.Remove(file))
	_, err := read(t, l)
	assert.NoError(t, err)
}

func TestATokenFileThatHoldsNoTokenIsAFaultOfTheSettingsAndNothingIsSent(t *testing.T) {
	for name, file := range map[string]string{
		"missing":    filepath.Join(t.TempDir(), "token"),
		"empty":      tokenFile(t, ""),
		"only space": tokenFile(t, " \n"),
		"too short":  tokenFile(t, "Qy7_mS3\n"), // it may occur in a step's name
		"7 letters":  tokenFile(t, "Größe_7\n"),
		"two lines":  tokenFile(t, testToken+"\n"+testToken),
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
			change := func(cfg *Config) {
				cfg.TokenFile, cfg.Observe = file, func(Call) { t.Error("the call was observed") }
			}
			for _, err := range callBoth(t, url, change) {
				e := wantReason(t, err, Settings)
				wantNoToken(t, e)
				assert.Equal(t, "token_file", e.Hint.Key())
				assert.Zero(t, e.Status)
			}
		})
	}
	// Reading a pipe without a writer would block the call forever.
	_, err := ReadToken(os.DevNull)
	assert.ErrorContains(t, err, "not a regular file")
}

func TestATokenOrUserIDThatNoHeaderMayContainIsRejectedInWordsThatNameTheProblem(t *testing.T) {
	for problem, texts := range map[string][]string{
		"a line break": {"priv\nate", "priv\r\nate", "priv\rate"},
		"a space":      {"priv ate", "priv\tate", "priv\u00a0ate", "priv\u0085ate"},
		"a character that no HTTP header may contain": {"priv\x00ate", "private\x7f", "\x01private"},
		"quotation marks": {`"private"`, `'private'`, `"private`, "private'", "`private`", "“private”", "„private“", "‘private’", `"`},
		"byte-order mark": {"\ufeffprivate", "private\ufeff", "\ufeff\"private\""},
		"zero-width":      {"private\u200b", "priv\u200bate", "\u200dprivate", "private\u2060", "private\u200e", "priv\ufe0fate", "priv\u3164ate"},
	} {
		for _, text := range texts {
			_, err := ReadToken(tokenFile(t, text+"\n"))
			for what, err := range map[string]error{"the token has ": err, "the user id has ": CheckUserID(text)} {
				require.ErrorContains(t, err, what)
				assert.ErrorContains(t, err, problem)
				assert.NotContains(t, err.Error(), "priv")
				assert.NotContains(t, err.Error(), `ate"`)
			}
		}
	}
	for _, id := range []string{"aobEdbYhXfu5hkeqG", "rocket.cat", "o'brien", ""} {
		assert.NoError(t, CheckUserID(id))
	}
}
