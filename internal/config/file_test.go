package config

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const secret = "a-token-that-must-not-show"

// longToken looks like one of Rocket.Chat's.
const longToken = "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f"

// defaults are those of the flags.
var defaults = Workspace{
	Timeout: 10 * time.Second, MinInterval: 7 * time.Second,
	FileData: OnChange, FileDataTimeout: 2 * time.Minute,
	HTTP: DefaultHTTP(),
}

// load returns the workspaces of a file of that content, and the file's folder.
func load(t *testing.T, content string) (map[string]Workspace, string, error) {
	t.Helper()
	dir := t.TempDir()
	workspaces, err := Load([]byte(content), dir, defaults)
	return workspaces, dir, err
}

// writeFile writes a file that ends with the test.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestLoadTakesWhatIsWrittenAndDefaultsForTheRest(t *testing.T) {
	tokens, ca := writeFile(t, "token", secret), writeFile(t, "ca.pem", "")
	workspaces, _, err := load(t, `
workspaces:
  acme:
    url: https://chat.acme.example/chat
    user_id: "aobEdbYhXfu5hkeqG\r"
    auth_token_file: `+tokens+`
    timeout: 8s
    min_interval: 0s
    poll_interval: 1m
    file_data: never
    file_data_timeout: 1d
    http_config:
      tls_config: {ca_file: `+ca+`}
  other-1.example_x:
    url: http://localhost:3000
    user_id: u
    auth_token: `+secret+`
`)
	require.NoError(t, err)
	acme, other := defaults, defaults
	acme.FromFile, other.FromFile = true, true
	acme.URL = &url.URL{Scheme: "https", Host: "chat.acme.example", Path: "/chat"}
	acme.UserID, acme.TokenFile = "aobEdbYhXfu5hkeqG", tokens
	acme.Timeout, acme.MinInterval, acme.FileData, acme.FileDataTimeout = 8*time.Second, 0, Never, 24*time.Hour
	acme.PollInterval = time.Minute
	acme.HTTP.TLSConfig.CAFile = ca
	other.URL, other.UserID, other.Token = &url.URL{Scheme: "http", Host: "localhost:3000"}, "u", secret
	assert.Equal(t, map[string]Workspace{"acme": acme, "other-1.example_x": other}, workspaces)
}

func TestUnguardedIgnoresTheDefaultForOwnLooks(t *testing.T) {
	polling := defaults
	polling.PollInterval = 30 * time.Second
	content := "workspaces:\n  acme:\n    url: http://localhost:3000\n    user_id: u\n    auth_token: " + secret + "\n"
	for more, want := range map[string]time.Duration{"": 30 * time.Second, "    file_data: unguarded": 0} {
		workspaces, err := Load([]byte(content+more), "", polling)
		require.NoError(t, err)
		assert.Equal(t, want, workspaces["acme"].PollInterval, more)
	}
}

