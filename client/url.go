package client

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
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
