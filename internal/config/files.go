package config

import (
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
	for _, file := range localFiles(c) {
		if file.path == "" {
			continue
		}
		content, err := client.ReadFile(file.path)
		if err != nil {
			return fmt.Errorf("%s: %w", file.key, err)
		}
		if file.sent && !httpguts.ValidHeaderFieldValue(strings.TrimSpace(string(content))) {
			return fmt.Errorf("%s: %s: %s", file.key, file.path, notSendable)
		}
	}
	for key, values := range headerValues(c) {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("%s: %s", key, notSendable)
			}
		}
	}
	return nil
}

// looksLikeToken reports whether the name of a file looks like one of Rocket.Chat's tokens. Then no
// message may repeat it.
func looksLikeToken(file string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(filepath.Base(file))
}

const notSendable = "a line break or another control character cannot be sent in a header"

// localFile is a file that http_config names.
type localFile struct {
	key, path string // path is empty if the key is not there
	sent      bool   // its content becomes a header as it is
}

func localFiles(c promconfig.HTTPClientConfig) []localFile {
	files := []localFile{
		{key: "tls_config.ca_file", path: c.TLSConfig.CAFile},
		{key: "tls_config.cert_file", path: c.TLSConfig.CertFile},
		{key: "tls_config.key_file", path: c.TLSConfig.KeyFile},
	}
	if auth := c.BasicAuth; auth != nil {
		files = append(files, localFile{key: "basic_auth.username_file", path: auth.UsernameFile},
			localFile{key: "basic_auth.password_file", path: auth.PasswordFile})
	}
	if auth := c.Authorization; auth != nil {
		files = append(files, localFile{key: "authorization.credentials_file", path: auth.CredentialsFile, sent: true})
	}
	if c.HTTPHeaders != nil {
		for _, header := range c.HTTPHeaders.Headers {
			for _, file := range header.Files {
				files = append(files, localFile{key: "http_headers", path: file, sent: true})
			}
		}
	}
	return files
}

// headerValues returns what becomes a header, by key.
func headerValues(c promconfig.HTTPClientConfig) map[string][]string {
	values := map[string][]string{}
	add := func(key string, secrets ...promconfig.Secret) {
		for _, secret := range secrets {
			values[key] = append(values[key], string(secret))
		}
	}
	if auth := c.Authorization; auth != nil {
		add("authorization", promconfig.Secret(auth.Type), auth.Credentials)
	}
	for _, secrets := range c.ProxyConnectHeader {
		add("proxy_connect_header", secrets...)
	}
	if c.HTTPHeaders != nil {
		for _, header := range c.HTTPHeaders.Headers {
			values["http_headers"] = append(values["http_headers"], header.Values...)
			add("http_headers", header.Secrets...)
		}
	}
	return values
}
