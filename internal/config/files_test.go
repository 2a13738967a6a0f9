package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALocalFileThatCannotBeUsedIsAnErrorThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	pipe, folder := filepath.Join(dir, "pipe"), filepath.Join(dir, "folder")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Mkdir(folder, 0o700))
	locked := writeFile(t, "locked", secret)
	require.NoError(t, os.Chmod(locked, 0))
	faults := map[string]string{
		filepath.Join(dir, "gone"): "no such file or directory",
		folder:                     "is a directory",
		pipe:                       "is not a regular file",
	}
	if os.Getuid() != 0 { // who may read everything
		faults[locked] = "permission denied"
	}
	twoLines := map[string]string{writeFile(t, "lines", secret+"\n"+secret): "a line break"}
	for setting, more := range map[string]map[string]string{
		"auth_token_file: %s":                                                  twoLines,
		"http_config: {tls_config: {ca_file: %s}}":                             nil,
		"http_config: {tls_config: {cert_file: %s, key_file: k}}":              nil,
		"http_config: {tls_config: {cert_file: " + locked + ", key_file: %s}}": nil,
		"http_config: {basic_auth: {username_file: %s}}":                       nil,
		"http_config: {basic_auth: {username: u, password_file: %s}}":          nil,
		"http_config: {authorization: {credentials_file: %s}}":                 twoLines,
		"http_config: {bearer_token_file: %s}":                                 twoLines,
		"http_config: {http_headers: {a: {files: [%s]}}}":                      twoLines,
	} {
		for _, files := range []map[string]string{faults, more} {
			for file, fault := range files {
				content := "workspaces:\n  acme:\n    url: http://localhost:3000\n    user_id: u\n"
				if !strings.HasPrefix(setting, "auth_token") {
					content += "    auth_token: " + secret + "\n"
				}
				_, _, err := load(t, content+"    "+fmt.Sprintf(setting, file))
				require.ErrorContains(t, err, file, setting)
				assert.ErrorContains(t, err, fault)
				assert.ErrorContains(t, err, "workspace acme: ")
				assert.NotContains(t, err.Error(), secret)
			}
		}
	}
}

// whole has every kind of key and value.
const whole = `# a comment
workspaces:
  acme: &acme
    url: https://chat.acme.example/chat
    user_id: "aobEdbYhXfu5hkeqG"
    auth_token: 'another-token'
    timeout: 8s
    min_interval: 0s
    file_data: never
    http_config: &http
      basic_auth: {username: u, password: p}
      tls_config: {server_name: s, insecure_skip_verify: true, min_version: TLS12}
      proxy_url: http://me:pass@proxy.example:3128
      proxy_connect_header: {h: [v, w]}
      http_headers:
        X-A: {values: [v], secrets: [w]}
      follow_redirects: false
  other:
    <<: *acme
    auth_token: |
      text-text
    http_config: *http
  third: {<<: [*acme], http_config: {authorization: {type: T, credentials: c}}}
`

const wholeWeb = `tls_server_config: {cert: c, key: k, client_auth_type: t, cipher_suites: [a], min_version: TLS12}
http_server_config: {http2: true, headers: {X-Frame-Options: deny}}
rate_limit: {interval: 1s, burst: 5}
basic_auth_users: {alice: x}
`

// assertSecretIsNotRepeated reads content as each kind of file. Only the names of workspaces and of
// files may be repeated.
func assertSecretIsNotRepeated(t *testing.T, content string) {
	t.Helper()
	_, file := Load([]byte(content), "/gone", defaults)
	for _, err := range []error{
		file, unmarshal([]byte(content), new(promconfig.HTTPClientConfig)), unmarshal([]byte(content), new(web.Config)),
	} {
		if err == nil {
			continue
		}
		text := regexp.MustCompile(`workspaces?:? [A-Za-z0-9_.-]+|/gone/\S+`).ReplaceAllString(err.Error(), "")
		require.NotContains(t, text, "Sec3-ret", content)
	}
}

func TestErrorsRepeatNothingThatWasWritten(t *testing.T) {
	const secret = "Sec3-ret_Sec3"
	marks := []string{
		"", " ", "\t", ":", ": ", "*", "&", "!", "!!", "%", "@", "`", "'", `"`, "[", "{", "|", ">", "- ", "? ", "# ", ", ", "\n", "\n---\n", "\x00",
	}
	for _, whole := range []string{whole, wholeWeb} {
		for i, at := range regexp.MustCompile(`[A-Za-z0-9_.-]+`).FindAllStringIndex(whole, -1) {
			before, word, after := whole[:at[0]], whole[at[0]:at[1]], whole[at[1]:]
			for j, mark := range marks { // in one of three ways
				content := []string{
					before + mark + secret + after, before + word + mark + secret + after, before + secret + mark + word + after,
				}[(i+j)%3]
				assertSecretIsNotRepeated(t, content)
			}
		}
	}
}

func FuzzErrorsRepeatNothingThatWasWritten(f *testing.F) {
	for _, whole := range []string{whole, wholeWeb} {
		f.Add(strings.ReplaceAll(whole, "text", "Sec3-ret"))
		f.Add(strings.ReplaceAll(whole, "acme", "Sec3-ret"))
		f.Add(strings.ReplaceAll(whole, "key", "Sec3-ret"))
	}
	f.Fuzz(func(t *testing.T, content string) { assertSecretIsNotRepeated(t, content) })
}
