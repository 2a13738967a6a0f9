// Package config says which workspaces are watched and how. Flags describe one
// workspace, a file describes many.
package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"

	"rocketchat_import_exporter/client"
)

// Workspace says how one workspace is watched. Two that are
// reflect.DeepEqual are watched in the same way.
type Workspace struct {
	// URL is the base URL of the workspace, as client.ParseURL returns it.
	URL *url.URL
	// UserID and either Token or TokenFile are the credentials of every call.
	UserID           string
	Token, TokenFile string
	// Timeout is above 0. A scrape waits no longer than this for Rocket.Chat.
	Timeout time.Duration
	// MinInterval is 0 or more. Scrapes within it share one answer.
	MinInterval time.Duration
	// PollInterval is how often the exporter looks by itself while nobody scrapes; 0 for never.
	PollInterval time.Duration
	// FileData says when the selection is read.
	FileData Mode
	// FileDataTimeout is above 0. Reading the selection ends after it.
	FileDataTimeout time.Duration
	// HTTP sets TLS, proxy and further headers.
	HTTP promconfig.HTTPClientConfig
	// FromFile is true for a workspace of the configuration file, and false for that of the flags.
	FromFile bool
}

// Mode says when the selection is read. Only getImportFileData returns it.
type Mode string

const (
	// OnChange reads the selection when an operation is first seen waiting for
	// its selection, and again when its staged counts have changed and settled.
	OnChange Mode = "on-change"
	// EachScrape reads it at every scrape of an operation that waits for its selection.
	EachScrape Mode = "each-scrape"
	// Never does not read it.
	Never Mode = "never"
	// Unguarded calls getImportFileData at every scrape without knowing the step. THIS WIPES A
	// RUNNING IMPORT. It is for servers that offer no other endpoint.
	Unguarded Mode = "unguarded"
)

// Client returns a client of the workspace, or an [*Error]. It makes no call. observe may be nil.
func (w Workspace) Client(userAgent string, observe func(client.Call)) (*client.Client, error) {
	c, err := client.New(client.Config{
		URL: w.URL, UserID: w.UserID, Token: w.Token, TokenFile: w.TokenFile,
		HTTP: w.HTTP, UserAgent: userAgent, Observe: observe,
	})
	if err != nil {
		return nil, &Error{[]Setting{SettingHTTP}, err}
	}
	return c, nil
}

// Error says what is wrong with one setting, or with several together. It never holds a secret.
type Error struct {
	Settings []Setting
	Err      error
}

// Error names the settings, as in the file, and the fault.
func (e *Error) Error() string {
	var keys []string
	for _, setting := range e.Settings {
		keys = append(keys, setting.Key)
	}
	return strings.Join(keys, ", ") + ": " + e.Err.Error()
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

// Check returns an [*Error] for the first setting that cannot be used. It reads no file: see
// [Workspace.CheckFiles].
func (w Workspace) Check() error {
	if w.URL == nil {
		return wrong("is missing", SettingURL)
	}
	if err := w.checkCredentials(); err != nil {
		return err
	}
	if err := checkHTTP(w.HTTP); err != nil {
		return err
	}
	if w.FileData == Unguarded && w.PollInterval > 0 {
		return wrong("must be 0s in the mode unguarded, where each look may wipe an import", SettingPollInterval)
	}
	return w.CheckDefaults()
}

func (w Workspace) checkCredentials() error {
	switch {
	case w.UserID == "":
		return wrong("is missing", SettingUserID)
	case w.Token == "" && w.TokenFile == "":
		return wrong("one of them is needed", SettingToken, SettingTokenFile)
	case w.Token != "" && w.TokenFile != "":
		return wrong("only one of them can be set", SettingToken, SettingTokenFile)
	}
	if err := client.CheckUserID(w.UserID); err != nil {
		return &Error{[]Setting{SettingUserID}, err}
	}
	if w.Token == "" {
		return nil
	}
	if _, err := client.ParseToken(w.Token); err != nil {
		return &Error{[]Setting{SettingToken}, err}
	}
	return nil
}

// checkHTTP rejects settings that prometheus/common accepts, and that would
// fail or contradict the credentials at every call.
func checkHTTP(c promconfig.HTTPClientConfig) error {
	if proxy := c.ProxyURL.URL; proxy != nil && !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme) {
		return wrong("proxy_url must begin with http://, https://, socks5:// or socks5h://", SettingHTTP)
	}
	if c.OAuth2 != nil {
		// prometheus/common calls its token server without the call's context.
		return wrong("oauth2 is not supported: Rocket.Chat takes the personal access token", SettingHTTP)
	}
	if c.HTTPHeaders == nil {
		return nil
	}
	for header := range c.HTTPHeaders.Headers {
		if !httpguts.ValidHeaderFieldName(header) {
			return wrong("http_headers: the name of a header may have neither spaces nor other such characters", SettingHTTP)
		}
		if strings.EqualFold(header, "X-Auth-Token") || strings.EqualFold(header, "X-User-Id") {
			return wrong("http_headers must not set "+http.CanonicalHeaderKey(header)+", which the credentials set", SettingHTTP)
		}
	}
	return nil
}

