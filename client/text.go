package client

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel is how many bytes of a text in a record are kept.
const maxLabel = 128

// quotable makes a text that may quote what the server sent fit for an error.
func quotable(text, token string) string {
	const most = 256
	text = printable(withoutSecret(text, token))
	if len(text) > most {
		return beginning(text, most) + "…"
	}
	return text
}

// printable replaces control characters, which could forge a line of a
// terminal's or a log's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// beginning cuts a text at so many bytes, not within a character.
func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// withoutSecret replaces every occurrence of token in a text that may quote
// what the server sent, as it is or in the forms that quotes and URLs give it.
func withoutSecret(text, token string) string {
	if token == "" {
		return text
	}
	quoted := strings.Trim(strconv.Quote(token), `"`)
	ascii := strings.Trim(strconv.QuoteToASCII(token), `"`)
	const instead = "<secret>"
	return strings.NewReplacer(token, instead, quoted, instead, ascii, instead,
		url.QueryEscape(token), instead, url.PathEscape(token), instead).Replace(text)
}