func TestLoadRejects(t *testing.T) {
	// A workspace that lacks nothing, for what is added to it to be wrong.
	const good = "workspaces:\n  acme:\n    url: http://localhost:3000\n    user_id: u\n    auth_token: " + secret + "\n"
	for name, test := range map[string]struct{ content, want string }{
		"nothing":                       {"", "names no workspace"},
		"a file that was cut off":       {"workspaces:", "names no workspace"},
		"userid":                        {good + "    userid: " + secret, "line 6: workspace acme: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: auth_token, auth_token_file, "},
		"an unknown key at the top":     {good + "workspace: {}", "line 6: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: workspaces"},
		"an unknown key of HTTP":        {good + "    http_config: {tls_confg: {}}", "line 6: workspace acme: http_config: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: authorization, "},
		"a key that is there twice":     {good + "    user_id: v", "line 6: workspace acme: user_id: this key is there twice"},
		"a name that is there twice":    {good + "  acme:\n    url: http://localhost:3000", "line 6: workspaces: this key is there twice"},
		"a workspace that is a text":    {"workspaces:\n  acme: " + secret, "line 2: workspace acme: needs one key on each line, indented, without a dash, and with a space after the colon"},
		"a list of workspaces":          {"workspaces:\n  - url: " + secret, "line 2: workspaces: needs one key on each line, indented, without a dash, and with a space after the colon"},
		"a list for a workspace":        {"workspaces:\n  acme:\n    - url: " + secret, "line 3: workspace acme: needs one key on each line, indented, without a dash, and with a space after the colon"},
		"settings without a workspace":  {"workspaces:\n  url: http://h\n  auth_token: " + secret, "line 2: workspaces: url belongs below the name of a workspace: indent it further"},
		"settings beside the name":      {"workspaces:\n  acme:\n  auth_token: " + secret, "line 3: workspaces: auth_token belongs below the name"},
		"names beside workspaces":       {"workspaces:\nacme:\n  auth_token: " + secret, "line 2: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: workspaces"},
		"a key in another place":        {good + "    ca_file: /" + secret, "line 6: workspace acme: unknown key: check its spelling, its indentation"},
		"no space after a key":          {"workspaces: {acme: {auth_token:" + secret + "}}", "line 1: workspace acme: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: auth_token, "},
		"no space after a key of HTTP":  {good + "    http_config: {basic_auth: {password:" + secret + "}}", "line 6: workspace acme: http_config.basic_auth: unknown key: check its spelling, its indentation and the space after its colon. The keys here are: password, "},
		"keys without a space":          {"workspaces:\n  acme:\n    auth_token:" + secret, "line 3: workspace acme: needs one key on each line, indented, without a dash, and with a space after the colon"},
		"a password that is an alias":   {good + "    http_config: {basic_auth: {password: *" + secret + "}}", "put it in quotation marks"},
		"a password that is an anchor":  {good + "    http_config: {basic_auth: &" + secret + " {pass: *" + secret + "}}", "line 6: workspace acme: http_config.basic_auth: unknown key"},
		"a password that is a tag":      {good + "    http_config: {basic_auth: {password: !" + secret + " [a]}}", "line 6: workspace acme: http_config.basic_auth.password: must be one value"},
		"a token that begins with @":    {"workspaces:\n  acme:\n    auth_token: @" + secret, "line 3: a value begins with a character that has a meaning in YAML: put it in quotation marks"},
		"a tab":                         {"workspaces:\n  acme:\n\turl: " + secret, "line 3: there is a tab"},
		"a tab after spaces":            {"workspaces:\n  acme:\n  \turl: " + secret + "\n", "line 3: there is a tab"},
		"what is not YAML":              {"workspaces: [" + secret, "line 1: this is not valid YAML"},
		"a colon in a text":             {"workspaces:\n  acme:\n    user_id: " + secret + ": b", "line 3: this is not valid YAML: mapping values are not allowed in this context"},
		"a key that is a map":           {"workspaces:\n  ? {a: " + secret + "}\n  : b", "line 2: workspaces: a key must be a text"},
		"a name with a slash":           {strings.Replace(good, "acme", secret+"/b", 1), "line 2: workspaces: the name of a workspace is 1 to 63"},
		"a name that is too long":       {strings.Replace(good, "acme", strings.Repeat("a", 64), 1), "the name of a workspace is 1 to 63"},
		"a name that begins with a dot": {strings.Replace(good, "acme", ".acme", 1), "begins with a letter or digit"},
		"no URL":                        {strings.Replace(good, "    url: http://localhost:3000\n", "", 1), "line 3: workspace acme: url: is missing"},
		"a URL with a password":         {strings.Replace(good, "localhost", "me:"+secret+"@localhost", 1), "line 3: workspace acme: url: the URL must not contain"},
		"no user id":                    {strings.Replace(good, "    user_id: u\n", "", 1), "workspace acme: user_id: is missing"},
		"a user id in quotation marks":  {strings.Replace(good, "user_id: u", `user_id: '"u"'`, 1), "line 4: workspace acme: user_id: "},
		"a token in quotation marks":    {strings.Replace(good, secret, "'\""+secret+"\"'", 1), "line 5: workspace acme: auth_token: "},
		"no token":                      {strings.Replace(good, "    auth_token: "+secret+"\n", "", 1), "workspace acme: auth_token, auth_token_file: one of them is needed"},
		"a token and a file":            {good + "    auth_token_file: a", "workspace acme: auth_token, auth_token_file: only one of them can be set"},
		"a timeout of zero":             {good + "    timeout: 0s", "line 6: workspace acme: timeout: must be above 0"},
		"a negative interval":           {good + "    min_interval: -1s", "line 6: workspace acme: min_interval: must be a duration"},
		"a duration without a unit":     {good + "    timeout: 8", "line 6: workspace acme: timeout: must be a duration with its unit, such as 8s"},
		"a file-data timeout of 0":      {good + "    file_data_timeout: 0s", "workspace acme: file_data_timeout: must be above 0"},
		"a second document":             {good + "---\nworkspaces: {}", "a second YAML document"},
		"a second, broken document":     {good + "---\n[" + secret, "this is not valid YAML"},
		"a proxy with a broken URL":     {good + "    http_config: {proxy_url: 'http://me:" + secret + "@proxy:po'}", "line 6: workspace acme: http_config.proxy_url: must be a URL"},
		"a proxy with a broken port":    {good + "    http_config: {proxy_url: 'http://proxy:" + secret + "'}", "http_config.proxy_url: must be a URL"},
		"a truth that is none":          {good + "    http_config: {follow_redirects: " + secret + "}", "http_config.follow_redirects: must be true or false"},
		"a version of TLS":              {good + "    http_config: {tls_config: {min_version: " + secret + "}}", "http_config.tls_config.min_version: must be TLS10"},
		"a list for a text":             {good + "    user_id: [" + secret + "]", "line 6: workspace acme: user_id: this key is there twice"},
		"a text for a list":             {good + "    http_config: {http_headers: {a: {values: " + secret + "}}}", "http_config.http_headers.values: must be a list"},
		"two kinds of credentials":      {good + "    http_config: {basic_auth: {username: u}, bearer_token: " + secret + "}", "line 6: workspace acme: http_config: at most one of basic_auth, oauth2"},
		"OAuth 2":                       {good + "    http_config: {oauth2: {client_id: a, client_secret: " + secret + ", token_url: 'http://localhost/token'}}", "oauth2 is not supported"},
		"its own looks, unguarded":      {good + "    file_data: unguarded\n    poll_interval: 30s", "line 7: workspace acme: poll_interval: must be 0s in the mode unguarded"},
		"a mode that is none":           {good + "    file_data: " + secret, "line 6: workspace acme: file_data: must be on-change"},
		"an alias of itself":            {"workspaces: &a\n  acme: {<<: *a}", "line 2: workspace acme: "},
		"an alias without end":          {"workspaces:\n  acme: &a {<<: *a}", "nested too deep"},
		"a header of the credentials":   {good + "    http_config: {http_headers: {x-auth-TOKEN: {values: [" + secret + "]}}}", "http_headers must not set X-Auth-Token"},
		"the name of no header":         {good + "    http_config: {http_headers: {'" + secret + " a': {values: [b]}}}", "the name of a header"},
		"a header of two lines":         {good + `    http_config: {http_headers: {a: {values: ["` + secret + `\n"]}}}`, "http_config: http_headers: a line break"},
		"a proxy header of two lines":   {good + `    http_config: {proxy_url: "http://proxy:3128", proxy_connect_header: {a: ["` + secret + `\nb"]}}`, "http_config: proxy_connect_header: a line break"},
		"credentials of two lines":      {good + `    http_config: {authorization: {credentials: "` + secret + `\nb"}}`, "http_config: authorization: a line break"},
		"the token for its file":        {strings.Replace(good, "auth_token: "+secret, "auth_token_file: "+longToken, 1), "auth_token_file: this looks like a token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir, err := load(t, test.content)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret[:5])
			assert.NotContains(t, err.Error(), longToken)
			assert.NotRegexp(t, `yaml:|!!|unmarshal|struct|[a-z]\.[A-Za-z]+[A-Z]`, strings.ReplaceAll(err.Error(), dir, ""))
		})
	}
}

func TestTheEnvironmentNamesTheProxyUnlessTheSettingsDo(t *testing.T) {
	const good = "workspaces:\n  acme: {url: http://localhost:3000, user_id: u, auth_token: " + secret + ", http_config: "
	for written, want := range map[string]bool{
		"": true, "{}": true, "{follow_redirects: false}": true, "{proxy_from_environment: true}": true,
		"{proxy_from_environment: false}": false, "{proxy_url: http://proxy:3128}": false, "{proxy_url: http://proxy:3128, no_proxy: a}": false,
	} {
		workspaces, _, err := load(t, good+written+"}")
		require.NoError(t, err)
		assert.Equal(t, want, workspaces["acme"].HTTP.ProxyFromEnvironment, written)
		http, err := LoadHTTP(writeFile(t, "http.yml", written))
		require.NoError(t, err)
		assert.Equal(t, want, http.ProxyFromEnvironment, written)
	}
}