// CheckDefaults returns an [*Error] for the first setting that cannot be a default for workspaces:
// [Workspace.Check] without the URL, the credentials and the HTTP settings.
func (w Workspace) CheckDefaults() error {
	switch {
	case w.Timeout <= 0:
		return wrong("must be above 0", SettingTimeout)
	case w.MinInterval < 0:
		return wrong("must not be negative", SettingMinInterval)
	case w.PollInterval != 0 && w.PollInterval < time.Second:
		return wrong("must be 0s or at least 1s", SettingPollInterval)
	case !slices.Contains([]Mode{OnChange, EachScrape, Never, Unguarded}, w.FileData):
		return wrong("must be on-change, each-scrape, never or unguarded", SettingFileData)
	case w.FileDataTimeout <= 0:
		return wrong("must be above 0", SettingFileDataTimeout)
	default:
		return nil
	}
}

func wrong(fault string, settings ...Setting) error { return &Error{settings, errors.New(fault)} }

// tokenLike matches Rocket.Chat's tokens.
var tokenLike = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// CheckFiles returns an [*Error] that names the first file of the settings that cannot be read, or
// whose content cannot be sent. It also looks at what is sent beside the content of files.
func (w Workspace) CheckFiles() error {
	if w.TokenFile != "" {
		if tokenLike.MatchString(filepath.Base(w.TokenFile)) { // no message may repeat it
			return wrong("this looks like a token and not like the name of a file", SettingTokenFile)
		}
		if _, err := client.ReadToken(w.TokenFile); err != nil {
			return &Error{[]Setting{SettingTokenFile}, err}
		}
	}
	if err := checkHTTPFiles(w.HTTP); err != nil {
		return &Error{[]Setting{SettingHTTP}, err}
	}
	return nil
}

func checkHTTPFiles(c promconfig.HTTPClientConfig) error {
	for _, p := range parts(c) {
		sent, where := p.value, p.key
		if p.file != "" {
			content, err := client.ReadFile(p.file)
			if err != nil {
				return fmt.Errorf("%s: %w", p.key, err)
			}
			sent, where = strings.TrimSpace(string(content)), p.key+": "+p.file
		}
		if p.header && !httpguts.ValidHeaderFieldValue(sent) {
			return errors.New(where + ": a line break or another control character cannot be sent in a header")
		}
	}
	return nil
}

// part is a file that http_config names, or a value that it holds.
type part struct {
	key, file, value string // file is empty for a value, and if the key is not there
	header           bool   // it becomes a header as it is
}

// parts returns the files of http_config, and its values that become a header.
func parts(c promconfig.HTTPClientConfig) []part {
	all := []part{
		{key: "tls_config.ca_file", file: c.TLSConfig.CAFile},
		{key: "tls_config.cert_file", file: c.TLSConfig.CertFile},
		{key: "tls_config.key_file", file: c.TLSConfig.KeyFile},
	}
	if auth := c.BasicAuth; auth != nil {
		all = append(all, part{key: "basic_auth.username_file", file: auth.UsernameFile},
			part{key: "basic_auth.password_file", file: auth.PasswordFile})
	}
	if auth := c.Authorization; auth != nil {
		all = append(all, part{"authorization.credentials_file", auth.CredentialsFile, "", true},
			part{"authorization", "", auth.Type, true}, part{"authorization", "", string(auth.Credentials), true})
	}
	for _, secrets := range c.ProxyConnectHeader {
		for _, secret := range secrets {
			all = append(all, part{"proxy_connect_header", "", string(secret), true})
		}
	}
	if c.HTTPHeaders == nil {
		return all
	}
	for _, header := range c.HTTPHeaders.Headers {
		for _, file := range header.Files {
			all = append(all, part{"http_headers", file, "", true})
		}
		for _, value := range header.Values {
			all = append(all, part{"http_headers", "", value, true})
		}
		for _, secret := range header.Secrets {
			all = append(all, part{"http_headers", "", string(secret), true})
		}
	}
	return all
}
