package config

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const secret = "a-token-that-must-not-show"

// defaults are those of the flags.
var defaults = Workspace{
	Timeout: 10 * time.Second, MinInterval: 7 * time.Second,
	FileData: OnChange, FileDataTimeout: 2 * time.Minute,
	HTTP: promconfig.DefaultHTTPClientConfig,
}

// load returns the workspaces of a file of that content, and the file's folder.
func load(t *testing.T, content string) (map[string]Workspace, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	workspaces, err := Load(path, defaults)
	return workspaces, filepath.Dir(path), err
}

func TestLoadTakesWhatIsWrittenAndDefaultsForTheRest(t *testing.T) {
	workspaces, dir, err := load(t, `
workspaces:
  acme:
    url: https://chat.acme.example/chat
    user_id: aobEdbYhXfu5hkeqG
    auth_token_file: secrets/acme
    timeout: 8s
    min_interval: 0s
    file_data: never
    file_data_timeout: 1d
    http_config:
      tls_config: {ca_file: ca.pem}
  other-1.example_x:
    url: http://localhost:3000
    user_id: u
    auth_token: `+secret+`
`)
	require.NoError(t, err)
	acme, other := defaults, defaults
	acme.URL = &url.URL{Scheme: "https", Host: "chat.acme.example", Path: "/chat"}
	acme.UserID, acme.TokenFile = "aobEdbYhXfu5hkeqG", filepath.Join(dir, "secrets/acme")
	acme.Timeout, acme.MinInterval, acme.FileData, acme.FileDataTimeout = 8*time.Second, 0, Never, 24*time.Hour
	acme.HTTP.TLSConfig.CAFile = filepath.Join(dir, "ca.pem")
	other.URL, other.UserID, other.Token = &url.URL{Scheme: "http", Host: "localhost:3000"}, "u", secret
	assert.Equal(t, map[string]Workspace{"acme": acme, "other-1.example_x": other}, workspaces)
}

func TestLoadRejects(t *testing.T) {
	// A workspace that lacks nothing, for what is added to it to be wrong.
	const good = "workspaces:\n  acme:\n    url: http://localhost:3000\n    user_id: u\n    auth_token: " + secret + "\n"
	for name, test := range map[string]struct{ content, want string }{
		"nothing":                       {"", "names no workspace"},
		"a file that was cut off":       {"workspaces:", "names no workspace"},
		"an unknown key":                {good + "    tokn: " + secret, "line 6: field tokn not found"},
		"an unknown key at the top":     {good + "workspace: {}", "line 6: field workspace not found"},
		"an unknown key of HTTP":        {good + "    http_config: {tls_confg: {}}", "line 6: field tls_confg not found"},
		"a key that is there twice":     {good + "    user_id: v", "line 6"},
		"a name that is there twice":    {good + "  acme:\n    url: http://localhost:3000", `"acme" already set`},
		"a workspace that is a text":    {"workspaces:\n  acme: " + secret, "line 2"},
		"what is not YAML":              {"workspaces: [", "yaml"},
		"a name with a slash":           {strings.Replace(good, "acme", "a/b", 1), `workspace "a/b"`},
		"a name that is too long":       {strings.Replace(good, "acme", strings.Repeat("a", 64), 1), "a name is 1 to 63"},
		"a name that begins with a dot": {strings.Replace(good, "acme", ".acme", 1), "begins with a letter or digit"},
		"no URL":                        {strings.Replace(good, "    url: http://localhost:3000\n", "", 1), "workspace acme: url: is missing"},
		"a URL with a password":         {strings.Replace(good, "localhost", "me:"+secret+"@localhost", 1), "workspace acme: url: the URL must not contain"},
		"no user id":                    {strings.Replace(good, "    user_id: u\n", "", 1), "workspace acme: user_id: is missing"},
		"a user id in quotation marks":  {strings.Replace(good, "user_id: u", `user_id: '"u"'`, 1), "workspace acme: user_id: "},
		"a token in quotation marks":    {strings.Replace(good, secret, "'\""+secret+"\"'", 1), "workspace acme: auth_token: "},
		"no token":                      {strings.Replace(good, "    auth_token: "+secret+"\n", "", 1), "workspace acme: auth_token, auth_token_file: one of them is needed"},
		"a token and a file":            {good + "    auth_token_file: a", "workspace acme: auth_token, auth_token_file: only one of them can be set"},
		"a timeout of zero":             {good + "    timeout: 0s", "workspace acme: timeout: must be above 0"},
		"a negative interval":           {good + "    min_interval: -1s", "not a valid duration"},
		"a duration without a unit":     {good + "    timeout: 10", "not a valid duration"},
		"a file-data timeout of 0":      {good + "    file_data_timeout: 0s", "workspace acme: file_data_timeout: must be above 0"},
		"a second document":             {good + "---\nworkspaces: {}", "a second YAML document"},
		"a proxy with a broken URL":     {good + "    http_config: {proxy_url: 'http://me:" + secret + "@proxy:po'}", "not a URL"},
		"a proxy with a broken port":    {good + "    http_config: {proxy_url: 'http://proxy:" + secret + "'}", "not a URL"},
		"OAuth 2":                       {good + "    http_config: {oauth2: {client_id: a, client_secret: " + secret + ", token_url: 'http://localhost/token'}}", "oauth2 is not supported"},
		"a mode that is none":           {good + "    file_data: sometimes", "workspace acme: file_data: must be"},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir, err := load(t, test.content)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, filepath.Join(dir, "config.yml"))
			assert.NotContains(t, err.Error(), secret[:5])
		})
	}
	_, err := Load("/gone/config.yml", defaults)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}
