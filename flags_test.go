package main

import (
	"io"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/config"
)

func TestRejectedValueNamesItsFlagAndVariable(t *testing.T) {
	file := func(content string) string { return temporary(t, content) }
	for flag, values := range map[string][]string{
		config.SettingURL.Flag: {
			"http://[", "ftp://chat.example", "chat.example:3000", "https:///chat", "https://chat.example?a=b", "https://chat.example#a",
			"https://me:" + secret + "@chat.example", "https://me:" + secret + "%@chat.example", "http://h:99999", "http://h:0", "http://h:",
		},
		config.SettingUserID.Flag:    {"", " ", `"watcher"`, "a\nb"},
		config.SettingToken.Flag:     {"", " ", secret[:7], "'" + secret + "'", secret + "\n" + secret},
		config.SettingTokenFile.Flag: {"", "/gone/token", os.DevNull, file(" \n"), file("\ufeff" + secret)},
		config.SettingHTTP.Flag: {
			"/gone/http.yml", file("tls_confg: {}"), file("tls_config: {ca_file: gone.pem}"), file("proxy_url: ftp://h"),
			file("authorization: " + secret), file("http_headers: {x-auth-token: {values: [" + secret + "]}}"),
		},
		config.SettingTimeout.Flag:         {"ten", "0s", "-1s"},
		config.SettingMinInterval.Flag:     {"-1s"},
		config.SettingPollInterval.Flag:    {"-1s", "999ms"},
		config.SettingFileData.Flag:        {"sometimes"},
		config.SettingFileDataTimeout.Flag: {"0s"},
		autoReloadFlag:                     {"-1s"},
		telemetryPathFlag:                  {"/", "/docs/metrics", "/a\tb", "metrics", "/{a", "/a/../b"},
		listenAddressFlag:                  {"127.0.0.1:99999", "vsock://x", "vsock://:x", "nowhere"},
		webConfigFileFlag:                  {file("tls_srver: {}")},
		logLevelFlag:                       {"loud"},
		logFormatFlag:                      {"xml"},
	} {
		// What suffices besides the flag. A file with the token stands for the token.
		others := slices.DeleteFunc(slices.Clone(credentials), func(arg string) bool {
			other, _, _ := strings.Cut(arg, "=")
			return strings.HasPrefix("--"+flag, other)
		})
		for _, value := range values {
			t.Run(flag+"="+strings.ReplaceAll(value, "/", "_"), func(t *testing.T) {
				assertFails(t, flagAndEnv(flag), append(others, "--"+flag+"="+value)...)
				t.Setenv(variable(flag), value)
				assertFails(t, flagAndEnv(flag), others...)
			})
		}
	}
	t.Setenv("ROCKETCHAT_IMPORT_EXPORTER_WEB_SYSTEMD_SOCKET", "perhaps")
	assertFails(t, flagAndEnv(systemdSocketFlag), credentials...)
}

func TestRejectedCommandLines(t *testing.T) {
	for args, want := range map[string]string{
		"--rocketchat.auth-token-file=a":          flagAndEnv(config.SettingToken.Flag) + ", " + flagAndEnv(config.SettingTokenFile.Flag) + ": only one",
		"--rocketchat.timeout":                    flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"--rocketchat.timeout --log.level":        flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"--rocketchat.timeout --json":             flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"check --rocketchat.timeout":              flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"--rocketchat.timeout --log.level=a":      flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"--rocketchat.timeout --log.level a":      flagAndEnv(config.SettingTimeout.Flag) + ": needs a value",
		"--rocketchat.auth-token-file @" + secret: flagAndEnv(config.SettingTokenFile.Flag),
		"--web.listen-address=":                   flagAndEnv(listenAddressFlag) + ": missing port",
		"--log.level=info --log.level=debug":      flagAndEnv(logLevelFlag) + ": cannot be repeated",
		"--rocketchat.urll=" + secret:             "unknown long flag '--rocketchat.urll': see --help",
		"-x " + secret:                            "unknown short flag '-x': see --help",
		secret:                                    "belongs to no flag, and is no command: see --help",
		"@" + secret:                              "belongs to no flag",
		"check " + secret:                         "belongs to no flag",
		"--help " + secret:                        "belongs to no flag",
		"--version " + secret:                     "belongs to no flag",
	} {
		t.Run(args, func(t *testing.T) { assertFails(t, want, append(credentials, strings.Fields(args)...)...) })
	}
}

