// Package client speaks Rocket.Chat's import API: it asks what import a
// workspace has and what is staged for it. It knows nothing of Prometheus, and
// keeps nothing between calls but connections.
//
// Whether getImportFileData may be called is for the caller to decide: in the
// wrong step of an import that call wipes it.
package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// apiPath is where a workspace's API is, below its base URL.
const apiPath = "/api/v1/"

// Endpoint names an endpoint of the API as its URL does.
type Endpoint string

// The endpoints that are called, both GET, both in Rocket.Chat since 3.0.0.
const (
	// CurrentOperation answers the newest import's record and never writes.
	CurrentOperation Endpoint = "getCurrentImportOperation"
	// ImportFileData answers the selection and, in most steps, writes.
	ImportFileData Endpoint = "getImportFileData"
)

// Config says which workspace to speak to, and as whom.
type Config struct {
	// URL is the workspace's base URL, as [ParseURL] returns it. It may have a path.
	URL *url.URL
	// UserID goes into X-User-Id.
	UserID string
	// Token goes into X-Auth-Token; if TokenFile is set, that file's content
	// does, read anew for each call and without the space around it.
	Token, TokenFile string
	// HTTP sets TLS, proxy and further headers. Redirects are never followed,
	// whatever it says.
	HTTP config.HTTPClientConfig
	// UserAgent names this program to the server.
	UserAgent string
	// Observe, if set, is called once for each call when it is over, but for one
	// that ended in [ErrNotSent]. It may be called concurrently.
	Observe func(Call)
}

// Call is what one call cost.
type Call struct {
	Endpoint Endpoint
	// Status is the HTTP status, or 0 where no answer came.
	Status int
	// Duration is from the start of the call to the end of its body.
	Duration time.Duration
	// Bytes is the size of the body as it came over the connection, as far as it
	// was read: that of a refusal whose status tells all is not.
	Bytes int64
	// RateLimitRemaining is X-RateLimit-Remaining, known where the server said.
	RateLimitRemaining Number
}

// Client calls one workspace. It is safe for concurrent use.
type Client struct {
	cfg    Config
	shared *http.Client // keeps connections
	single *http.Client // a connection of its own for each request
}

// dialTimeout bounds how long a connection is tried for. Go's transport goes on
// with that when the call that wanted the connection has ended.
const dialTimeout = 10 * time.Second

// New returns a client, or an error if the HTTP configuration cannot be used.
// It makes no call.
func New(cfg Config) (*Client, error) {
	// HTTP/2 would hide a refused client certificate behind a broken connection.
	dialer := net.Dialer{Timeout: dialTimeout}
	options := []config.HTTPClientOption{
		config.WithUserAgent(cfg.UserAgent), config.WithHTTP2Disabled(), config.WithDialContextFunc(dialer.DialContext),
	}
	shared, err := newHTTPClient(cfg.HTTP, options...)
	if err != nil {
		return nil, err
	}
	// On a connection that was used before, or over HTTP/2, Go's transport
	// repeats a GET that broke before its answer began. Here it must not.
	single, err := newHTTPClient(cfg.HTTP, append(options, config.WithKeepAlivesDisabled())...)
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, shared: shared, single: single}, nil
}

func newHTTPClient(cfg config.HTTPClientConfig, options ...config.HTTPClientOption) (*http.Client, error) {
	transport, err := config.NewRoundTripperFromConfig(cfg, "rocketchat", options...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport}, nil
}

// Close closes the connections that are idle. Calls under way go on.
func (c *Client) Close() {
	c.shared.CloseIdleConnections()
	c.single.CloseIdleConnections()
}

// ParseURL reads a workspace's base URL. Its errors never hold the URL, which
// may hold a password.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the URL names no host")
	case !validPort(u):
		return nil, errors.New("the URL's port must be 1 to 65535")
	case u.User != nil:
		return nil, errors.New("the URL must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("the URL must have no query and no fragment")
	default:
		return u, nil
	}
}

// validPort reports whether u has a port that can be connected to, or none.
func validPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// CurrentOperation asks getCurrentImportOperation (3.0 to 8.x), which never
// writes, for the newest import's record. It returns nil if the workspace
// never had an import, and an [*Error] if there is no usable answer.
func (c *Client) CurrentOperation(ctx context.Context) (*Operation, error) {
	x := &exchange{client: c, http: c.shared, endpoint: CurrentOperation}
	var operation *Operation
	err := x.do(ctx, func(d *decoder) (said refusal, err error) {
		operation, said, err = decodeOperationReply(d)
		return said, err
	})
	if err != nil || operation == nil {
		return nil, err
	}
	operation.tidy(x.token)
	operation.AnsweredAt = x.answeredAt
	return operation, nil
}

// FileData asks getImportFileData (3.0 to 8.x) for the selection. In most
// steps of an import that call wipes what is staged: see [StepUserSelection].
//
// The request is sent once at most, on a connection of its own. If connectBy
// is not zero and no connection stands by then, nothing is sent, and the error
// wraps [ErrNotSent]. Other errors are an [*Error], which wraps
// [ErrNoOperation] if the workspace never had an import.
func (c *Client) FileData(ctx context.Context, connectBy time.Time) (FileData, error) {
	x := &exchange{client: c, http: c.single, endpoint: ImportFileData, connectBy: connectBy}
	var data FileData
	err := x.do(ctx, func(d *decoder) (said refusal, err error) {
		data, said, err = decodeFileDataReply(d)
		return said, err
	})
	if err != nil {
		return FileData{}, err
	}
	return data, nil
}

// token returns the token to send now.
func (c *Client) token() (string, error) {
	if c.cfg.TokenFile == "" {
		return ParseToken(c.cfg.Token)
	}
	return ReadToken(c.cfg.TokenFile)
}

// ReadToken returns the token in a regular file, without the space around it.
// From anything else, such as a pipe, it could wait for ever. Its errors never
// hold the token.
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

// ParseToken returns the token in text, without the space around it. Its
// errors never hold the text.
func ParseToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	switch {
	case token == "":
		return "", errors.New("the token is empty")
	case !httpguts.ValidHeaderFieldValue(token) || strings.ContainsFunc(token, unicode.IsSpace):
		return "", errors.New("the token has a space within, or a character that no HTTP header may hold")
	default:
		return token, nil
	}
}

// CheckUserID returns an error if id cannot go into a header.
func CheckUserID(id string) error {
	if !httpguts.ValidHeaderFieldValue(id) || strings.ContainsFunc(id, unicode.IsSpace) {
		return errors.New("the user id has a space, or a character that no HTTP header may hold")
	}
	return nil
}
