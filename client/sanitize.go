package client

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLabel = 128 // bytes of a text in a record that are kept
	maxQuote = 256 // bytes of an error's text that are kept
)

// sanitize makes a text that may quote the server safe for an error message.
func sanitize(text, token string) string {
	text = printable(redact(text, token))
	if len(text) > maxQuote {
		return truncate(text, maxQuote) + "…"
	}
	return text
}

// printable replaces control characters, which could forge a line in a log or
// on a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// truncate cuts a text after at most max bytes, and never within a character.
func truncate(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max]
}

// redact replaces every occurrence of the token: as it is, as net/http quotes
// it, and as a URL's path contains it.
func redact(text, token string) string {
	if token == "" {
		return text
	}
	quoted := strings.Trim(strconv.Quote(token), `"`)
	inPath := (&url.URL{Path: token}).EscapedPath()
	const secret = "<secret>"
	return strings.NewReplacer(token, secret, quoted, secret, inPath, secret).Replace(text)
}
