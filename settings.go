package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
)

// The flags that errors name.
const (
	urlFlag             = "rocketchat.url"
	userIDFlag          = "rocketchat.user-id"
	tokenFlag           = "rocketchat.auth-token"
	tokenFileFlag       = "rocketchat.auth-token-file"
	httpConfigFileFlag  = "rocketchat.http-config-file"
	timeoutFlag         = "rocketchat.timeout"
	minIntervalFlag     = "rocketchat.min-interval"
	fileDataFlag        = "import.file-data"
	fileDataTimeoutFlag = "import.file-data-timeout"
	telemetryPathFlag   = "web.telemetry-path"
	listenAddressFlag   = "web.listen-address"
	webConfigFileFlag   = "web.config.file"
)

// settings are the flags and environment variables, checked.
type settings struct {
	url              *url.URL
	userID           string
	token, tokenFile string
	http             config.HTTPClientConfig
	timeout          time.Duration
	minInterval      time.Duration
	mode             collector.Mode
	fileDataTimeout  time.Duration
	web              *web.FlagConfig
	telemetryPath    string
	logLevel         string
	logFormat        string
}

// errAnswered says that help or the version was asked for and printed.
var errAnswered = errors.New("nothing is left to do")

// parseSettings reads flags and environment variables. Its errors name the
// flag and the variable, and never hold a secret.
func parseSettings(args []string, stdout io.Writer) (*settings, error) {
	var (
		s              settings
		answered       bool
		rawURL         string
		httpConfigFile string
		mode           string
	)
	app := kingpin.New(name, "Shows data imports into Rocket.Chat to Prometheus, and never changes them.")
	app.Version(version.Print(name)).UsageWriter(stdout).Terminate(func(int) { answered = true })
	app.HelpFlag.Short('h')

	app.Flag(urlFlag, "Base URL of the workspace; it may have a path.").Default("http://localhost:3000").StringVar(&rawURL)
	app.Flag(userIDFlag, "Id of the user whose token is used.").StringVar(&s.userID)
	app.Flag(tokenFlag, "Personal access token. Prefer the file or the environment variable: others on the machine can see flags.").StringVar(&s.token)
	app.Flag(tokenFileFlag, "File with the personal access token; read anew for each call.").StringVar(&s.tokenFile)
	app.Flag(httpConfigFileFlag, "File with TLS, proxy and other HTTP client settings, in the form of Prometheus's http_config.").StringVar(&httpConfigFile)
	app.Flag(timeoutFlag, "How long a scrape waits for Rocket.Chat at most.").Default("10s").DurationVar(&s.timeout)
	app.Flag(minIntervalFlag, "Least time between two calls for the operation; scrapes in between share the last answer. 0s for none.").Default("7s").DurationVar(&s.minInterval)
	app.Flag(fileDataFlag, "When to read the selection with getImportFileData: on-change and each-scrape do so only while the import waits for its selection, never does not; unguarded calls it at every scrape in any step, which WIPES A RUNNING IMPORT.").
		Default(string(collector.OnChange)).EnumVar(&mode, modeNames()...)
	app.Flag(fileDataTimeoutFlag, "How long reading the selection may take; scrapes do not wait for it that long.").Default("2m").DurationVar(&s.fileDataTimeout)
	app.Flag(telemetryPathFlag, "Path under which the metrics are shown.").Default("/metrics").StringVar(&s.telemetryPath)
	s.web = kingpinflag.AddFlags(app, ":10458")
	app.Flag("log.level", "Only log what is at least this severe: debug, info, warn or error.").Default("info").EnumVar(&s.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "How to write log lines: logfmt or json.").Default("logfmt").EnumVar(&s.logFormat, "logfmt", "json")
	bindEnvironment(app)

	_, err := app.Parse(args)
	switch {
	case answered:
		return nil, errAnswered
	case err != nil:
		return nil, explain(app, args, err)
	}
	s.mode = collector.Mode(mode)
	return &s, s.check(rawURL, httpConfigFile)
}

