package client

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseURL parses a workspace's base URL. Its errors never contain the URL,
// which may contain a password.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the URL has no host")
	case !validPort(u):
		return nil, errors.New("the URL's port must be 1 to 65535")
	case u.User != nil:
		return nil, errors.New("the URL must not contain a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("the URL must have no query and no fragment")
	default:
		return u, nil
	}
}

// validPort reports whether u has no port, or one from 1 to 65535.
func validPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// ReadToken returns the token in a regular file, without surrounding space. Reading anything else,
// such as a pipe, could block forever. Its errors never contain the token.
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
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
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
