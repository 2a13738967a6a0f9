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

// ParseURL parses a workspace's base URL. Its errors say what is wrong, and never contain the URL,
// which may contain a password.
func ParseURL(text string) (*url.URL, error) {
	if problem := headerProblem(text); problem != "" {
		return nil, errors.New("the URL has " + problem)
	}
	u, err := url.Parse(text)
	switch scheme, _, _ := strings.Cut(strings.ToLower(text), "://"); {
	case scheme != "http" && scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case err != nil:
		return nil, errors.New("this is not a URL such as https://chat.example.com: check its host, its port and each %")
	case u.Hostname() == "":
		return nil, errors.New("the URL has no host")
	case !validPort(u):
		return nil, errors.New("the URL's port must be 1 to 65535")
	case u.User != nil:
		return nil, errors.New("the URL must not contain a user name or password")
	case strings.ContainsAny(text, "?#"):
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

// ReadFile returns the content of a regular file. Reading anything else, such as a pipe, could block
// forever. Its errors name the file, and say what is wrong with it.
func ReadFile(file string) ([]byte, error) {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a file", file)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	content, err := os.ReadFile(file)
	if failed, ok := errors.AsType[*os.PathError](err); ok {
		return nil, fmt.Errorf("%s: %w", file, failed.Err)
	}
	return content, err
}

// ReadToken returns the token in a file, without surrounding space. Its errors
// name the file, and never contain the token.
func ReadToken(file string) (string, error) {
	content, err := ReadFile(file)
	if err != nil {
		return "", err
	}
	token, err := ParseToken(string(content))
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return token, nil
}

// minToken is how long a token is at least. Rocket.Chat's have 43 characters. A token so short that
// it occurs in ordinary words could not be removed from what Rocket.Chat answers without harm.
const minToken = 8

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
	if utf8.RuneCountInString(token) < minToken {
		return "", fmt.Errorf("the token has fewer than %d characters: copy all of it", minToken)
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

// headerProblem says what is wrong with a value that is sent as a header or a URL, or returns "".
// Quotation marks come from env files; invisible characters come from editors and copied text.
func headerProblem(value string) string {
	const marks = "\"'`“”„‘’‚«»"
	switch {
	case strings.ContainsRune(value, '\ufeff'):
		return "a byte-order mark (U+FEFF): save it as UTF-8 without one"
	case strings.ContainsFunc(value, invisible):
		return "a zero-width character, which is invisible: type it again, or copy it without one"
	case strings.Trim(value, marks) != value:
		return "quotation marks around it: remove them"
	case strings.ContainsAny(value, "\r\n"):
		return "a line break or a carriage return in it: write it on one line"
	case strings.ContainsFunc(value, unicode.IsSpace):
		return "a space in it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "a character that no HTTP header may contain"
	default:
		return ""
	}
}