// bindEnvironment makes each flag an environment variable too, but for those
// that only ask the program something.
func bindEnvironment(app *kingpin.Application) {
	for _, flag := range app.Model().Flags {
		if flag.Name == "version" || strings.HasPrefix(flag.Name, "help") || strings.HasPrefix(flag.Name, "completion-") {
			continue
		}
		app.GetFlag(flag.Name).Envar(variable(flag.Name))
	}
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// blame names the flag and the variable that an error is about.
func blame(flag string, err error) error {
	return fmt.Errorf("--%s (environment variable %s): %w", flag, variable(flag), err)
}

// explain names the flag that kingpin's error is about, where it leaves that
// out: it tells of a malformed value, but not of what.
func explain(app *kingpin.Application, args []string, err error) error {
	context, syntax := app.ParseContext(args)
	switch {
	case syntax != nil && strings.HasPrefix(syntax.Error(), "unexpected "), syntax == nil && !context.EOL():
		return errors.New("there is an argument that belongs to no flag") // kingpin repeats it, and it may be a secret
	case syntax != nil:
		return syntax
	}
	given := map[string]string{}
	for _, element := range context.Elements {
		if flag, ok := element.Clause.(*kingpin.FlagClause); ok && element.Value != nil {
			given[flag.Model().Name] = *element.Value
		}
	}
	for _, flag := range app.Model().Flags {
		value, isGiven := given[flag.Name]
		if !isGiven {
			value = os.Getenv(flag.Envar)
		}
		if isGiven || value != "" {
			if err := flag.Value.Set(value); err != nil {
				return blame(flag.Name, err)
			}
		}
	}
	return err
}

// check checks what kingpin cannot, and fills in what is made of other settings.
func (s *settings) check(rawURL, httpConfigFile string) (err error) {
	if s.url, err = client.ParseURL(rawURL); err != nil {
		return blame(urlFlag, err)
	}
	if err := s.checkCredentials(); err != nil {
		return err
	}
	if s.http, err = loadHTTPConfig(httpConfigFile); err != nil {
		return blame(httpConfigFileFlag, err)
	}
	switch {
	case s.timeout <= 0:
		return blame(timeoutFlag, errors.New("must be above 0"))
	case s.minInterval < 0:
		return blame(minIntervalFlag, errors.New("must not be negative"))
	case s.fileDataTimeout <= 0:
		return blame(fileDataTimeoutFlag, errors.New("must be above 0"))
	}
	if err := checkTelemetryPath(s.telemetryPath); err != nil {
		return blame(telemetryPathFlag, err)
	}
	for _, address := range *s.web.WebListenAddresses {
		if err := checkListenAddress(address); err != nil {
			return blame(listenAddressFlag, err)
		}
	}
	if err := web.Validate(*s.web.WebConfigFile); err != nil {
		return blame(webConfigFileFlag, err)
	}
	return nil
}

func (s *settings) checkCredentials() (err error) {
	switch {
	case s.userID == "":
		return blame(userIDFlag, errors.New("is missing"))
	case client.CheckUserID(s.userID) != nil:
		return blame(userIDFlag, client.CheckUserID(s.userID))
	case s.token == "" && s.tokenFile == "":
		return fmt.Errorf("%w, and so is %w", blame(tokenFlag, errors.New("is missing")), blame(tokenFileFlag, errors.New("one of them is needed")))
	case s.token != "" && s.tokenFile != "":
		return blame(tokenFlag, blame(tokenFileFlag, errors.New("only one of them can be given")))
	case s.token != "":
		if s.token, err = client.ParseToken(s.token); err != nil {
			return blame(tokenFlag, err)
		}
		return nil
	}
	content, err := os.ReadFile(s.tokenFile)
	if err == nil {
		_, err = client.ParseToken(string(content))
	}
	if err != nil {
		return blame(tokenFileFlag, err)
	}
	return nil
}

// loadHTTPConfig reads an http_config; without a file it gives Prometheus's defaults.
func loadHTTPConfig(file string) (config.HTTPClientConfig, error) {
	if file == "" {
		return config.DefaultHTTPClientConfig, nil
	}
	loaded, _, err := config.LoadHTTPConfigFile(file)
	if err != nil {
		return config.HTTPClientConfig{}, err
	}
	return *loaded, nil
}

// checkTelemetryPath refuses what no request can match, and the landing page's place.
func checkTelemetryPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("must begin with /")
	case p == "/":
		return errors.New("must not be /, which is the landing page")
	case path.Clean(p) != p, strings.ContainsAny(p, "{}?#% "):
		return errors.New("must be a plain path such as /metrics")
	default:
		return nil
	}
}

// checkListenAddress refuses what the toolkit could not listen on.
func checkListenAddress(address string) error {
	if strings.HasPrefix(address, "vsock://") {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err
}

func modeNames() []string {
	var names []string
	for _, mode := range collector.Modes() {
		names = append(names, string(mode))
	}
	return names
}

// loopback reports whether host is this machine itself.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
