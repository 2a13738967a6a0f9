package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"

	"rocketchat_import_exporter/client"
)

// CheckFiles returns an [*Error] that names the first file of the settings that cannot be read, or
// whose content cannot be sent. It also looks at what is sent beside the content of files.
func (w Workspace) CheckFiles() error {
	if w.TokenFile != "" {
		if looksLikeToken(w.TokenFile) {
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

// looksLikeToken reports whether the name of a file looks like one of Rocket.Chat's tokens. Then no
// message may repeat it.
func looksLikeToken(file string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(filepath.Base(file))
}
