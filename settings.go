package main

import (
	"errors"
	"io"
	"net"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
	"rocketchat_import_exporter/internal/config"
)

// The flags that errors name.
const (
	configFileFlag      = "config.file"
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
	systemdSocketFlag   = "web.systemd-socket"
	webConfigFileFlag   = "web.config.file"
)

// The commands. The first is the default.
const (
	serveCommand = "serve"
	checkCommand = "check"
)

// settings are the flags and environment variables, checked.
type settings struct {
	command       string // serve or check
	json          bool   // of check
	configFile    string // empty for one workspace, which the flags describe
	flags         config.Workspace
	web           *web.FlagConfig
	telemetryPath string
	lifecycle     bool
	logLevel      string
	logFormat     string
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
	)
	app := kingpin.New(name, "Shows data imports into Rocket.Chat to Prometheus, and never changes them.")
	app.Version(version.Print(name)).UsageWriter(stdout).Terminate(func(int) { answered = true })
	app.HelpFlag.Short('h')

	app.Flag(configFileFlag, "File that names many workspaces, for /probe and /sd. Without it, the flags describe one.").StringVar(&s.configFile)
	app.Flag(urlFlag, "Base URL of the workspace; it may have a path.").Default("http://localhost:3000").StringVar(&rawURL)
	app.Flag(userIDFlag, "Id of the user whose token is used.").StringVar(&s.flags.UserID)
	app.Flag(tokenFlag, "Personal access token. Prefer the file or the environment variable: others on the machine can see flags.").StringVar(&s.flags.Token)
	app.Flag(tokenFileFlag, "File with the personal access token; read anew for each call.").StringVar(&s.flags.TokenFile)
	app.Flag(httpConfigFileFlag, "File with TLS, proxy and other HTTP client settings, in the form of Prometheus's http_config.").StringVar(&httpConfigFile)
	app.Flag(timeoutFlag, "How long a scrape waits for Rocket.Chat at most.").Default("10s").DurationVar(&s.flags.Timeout)
	app.Flag(minIntervalFlag, "Least time between two calls for the operation; scrapes in between share the last answer. 0s for none.").Default("7s").DurationVar(&s.flags.MinInterval)
	app.Flag(fileDataFlag, "When to read the selection with getImportFileData: on-change and each-scrape do so only while the import waits for its selection, never does not; unguarded calls it at every scrape in any step, which WIPES A RUNNING IMPORT.").
		Default(string(collector.OnChange)).EnumVar((*string)(&s.flags.FileData), modeNames()...)
	app.Flag(fileDataTimeoutFlag, "How long reading the selection may take; scrapes do not wait for it that long.").Default("2m").DurationVar(&s.flags.FileDataTimeout)
	app.Flag(telemetryPathFlag, "Path under which the metrics are shown.").Default("/metrics").StringVar(&s.telemetryPath)
	app.Flag("web.enable-lifecycle", "Let POST /-/reload read the configuration file again.").BoolVar(&s.lifecycle)
	s.web = kingpinflag.AddFlags(app, ":10458")
	app.Flag("log.level", "Only log what is at least this severe: debug, info, warn or error.").Default("info").EnumVar(&s.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "How to write log lines: logfmt or json.").Default("logfmt").EnumVar(&s.logFormat, "logfmt", "json")
	app.Command(serveCommand, "Serve the metrics. This is what happens without a command.")
	check := app.Command(checkCommand, "Tell, for each workspace, whether it can be watched, and what to do if not.")
	check.Flag("json", "Tell it as JSON.").BoolVar(&s.json)
	bindEnvironment(app)

	command, err := app.Parse(withCommand(app, args))
	switch {
	case answered:
		return nil, errAnswered
	case err != nil:
		return nil, explain(app, args, err)
	}
	s.command = command
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.configFile != "" {
		return &s, onlyInFile(app, args)
	}
	return &s, s.checkSingle(rawURL, httpConfigFile)
}

// check checks what holds for one workspace and for many.
func (s *settings) check() error {
	if err := s.flags.CheckDurations(); err != nil {
		return blameSetting(err)
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

// checkSingle checks the workspace that the flags describe.
func (s *settings) checkSingle(rawURL, httpConfigFile string) (err error) {
	if s.flags.URL, err = client.ParseURL(rawURL); err != nil {
		return blame(urlFlag, err)
	}
	s.flags.HTTP = promconfig.DefaultHTTPClientConfig
	if httpConfigFile != "" {
		if s.flags.HTTP, err = config.LoadHTTP(httpConfigFile); err != nil {
			return blame(httpConfigFileFlag, err)
		}
	}
	if err := s.flags.Check(); err != nil {
		return blameSetting(err)
	}
	if s.flags.TokenFile != "" {
		if _, err := client.ReadToken(s.flags.TokenFile); err != nil {
			return blame(tokenFileFlag, err)
		}
	}
	return nil
}

// workspaces are the workspaces to watch, by name. It reads the configuration
// file anew, if there is one.
func (s *settings) workspaces() (map[string]config.Workspace, error) {
	if s.configFile == "" {
		return map[string]config.Workspace{s.single(): s.flags}, nil
	}
	workspaces, err := config.Load(s.configFile, s.flags)
	if err != nil {
		return nil, blame(configFileFlag, err)
	}
	return workspaces, nil
}

// single is the name of the one workspace that the flags describe; empty where
// a configuration file names many.
func (s *settings) single() string {
	if s.configFile != "" {
		return ""
	}
	return s.flags.URL.Host
}

// checkTelemetryPath refuses what no request can match, and what is another page.
func checkTelemetryPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("must begin with /")
	case p == "/":
		return errors.New("must not be /, which is the page for people")
	case p == "/probe", p == "/sd", p == "/README.md", p == "/docs", strings.HasPrefix(p, "/docs/"), strings.HasPrefix(p, "/-"):
		return errors.New("must not be a path that has another use")
	case path.Clean(p) != p, strings.ContainsAny(p, "{}?#%"), strings.ContainsFunc(p, notInPath):
		return errors.New("must be a plain path such as /metrics")
	default:
		return nil
	}
}

func notInPath(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// checkListenAddress refuses what the toolkit could not listen on.
func checkListenAddress(address string) error {
	vsock, isVsock := strings.CutPrefix(address, "vsock://")
	if !isVsock {
		_, err := net.ResolveTCPAddr("tcp", address)
		return err
	}
	_, port, err := net.SplitHostPort(vsock)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 32)
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
