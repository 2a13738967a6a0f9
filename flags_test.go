package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rocketchat_import_exporter/internal/config"
)

// good are flags that suffice to start.
var good = []string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token=" + secret}

func TestErrorNamesTheFlagAndItsVariable(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct {
		args []string
		env  map[string]string
		flag string // that the error names; its variable too
	}{
		"no user id":                        {[]string{"--rocketchat.auth-token=" + secret}, nil, "rocketchat.user-id"},
		"a user id in quotation marks":      {[]string{"--rocketchat.auth-token=" + secret, `--rocketchat.user-id="watcher"`}, nil, "rocketchat.user-id"},
		"a token in quotation marks":        {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token='" + secret + "'"}, nil, "rocketchat.auth-token"},
		"a token file with a BOM":           {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token-file=" + file("j", "\ufeff"+secret)}, nil, "rocketchat.auth-token-file"},
		"a user id of two lines":            {[]string{"--rocketchat.auth-token=" + secret, "--rocketchat.user-id=a\nb"}, nil, "rocketchat.user-id"},
		"no token":                          {[]string{"--rocketchat.user-id=watcher"}, nil, "rocketchat.auth-token"},
		"no token, nor a file":              {[]string{"--rocketchat.user-id=watcher"}, nil, "rocketchat.auth-token-file"},
		"a token and a file":                {append(good, "--rocketchat.auth-token-file="+file("a", secret)), nil, "rocketchat.auth-token-file"},
		"a token and a file by env":         {good, map[string]string{"ROCKETCHAT_AUTH_TOKEN_FILE": file("b", secret)}, "rocketchat.auth-token"},
		"a token of two lines":              {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token=" + secret + "\n" + secret}, nil, "rocketchat.auth-token"},
		"a token of spaces":                 {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token= "}, nil, "rocketchat.auth-token"},
		"a token file that is gone":         {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token-file=" + dir + "/gone"}, nil, "rocketchat.auth-token-file"},
		"a token file that is empty":        {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token-file=" + file("c", " \n")}, nil, "rocketchat.auth-token-file"},
		"a token file that is none":         {[]string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token-file=" + os.DevNull}, nil, "rocketchat.auth-token-file"},
		"a URL that is none":                {append(good, "--rocketchat.url=http://["), nil, "rocketchat.url"},
		"a URL of another scheme":           {append(good, "--rocketchat.url=ftp://chat.example"), nil, "rocketchat.url"},
		"a URL without a scheme":            {append(good, "--rocketchat.url=chat.example:3000"), nil, "rocketchat.url"},
		"a URL without a host":              {append(good, "--rocketchat.url=https:///chat"), nil, "rocketchat.url"},
		"a URL with user info":              {append(good, "--rocketchat.url=https://me:"+secret+"@chat.example"), nil, "rocketchat.url"},
		"a broken URL with user info":       {append(good, "--rocketchat.url=https://me:"+secret+"%@chat.example"), nil, "rocketchat.url"},
		"a URL with a query":                {append(good, "--rocketchat.url=https://chat.example?a=b"), nil, "rocketchat.url"},
		"a URL with a fragment":             {append(good, "--rocketchat.url=https://chat.example#a"), nil, "rocketchat.url"},
		"a URL by env":                      {good, map[string]string{"ROCKETCHAT_URL": "chat.example"}, "rocketchat.url"},
		"a duration that is none":           {append(good, "--rocketchat.timeout=ten"), nil, "rocketchat.timeout"},
		"a duration by env":                 {good, map[string]string{"ROCKETCHAT_TIMEOUT": "ten"}, "rocketchat.timeout"},
		"a timeout of zero":                 {append(good, "--rocketchat.timeout=0s"), nil, "rocketchat.timeout"},
		"a negative timeout":                {append(good, "--rocketchat.timeout=-1s"), nil, "rocketchat.timeout"},
		"a negative interval":               {append(good, "--rocketchat.min-interval=-1s"), nil, "rocketchat.min-interval"},
		"a file-data timeout of zero":       {append(good, "--import.file-data-timeout=0s"), nil, "import.file-data-timeout"},
		"a negative reload interval":        {append(good, "--config.auto-reload-interval=-1s"), nil, "config.auto-reload-interval"},
		"a mode that is none":               {append(good, "--import.file-data=sometimes"), nil, "import.file-data"},
		"a mode by env":                     {good, map[string]string{"ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA": "sometimes"}, "import.file-data"},
		"a telemetry path of /":             {append(good, "--web.telemetry-path=/"), nil, "web.telemetry-path"},
		"a telemetry path that is a page":   {append(good, "--web.telemetry-path=/README.md"), nil, "web.telemetry-path"},
		"a telemetry path among the pages":  {append(good, "--web.telemetry-path=/docs/metrics"), nil, "web.telemetry-path"},
		"a telemetry path with a tab":       {append(good, "--web.telemetry-path=/a\tb"), nil, "web.telemetry-path"},
		"a telemetry path without /":        {append(good, "--web.telemetry-path=metrics"), nil, "web.telemetry-path"},
		"a telemetry path with {":           {append(good, "--web.telemetry-path=/{a"), nil, "web.telemetry-path"},
		"a telemetry path with ..":          {append(good, "--web.telemetry-path=/a/../b"), nil, "web.telemetry-path"},
		"a log level that is none":          {append(good, "--log.level=loud"), nil, "log.level"},
		"a log format by env":               {good, map[string]string{"ROCKETCHAT_IMPORT_EXPORTER_LOG_FORMAT": "xml"}, "log.format"},
		"a boolean by env":                  {good, map[string]string{"ROCKETCHAT_IMPORT_EXPORTER_WEB_SYSTEMD_SOCKET": "perhaps"}, "web.systemd-socket"},
		"an HTTP config that is gone":       {append(good, "--rocketchat.http-config-file="+dir+"/gone"), nil, "rocketchat.http-config-file"},
		"an HTTP config with a typo":        {append(good, "--rocketchat.http-config-file="+file("d", "tls_confg: {}")), nil, "rocketchat.http-config-file"},
		"an HTTP config without a CA":       {append(good, "--rocketchat.http-config-file="+file("e", "tls_config: {ca_file: gone.pem}")), nil, "rocketchat.http-config-file"},
		"a web config with a typo":          {append(good, "--web.config.file="+file("f", "tls_srver: {}")), nil, "web.config.file"},
		"a flag without its value":          {append(good, "--rocketchat.timeout"), nil, "rocketchat.timeout"},
		"a flag before another":             {append(good, "--rocketchat.timeout", "--log.level=info"), nil, "rocketchat.timeout"},
		"two flags without their values":    {append(good, "--rocketchat.timeout", "--log.level", "info"), nil, "rocketchat.timeout"},
		"a flag of check without its value": {append(good, "check", "--rocketchat.timeout"), nil, "rocketchat.timeout"},
		"a flag whose value is a file":      {append(good, "--rocketchat.auth-token-file", "@"+secret), nil, "rocketchat.auth-token-file"},
		"a flag that is there twice":        {append(good, "--log.level=info", "--log.level=debug"), nil, "log.level"},
		"a URL with a wild port":            {append(good, "--rocketchat.url=http://h:99999"), nil, "rocketchat.url"},
		"a URL with port 0":                 {append(good, "--rocketchat.url=http://h:0"), nil, "rocketchat.url"},
		"a URL with an empty port":          {append(good, "--rocketchat.url=http://h:"), nil, "rocketchat.url"},
		"a user id of spaces":               {[]string{"--rocketchat.auth-token=" + secret, "--rocketchat.user-id= "}, nil, "rocketchat.user-id"},
		"an HTTP config with a token":       {append(good, "--rocketchat.http-config-file="+file("g", "http_headers: {x-auth-token: {values: ["+secret+"]}}")), nil, "rocketchat.http-config-file"},
		"an HTTP config of a secret":        {append(good, "--rocketchat.http-config-file="+file("h", "authorization: "+secret)), nil, "rocketchat.http-config-file"},
		"a proxy of another scheme":         {append(good, "--rocketchat.http-config-file="+file("i", "proxy_url: ftp://h")), nil, "rocketchat.http-config-file"},
		"an address of a wild port":         {append(good, "--web.listen-address=127.0.0.1:99999"), nil, "web.listen-address"},
		"an address of vsock":               {append(good, "--web.listen-address=vsock://x"), nil, "web.listen-address"},
		"an address that is none":           {append(good, "--web.listen-address=nowhere"), nil, "web.listen-address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			var stderr strings.Builder
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if code := run(ctx, test.args, io.Discard, &stderr); code != 1 {
				t.Errorf("the exit code is %d", code)
			}
			want := flagAndEnv(test.flag)
			if !strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("the error is not one line that names %s:\n%s", want, &stderr)
			}
			if strings.Contains(stderr.String(), secret[:5]) {
				t.Errorf("the error shows the secret:\n%s", &stderr)
			}
		})
	}
}

func TestArgumentThatBelongsToNoFlagIsNotRepeated(t *testing.T) {
	for _, args := range [][]string{{secret}, {"@" + secret}, {"check", secret}, {"--help", secret}, {"--version", secret}} {
		var stderr strings.Builder
		code := run(t.Context(), append(good, args...), io.Discard, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), "belongs to no flag") || strings.Contains(stderr.String(), secret) {
			t.Errorf("%q: the exit code is %d, the error\n%s", args, code, &stderr)
		}
	}
}

func TestUnknownFlagIsNamed(t *testing.T) {
	var stderr strings.Builder
	if code := run(t.Context(), append(good, "--rocketchat.urll="+secret), io.Discard, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "--rocketchat.urll") || strings.Contains(stderr.String(), secret) {
		t.Errorf("the exit code is %d, the error\n%s", code, &stderr)
	}
}

func TestEachFlagIsAnEnvironmentVariable(t *testing.T) {
	for variable, value := range map[string]string{
		"ROCKETCHAT_URL":                                      "https://chat.example/chat",
		"ROCKETCHAT_USER_ID":                                  "watcher",
		"ROCKETCHAT_AUTH_TOKEN":                               secret,
		"ROCKETCHAT_TIMEOUT":                                  "3s",
		"ROCKETCHAT_MIN_INTERVAL":                             "0s",
		"ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA":         "never",
		"ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA_TIMEOUT": "5m",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_TELEMETRY_PATH":       "/imports",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS":       "127.0.0.1:1\n127.0.0.1:2",
		"ROCKETCHAT_IMPORT_EXPORTER_WEB_ENABLE_LIFECYCLE":     "true",
		"ROCKETCHAT_IMPORT_EXPORTER_LOG_LEVEL":                "DEBUG",
		"ROCKETCHAT_IMPORT_EXPORTER_LOG_FORMAT":               "Json",
		// Those of neighbours in the same Pod or unit do not count.
		"LOG_LEVEL":          "loud",
		"LOG_FORMAT":         "xml",
		"CONFIG_FILE":        "/gone",
		"WEB_LISTEN_ADDRESS": "nowhere",
	} {
		t.Setenv(variable, value)
	}
	expectFlags(t, nil, flags{
		command: serveCommand,
		workspace: config.Workspace{
			UserID: "watcher", Token: secret, Timeout: 3 * time.Second,
			FileData: config.Never, FileDataTimeout: 5 * time.Minute,
		},
		telemetryPath: "/imports", lifecycle: true, logLevel: "debug", logFormat: "json",
	}, "https://chat.example/chat", "127.0.0.1:1", "127.0.0.1:2")
}

func TestDefaults(t *testing.T) {
	expectFlags(t, good, flags{
		command: serveCommand,
		workspace: config.Workspace{
			UserID: "watcher", Token: secret, Timeout: 10 * time.Second, MinInterval: 7 * time.Second,
			FileData: config.OnChange, FileDataTimeout: 2 * time.Minute,
		},
		telemetryPath: "/metrics", logLevel: "info", logFormat: "logfmt",
	}, "http://localhost:3000", ":10458")
}

// expectFlags compares the flags with want, and what is behind a pointer with
// the rest.
func expectFlags(t *testing.T, args []string, want flags, url string, addresses ...string) {
	t.Helper()
	got, err := parseFlags(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got.workspace.URL.String() != url {
		t.Errorf("the URL is %s", got.workspace.URL)
	}
	if !slices.Equal(*got.web.WebListenAddresses, addresses) {
		t.Errorf("the addresses are %q", *got.web.WebListenAddresses)
	}
	want.web, want.workspace.URL, want.workspace.HTTP = got.web, got.workspace.URL, got.workspace.HTTP
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("the flags are\n%+v\nwant\n%+v", *got, want)
	}
}

func TestHelpAndVersionNeedNoFlags(t *testing.T) {
	tests := map[string]struct{ want, unwanted string }{
		"--help":                   {"WIPES A RUNNING IMPORT", "go version"},
		"help":                     {"Check that each workspace", "go version"},
		"help check":               {"--[no-]json", "go version"},
		"check --help":             {"--[no-]json", "go version"},
		"--version":                {"rocketchat_import_exporter, version", "usage"},
		"--version --log.level=xx": {"rocketchat_import_exporter, version", "usage"},
	}
	for args, test := range tests {
		t.Run(args, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := run(t.Context(), strings.Fields(args), &stdout, &stderr)
			words := strings.Join(strings.Fields(stdout.String()), " ") // help is wrapped
			if code != 0 || !strings.Contains(words, test.want) || strings.Contains(words, test.unwanted) || stderr.String() != "" {
				t.Errorf("the exit code is %d, the output\n%s%s", code, &stdout, &stderr)
			}
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
		if err != nil || !slices.Contains(strings.Fields(string(output)), want) {
			t.Errorf("%s prints %s (%v)", args, output, err)
		}
	}
}
