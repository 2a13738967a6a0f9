package client

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wantNoToken checks that no telling piece of the token is in anything that an error says.
func wantNoToken(t *testing.T, err error) {
	t.Helper()
	require.IsType(t, (*Error)(nil), err)
	e := err.(*Error)
	said := fmt.Sprintf("%s\n%s\n%+v\n%#v\n%q", e, words(e), e, e, e.Unwrap())
	const telling = 8
	for i := range len(testToken) - telling {
		require.NotContains(t, said, testToken[i:i+telling])
	}
}

func TestAnEchoedTokenIsInNoError(t *testing.T) {
	const (
		head  = "HTTP/1.1 200 OK\r\n"
		found = "HTTP/1.1 302 Found\r\nLocation: "
		no    = `{"success":false,"error":"{}","errorType":"{}"}`
	)
	for name, reply := range map[string]string{ // {} is the token
		"error text and type, 400":  "HTTP/1.1 400 {}\r\n\r\n" + no,
		"error text and type, 200":  head + "\r\n" + no,
		"a long error type":         "HTTP/1.1 400 Bad\r\n\r\n" + `{"errorType":"` + strings.Repeat("x", 230) + `{}"}`,
		"Location's path":           found + "https://host/{}/api/v1/getImportFileData\r\n\r\n",
		"Location's path, encoded":  found + "https://host/%51{tail}/api/v1/getImportFileData\r\n\r\n",
		"Location's host":           found + "https://{}.example.com/api/v1/getImportFileData\r\n\r\n",
		"Location that is no URL":   found + "https://%zz{}\r\n\r\n",
		"the status line":           "{}\r\n\r\n",
		"a long status line":        strings.Repeat("x", 250) + "{}\r\n\r\n",
		"Content-Length":            head + "Content-Length: {}\r\n\r\n",
		"text after the reply":      head + "\r\n" + `{"success":true,"waiting":true}{}`,
		"a name before broken JSON": head + "\r\n" + `{"a":{"{}":{"b":nope}}}`,
		"a long name":               head + "\r\n" + `{"` + strings.Repeat("x", 60) + `{}":{"b":nope}}`,
		"a value of a wrong type":   head + "\r\n" + `{"users":"{}","operation":"{}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range callBoth(t, serve(t, raw(strings.NewReplacer("{}", testToken, "{tail}", testToken[1:]).Replace(reply)))) {
				wantNoToken(t, err)
			}
		})
	}
}

func TestAnEchoedTokenIsReplacedInAnOperation(t *testing.T) {
	escaped := fmt.Sprintf(`\u%04x%s`, testToken[0], testToken[1:])
	got, err := askOperation(t, strings.NewReplacer("{}", testToken, "{escaped}", escaped).Replace(
		`{"operation":{"_id":"{}","type":"a {} b","importerKey":"{}{}","status":"{escaped}"}}`))
	require.NoError(t, err)
	assert.Equal(t, &Operation{ID: "<secret>", Type: "a <secret> b", Importer: "<secret><secret>", Step: "<secret>"}, got)
}

func TestRedactRemovesTheTokenInEveryFormThatAnErrorMayQuote(t *testing.T) {
	for _, token := range []string{`a"b;c/d\e`, "plain", "smörgås", "50%of", "a~b"} {
		for _, text := range []string{token, strings.Trim(fmt.Sprintf("%q", token), `"`), (&url.URL{Path: token}).EscapedPath()} {
			assert.Equal(t, "x <secret><secret> y", clean("x "+text+text+" y", token))
		}
	}
	assert.Equal(t, "text", clean("text", ""))
}

func TestALongTextIsCutBetweenCharacters(t *testing.T) {
	assert.Equal(t, strings.Repeat("ö", maxQuote/2)+"…", sanitize(strings.Repeat("ö", maxQuote), ""))
	assert.Equal(t, "x"+strings.Repeat("ö", maxQuote/2-1)+"…", sanitize("x"+strings.Repeat("ö", maxQuote), ""))
}

func TestTextsOfTheServerHaveNoInvisibleCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"importer_\u202enoitceles": "importer_noitceles", "a\u2066b\u2069": "ab", "a\u2028b\u2029c": "abc",
		"a\u200bb\ufeffc\u2060d\u00ade": "abcde", "a\u3164b\u115fc\u034fd": "abcd", "a\U000e0041b": "ab",
		"a\ufe00b\ufe0fc\U000e0100d\u180be": "abcde", "a \u034f\u200d\ufe0f b": "a  b", "\u3164\u200c\u3164": "", "a\nb\x1bc": "a\ufffdb\ufffdc",
		"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", // Persian
		"\u0915\u094d\u200d\u0937":                         "\u0915\u094d\u200d\u0937",                         // Hindi
		"\u200dab\u200c":                                   "ab", "a\u200d\u200db": "ab", "a\u200d b": "a b", "Größe 日本 🚀": "Größe 日本 🚀",
	} {
		assert.Equal(t, want, label(text, testToken), "%q", text)
		assert.Equal(t, want, sanitize(text, testToken), "%q", text)
	}
	split := testToken[:9] + "\u200b" + testToken[9:]
	assert.Equal(t, "<secret>", sanitize(split, testToken))
}
