package client

import (
	"net/url"
	"strconv"
	"strings"
)

// withoutSecret replaces every occurrence of token in a text that may quote
// what the server sent, as it is or in the forms that quotes and URLs give it.
func withoutSecret(text, token string) string {
	if token == "" {
		return text
	}
	quoted := strings.Trim(strconv.Quote(token), `"`)
	ascii := strings.Trim(strconv.QuoteToASCII(token), `"`)
	for _, form := range []string{token, quoted, ascii, url.QueryEscape(token), url.PathEscape(token)} {
		text = strings.ReplaceAll(text, form, "<secret>")
	}
	return text
}
