package client

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ReadToken returns the token in a regular file, without surrounding space.
// Reading anything else, such as a pipe, could block forever. Its errors never
// contain the token.
func ReadToken(file string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return ParseToken(string(content))
}

// ParseToken returns the token in text, without surrounding space. Its errors
// never contain the text.
func ParseToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	if token == "" {
		return "", errors.New("the token is empty")
	}
	if problem := headerProblem(token); problem != "" {
		return "", errors.New("the token has " + problem)
	}
	return token, nil
}

// CheckUserID returns an error if id cannot be sent as a header. Its errors
// never contain the id. An empty id is accepted.
func CheckUserID(id string) error {
	if problem := headerProblem(id); problem != "" {
		return errors.New("the user id has " + problem)
	}
	return nil
}

// headerProblem says what is wrong with a value that is sent as a header, or
// returns "". Quotation marks come from env files, whose readers may keep them;
// invisible characters come from editors and copied text.
func headerProblem(value string) string {
	const marks = "\"'`“”„‘’‚«»"
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case value == "":
		return ""
	case strings.ContainsRune(value, '\ufeff'):
		return "a byte-order mark (U+FEFF): save it as UTF-8 without one"
	case strings.ContainsFunc(value, zeroWidth):
		return "a zero-width character, which is invisible: type it again, or copy it without one"
	case strings.ContainsRune(marks, first) || strings.ContainsRune(marks, last):
		return "quotation marks around it: remove them"
	case strings.ContainsFunc(value, unicode.IsSpace):
		return "a space in it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "a character that no HTTP header may contain"
	default:
		return ""
	}
}

// zeroWidth reports whether r is a format character, such as a zero-width space
// or a text direction mark.
func zeroWidth(r rune) bool { return unicode.Is(unicode.Cf, r) }
