// Package config says which workspaces are watched, and how: from flags for
// one, from a file for many.
package config

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
)

// Workspace says how one workspace is watched. Workspaces that are the same
// are reflect.DeepEqual.
type Workspace struct {
	// URL is the base URL of the workspace, as client.ParseURL returns it.
	URL *url.URL
	// UserID and either Token or TokenFile are whom to ask as.
	UserID           string
	Token, TokenFile string
	// Timeout, MinInterval, FileData and FileDataTimeout are as in
	// collector.Options.
	Timeout, MinInterval time.Duration
	FileData             collector.Mode
	FileDataTimeout      time.Duration
	// HTTP sets TLS, proxy and further headers.
	HTTP promconfig.HTTPClientConfig
}

// Error is what is wrong with one setting. It never holds a secret.
type Error struct {
	// Setting is its name as in the file: auth_token.
	Setting string
	Err     error
}

// Error names the setting and what is wrong with it.
func (e *Error) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Check returns an [*Error] for the first setting that cannot be used. Whether
// a token file can be read is not looked at: that may change at any time.
func (w *Workspace) Check() error {
	switch {
	case w.URL == nil:
		return wrong("url", "is missing")
	case w.UserID == "":
		return wrong("user_id", "is missing")
	case w.Token == "" && w.TokenFile == "":
		return wrong("auth_token", "is missing, and so is auth_token_file: one of them is needed")
	case w.Token != "" && w.TokenFile != "":
		return wrong("auth_token", "contradicts auth_token_file: only one of them can be given")
	}
	if err := client.CheckUserID(w.UserID); err != nil {
		return &Error{"user_id", err}
	}
	if w.Token != "" {
		if _, err := client.ParseToken(w.Token); err != nil {
			return &Error{"auth_token", err}
		}
	}
	if err := checkHTTP(w.HTTP); err != nil {
		return err
	}
	return w.CheckDurations()
}

// checkHTTP refuses what prometheus/common would take, and what would then
// fail, or contradict the credentials, at every call.
func checkHTTP(c promconfig.HTTPClientConfig) error {
	if proxy := c.ProxyURL.URL; proxy != nil && !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme) {
		return wrong("http_config", "proxy_url must begin with http://, https://, socks5:// or socks5h://")
	}
	if c.OAuth2 != nil {
		// prometheus/common asks its token server without heeding that a call has ended.
		return wrong("http_config", "oauth2 is not supported: Rocket.Chat takes the personal access token")
	}
	if c.HTTPHeaders == nil {
		return nil
	}
	for header := range c.HTTPHeaders.Headers {
		if strings.EqualFold(header, "X-Auth-Token") || strings.EqualFold(header, "X-User-Id") {
			return wrong("http_config", "http_headers must not set "+header+", which the credentials set")
		}
	}
	return nil
}

// CheckDurations is the part of Check that defaults for workspaces must pass
// too.
func (w *Workspace) CheckDurations() error {
	switch {
	case w.Timeout <= 0:
		return wrong("timeout", "must be above 0")
	case w.MinInterval < 0:
		return wrong("min_interval", "must not be negative")
	case w.FileDataTimeout <= 0:
		return wrong("file_data_timeout", "must be above 0")
	default:
		return nil
	}
}

func wrong(setting, what string) error { return &Error{setting, errors.New(what)} }