func TestRejectedValuesAreExplainedInWords(t *testing.T) {
	webConfig := func(content string) string { return temporary(t, content) }
	for flag, values := range map[string]map[string]string{
		config.SettingURL.Flag: {
			`"https://chat.example"`: "quotation marks", "'https://chat.example": "quotation marks",
			"https://chat.example\r": "carriage return", " https://chat.example": "a space", "https://chat .example": "a space",
			"127.0.0.1:3000": "must begin with http:// or https://", "localhost:3000": "must begin with http://",
			"chat.example": "must begin with http://", "https:/chat.example": "must begin with http://",
			"https://chat.example/%zz": "check its host, its port and each %", "https://chat.example:port": "its port",
		},
		config.SettingUserID.Flag:    {"a\nb": "a line break"},
		config.SettingToken.Flag:     {"import_": "fewer than 8 characters"},
		config.SettingTokenFile.Flag: {temporary(t, secret+"\n"+secret): "a line break", temporary(t, "import_"): "fewer than 8 characters"},
		config.SettingTimeout.Flag:   {"8": "must be a duration with its unit, such as 8s", "ten": "must be a duration"},
		autoReloadFlag:               {"yes": "must be a duration"},
		config.SettingFileData.Flag:  {"sometimes": "must be one of on-change, each-scrape, never, unguarded"},
		logLevelFlag:                 {"loud": "must be one of debug, info, warn, error"},
		systemdSocketFlag:            {"yes": "must be true or false", "perhaps": "must be true or false"},
		lifecycleFlag:                {"yes": "must be true or false"},
		webConfigFileFlag: {
			webConfig("basic_auth_users: {alice:" + secret + "}"):                "a password must be a bcrypt hash",
			webConfig("basic_auth_users: {alice: " + secret + "}"):               "a password must be a bcrypt hash",
			webConfig("\tbasic_auth_users: {alice: " + secret + "}"):             "line 1: there is a tab",
			webConfig("http_server_config: {headers: {" + secret + ": a}}"):      "header … can not be configured",
			webConfig("tls_server_config: {cipher_suites: [" + secret + "]}"):    "line 1: tls_server_config.cipher_suites: this is not one of the possible values",
			webConfig("http_server_config: {headers: {X-Frame-Options: a-tok}}"): "invalid value for X-Frame-Options",
		},
	} {
		for value, want := range values {
			t.Setenv(variable(flag), value)
			code, _, stderr := execute(t, slices.DeleteFunc(slices.Clone(credentials), func(arg string) bool {
				return flag == config.SettingUserID.Flag && strings.Contains(arg, "user-id") || strings.HasPrefix(flag, config.SettingToken.Flag) && strings.Contains(arg, "auth-token")
			})...)
			assert.Equal(t, 1, code, value)
			assert.Contains(t, stderr, flagAndEnv(flag)+": ", value)
			assert.Contains(t, stderr, want, value)
			assert.NotRegexp(t, `strconv|kingpin|time:|net/url|parse "|[a-z]\.[A-Z][a-z]+[A-Z]`, stderr)
		}
		os.Unsetenv(variable(flag))
	}
}

func TestFlagsThatDoNothingAndADefaultURLAreSaidOnce(t *testing.T) {
	t.Setenv(variable(config.SettingURL.Flag), "") // as an empty line of an environment file does
	p := start(t, append(credentials, "--web.enable-lifecycle", "--config.auto-reload-interval=30s")...)
	log := p.logged("")
	for _, want := range []string{
		flagAndEnv(config.SettingURL.Flag) + " is not set, so it is the default, http://localhost:3000",
		flagAndEnv(lifecycleFlag) + " does nothing without --config.file",
		flagAndEnv(autoReloadFlag) + " does nothing without --config.file",
	} {
		assert.Equal(t, 1, strings.Count(log, want), log)
	}
	_, stdout, _ := execute(t, append(credentials, "check")...)
	assert.Contains(t, stdout, "  note         "+flagAndEnv(config.SettingURL.Flag)+" is not set")
}

func TestDefaultsAndVariables(t *testing.T) {
	want := flags{
		command: serveCommand,
		workspace: config.Workspace{
			URL:    &url.URL{Scheme: "http", Host: "localhost:3000"},
			UserID: "watcher", Token: secret, Timeout: 10 * time.Second, MinInterval: 7 * time.Second, PollInterval: 30 * time.Second,
			FileData: config.OnChange, FileDataTimeout: 50 * time.Second, HTTP: config.DefaultHTTP(),
		},
		web:           &web.FlagConfig{WebListenAddresses: &[]string{":10458"}, WebSystemdSocket: new(false), WebConfigFile: new("")},
		telemetryPath: "/metrics", logLevel: "info", logFormat: "logfmt", url: "http://localhost:3000",
		warnings: []string{flagAndEnv(config.SettingURL.Flag) + " is not set, so it is the default, http://localhost:3000"},
	}
	got, err := parseFlags(credentials, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, want, *got)

	for variable, value := range map[string]string{
		"ROCKETCHAT_URL":                                      "https://chat.example/chat",
		"ROCKETCHAT_USER_ID":                                  "somebody",
		"ROCKETCHAT_AUTH_TOKEN":                               "another-token",
		"ROCKETCHAT_TIMEOUT":                                  "3s",
		"ROCKETCHAT_MIN_INTERVAL":                             "0s",
		"ROCKETCHAT_POLL_INTERVAL":                            "1m",
		"ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA":         "never",
		"ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA_TIMEOUT": "5m",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_TELEMETRY_PATH":       "/imports",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS":       "127.0.0.1:1\n127.0.0.1:2",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_ENABLE_LIFECYCLE":     "true",
		"ROCKETCHAT_IMPORT_EXPORTER_LOG_LEVEL":                "DEBUG",
		"ROCKETCHAT_IMPORT_EXPORTER_LOG_FORMAT":               "Json",
		"ROCKETCHAT_IMPORT_EXPORTER_VERSION":                  "1.2.3", // --version has no variable
		// Those of neighbors in the same Pod or unit do not count.
		"LOG_LEVEL":          "loud",
		"LOG_FORMAT":         "xml",
		"CONFIG_FILE":        "/gone",
		"WEB_LISTEN_ADDRESS": "nowhere",
	} {
		t.Setenv(variable, value)
	}
	want.url, want.workspace.URL = "https://chat.example/chat", &url.URL{Scheme: "https", Host: "chat.example", Path: "/chat"}
	want.workspace.UserID, want.workspace.Token = "somebody", "another-token"
	want.workspace.Timeout, want.workspace.MinInterval, want.workspace.PollInterval = 3*time.Second, 0, time.Minute
	want.workspace.FileData, want.workspace.FileDataTimeout = config.Never, 5*time.Minute
	want.warnings = []string{flagAndEnv(lifecycleFlag) + " does nothing without --config.file"}
	want.telemetryPath, want.lifecycle, want.logLevel, want.logFormat = "/imports", true, "debug", "json"
	want.web.WebListenAddresses = &[]string{"127.0.0.1:1", "127.0.0.1:2"}
	got, err = parseFlags(nil, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, want, *got)
}

func TestUnguardedNeverLooksByItself(t *testing.T) {
	unguarded := append(slices.Clone(credentials), "--import.file-data=unguarded")
	got, err := parseFlags(unguarded, io.Discard)
	require.NoError(t, err)
	assert.Zero(t, got.workspace.PollInterval, "the default is ignored")
	assertFails(t, flagAndEnv(config.SettingPollInterval.Flag)+": must be 0s in the mode unguarded", append(unguarded, "--rocketchat.poll-interval=30s")...)
	t.Setenv("ROCKETCHAT_POLL_INTERVAL", "1m")
	assertFails(t, flagAndEnv(config.SettingPollInterval.Flag), unguarded...)
}

func TestHelpAndVersionNeedNoFlags(t *testing.T) {
	for args, test := range map[string]struct{ want, unwanted string }{
		"--help":                   {"WIPES A RUNNING IMPORT", "go version"},
		"help":                     {"Check that each workspace", "go version"},
		"help check":               {"--[no-]json", "go version"},
		"check --help":             {"--[no-]json", "go version"},
		"--version":                {"rocketchat_import_exporter, version", "usage"},
		"--version --log.level=xx": {"rocketchat_import_exporter, version", "usage"},
	} {
		t.Run(args, func(t *testing.T) {
			code, stdout, stderr := execute(t, strings.Fields(args)...)
			assert.Zero(t, code)
			assert.Empty(t, stderr)
			words := strings.Join(strings.Fields(stdout), " ") // help is wrapped
			assert.Contains(t, words, test.want)
			assert.NotContains(t, words, test.unwanted)
		})
	}
}

func TestCompletionKnowsCommandsAndFlags(t *testing.T) {
	if os.Getenv("COMPLETE") != "" { // in the process below: kingpin prints to the standard output
		os.Exit(run(t.Context(), strings.Fields(os.Getenv("COMPLETE")), os.Stdout, os.Stderr))
	}
	for args, want := range map[string]string{
		"--completion-bash":                     "check",
		"--completion-bash c":                   "check",
		"--completion-bash check --":            "--json",
		"--completion-bash check --log.level d": "debug",
	} {
		cmd := exec.Command(os.Args[0], "-test.run=TestCompletion")
		cmd.Env = append(os.Environ(), "COMPLETE="+args)
		output, err := cmd.Output()
		require.NoError(t, err)
		assert.Contains(t, strings.Fields(string(output)), want, args)
	}
}
