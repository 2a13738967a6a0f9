package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/server"
)

// The flags that errors name.
const (
	configFileFlag    = "config.file"
	configCheckFlag   = "config.check"
	autoReloadFlag    = "config.auto-reload-interval"
	telemetryPathFlag = "web.telemetry-path"
	lifecycleFlag     = "web.enable-lifecycle"
	listenAddressFlag = "web.listen-address"
	systemdSocketFlag = "web.systemd-socket"
	webConfigFileFlag = "web.config.file"
	logLevelFlag      = "log.level"
	logFormatFlag     = "log.format"
)

// oneWorkspace are the flags that only one workspace can have. The others are defaults for the file.
var oneWorkspace = []string{
	config.SettingURL.Flag, config.SettingUserID.Flag, config.SettingToken.Flag, config.SettingTokenFile.Flag, config.SettingHTTP.Flag,
}

// The commands.
const (
	serveCommand  = "serve"
	checkCommand  = "check"
	watchCommand  = "watch"
	healthCommand = "health"
)

// flags are the flags and environment variables, checked.
type flags struct {
	command        string        // serve, check, watch or health
	json           bool          // of check
	watched        string        // the workspace of watch; empty for the only one
	interval       time.Duration // of watch
	watchTimeout   time.Duration // of watch; 0 for none
	configFile     string        // empty for one workspace
	configCheck    bool
	reloadInterval time.Duration
	// workspace is the one that the flags describe, or the defaults for those of the file.
	workspace     config.Workspace
	url, httpFile string // of workspace, not yet parsed and read
	web           *web.FlagConfig
	telemetryPath string
	lifecycle     bool
	logLevel      string
	logFormat     string
	used          []string // the files of the installed service that were used
	warnings      []string // about flags that do nothing, or that are missing
}

// errPrinted says that the program has printed the help or version that it was asked for.
var errPrinted = errors.New("nothing is left to do")

// parseFlags reads flags and environment variables. Its errors name the flag
// and the variable, and never hold a secret.
func parseFlags(args []string, stdout io.Writer) (*flags, error) {
	f, printed := &flags{}, false
	app := kingpin.New(name, "Exports the state of data imports into Rocket.Chat to Prometheus. It is built to change no import: docs/harmlessness.md says what risk is left.")
	app.Version(version.Print(name)).UsageWriter(stdout).Terminate(func(int) { printed = true })
	app.HelpFlag.Short('h')
	f.addWorkspaceFlags(app)
	f.addOwnFlags(app)
	serve := app.Command(serveCommand, "Serve the metrics. This is the default.")
	check := app.Command(checkCommand, "Check that each workspace can be watched. If one cannot, say what to do.")
	check.Flag("json", "Print the result as JSON.").BoolVar(&f.json)
	f.addWatch(app)
	app.Command(healthCommand, "Exit with 0 if an exporter with the same flags and variables answers, with 1 otherwise.")
	values := f.nameValues(app)
	if !slices.Contains(args, "--completion-bash") { // else the line is incomplete, and a default would hide the commands
		serve.Default()
		app.PreAction(func(line *kingpin.ParseContext) error { return checkCommandLine(line, args, values) })
	}

	command, err := app.Parse(args)
	switch {
	case printed:
		return nil, errPrinted
	case err != nil && strings.HasPrefix(err.Error(), "unknown "):
		return nil, seeHelp(err)
	case err != nil:
		return nil, err
	}
	f.command, f.workspace.HTTP = command, config.DefaultHTTP()
	set := func(flag string) bool { return values[flag].given || os.Getenv(variable(flag)) != "" }
	if command == checkCommand || command == watchCommand {
		if f.used, err = f.useInstalled("/", values, set); err != nil {
			return nil, err
		}
	}
	return f, f.check(set)
}

// addWorkspaceFlags adds the flags that say what is watched.
func (f *flags) addWorkspaceFlags(app *kingpin.Application) {
	app.Flag(configFileFlag, "File that lists many workspaces, for /probe and /sd. Without it, the flags describe one workspace.").StringVar(&f.configFile)
	app.Flag(configCheckFlag, "Read the settings and their files, say what they describe, and exit. It calls nobody. The command check asks Rocket.Chat too.").BoolVar(&f.configCheck)
	app.Flag(autoReloadFlag, "How often to look whether the content of the configuration file has changed. It is reloaded once two looks find the same. 0s turns this off.").Default("0s").DurationVar(&f.reloadInterval)
	app.Flag(config.SettingURL.Flag, "Base URL of the workspace. It may have a path.").Default("http://localhost:3000").StringVar(&f.url)
	app.Flag(config.SettingUserID.Flag, "ID of the user that the token belongs to.").StringVar(&f.workspace.UserID)
	app.Flag(config.SettingToken.Flag, "Personal access token. Prefer the file or the environment variable: other users of the machine can see flags.").StringVar(&f.workspace.Token)
	app.Flag(config.SettingTokenFile.Flag, "File with the personal access token. Each call reads it again.").StringVar(&f.workspace.TokenFile)
	app.Flag(config.SettingHTTP.Flag, "File with TLS, proxy and other HTTP client settings, in the form of Prometheus's http_config.").StringVar(&f.httpFile)
	app.Flag(config.SettingTimeout.Flag, "Longest time that a scrape waits for Rocket.Chat.").Default("10s").DurationVar(&f.workspace.Timeout)
	app.Flag(config.SettingMinInterval.Flag, "Shortest time between two calls for the operation. Scrapes in between share the last answer. 0s turns this off.").Default("7s").DurationVar(&f.workspace.MinInterval)
	app.Flag(config.SettingPollInterval.Flag, "How often the exporter looks by itself while nobody scrapes it. 0s turns this off.").Default("30s").DurationVar(&f.workspace.PollInterval)
	app.Flag(config.SettingFileData.Flag, "When to read the selection with getImportFileData. on-change and each-scrape read it only while the import waits for its selection. never does not read it. unguarded reads it at every scrape, in any step, which WIPES A RUNNING IMPORT.").
		Default(string(config.OnChange)).EnumVar((*string)(&f.workspace.FileData),
		string(config.OnChange), string(config.EachScrape), string(config.Never), string(config.Unguarded))
	app.Flag(config.SettingFileDataTimeout.Flag, "Longest time that reading the selection takes. Scrapes do not wait that long.").Default("50s").DurationVar(&f.workspace.FileDataTimeout)
}

// addOwnFlags adds the flags of the exporter itself.
func (f *flags) addOwnFlags(app *kingpin.Application) {
	app.Flag(telemetryPathFlag, "Path of the metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag(lifecycleFlag, "Let POST /-/reload read the configuration file again.").BoolVar(&f.lifecycle)
	f.web = kingpinflag.AddFlags(app, ":10458")
	app.Flag(logLevelFlag, "Lowest severity to log: debug, info, warn or error.").Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag(logFormatFlag, "Format of the log: logfmt or json.").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
}

// check checks the flags together. set reports whether a flag or its variable is set.
func (f *flags) check(set func(flag string) bool) error {
	switch {
	case f.command == healthCommand && !f.configCheck: // needs no workspace
		return nil
	case f.reloadInterval < 0:
		return flagError(autoReloadFlag, errors.New("must not be negative"))
	case !f.many():
		if f.workspace.FileData == config.Unguarded && !set(config.SettingPollInterval.Flag) {
			f.workspace.PollInterval = 0
		}
		f.warn(set(config.SettingURL.Flag) || len(f.used) > 0)
		return f.checkWorkspace()
	}
	for _, flag := range oneWorkspace {
		if set(flag) {
			return flagError(flag, errors.New("contradicts --"+configFileFlag+", which describes the workspaces: put it there"))
		}
	}
	return settingError(f.workspace.CheckDefaults())
}

// warn collects what is worth knowing about the flags of one workspace.
func (f *flags) warn(urlSet bool) {
	if !urlSet {
		f.warnings = append(f.warnings, flagAndEnv(config.SettingURL.Flag)+" is not set, so it is the default, "+f.url)
	}
	for flag, used := range map[string]bool{autoReloadFlag: f.reloadInterval > 0, lifecycleFlag: f.lifecycle} {
		if used {
			f.warnings = append(f.warnings, flagAndEnv(flag)+" does nothing without --"+configFileFlag)
		}
	}
}

// nameValues makes the value of each flag name its flag, and each flag an environment variable too.
func (f *flags) nameValues(app *kingpin.Application) map[string]*flagValue {
	checks := map[string]func(string) error{
		telemetryPathFlag: checkTelemetryPath,
		listenAddressFlag: checkListenAddress,
		webConfigFileFlag: checkWebConfig,
	}
	values := map[string]*flagValue{}
	for _, flag := range app.Model().Flags {
		if flag.Name == "version" || strings.HasPrefix(flag.Name, "help") || strings.HasPrefix(flag.Name, "completion-") {
			continue // it only prints something
		}
		value := &flagValue{Value: flag.Value, flag: flag.Name, check: checks[flag.Name]}
		if flag.Name == logLevelFlag || flag.Name == logFormatFlag {
			value.Value = anyCase{flag.Value}
		}
		app.GetFlag(flag.Name).Envar(variable(flag.Name)).IsSetByUser(&value.given).SetValue(value)
		values[flag.Name] = value
	}
	return values
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	v := strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
	if strings.HasPrefix(flag, "rocketchat.") {
		return v
	}
	return strings.ToUpper(name) + "_" + v
}

// checkWorkspace checks the workspace that the flags describe.
func (f *flags) checkWorkspace() (err error) {
	if f.workspace.URL, err = client.ParseURL(f.url); err != nil {
		return flagError(config.SettingURL.Flag, err)
	}
	if f.httpFile != "" {
		if f.workspace.HTTP, err = config.LoadHTTP(f.httpFile); err != nil {
			return flagError(config.SettingHTTP.Flag, err)
		}
	}
	f.workspace.UserID = strings.TrimSpace(f.workspace.UserID)
	if err = f.workspace.Check(); err == nil {
		err = f.workspace.CheckFiles()
	}
	return settingError(err)
}

// many reports whether a configuration file describes the workspaces.
func (f *flags) many() bool { return f.configFile != "" }

// file is one reading of the configuration file.
type file struct {
	content []byte
	err     error // why it cannot be read
}

// equal reports whether two readings agree. Two that failed do.
func (r file) equal(other file) bool {
	return bytes.Equal(r.content, other.content) && (r.err == nil) == (other.err == nil)
}

// readFile reads the configuration file, if there is one.
func (f *flags) readFile() (r file) {
	if f.many() {
		r.content, r.err = client.ReadFile(f.configFile)
	}
	return r
}

// local reports whether the exporter listens on loopback addresses alone.
func (f *flags) local() bool {
	return !*f.web.WebSystemdSocket && !slices.ContainsFunc(*f.web.WebListenAddresses, func(address string) bool {
		resolved, err := net.ResolveTCPAddr("tcp", address)
		return err != nil || !resolved.IP.IsLoopback()
	})
}

// workspaces returns the workspaces to watch, by name: those of the configuration file, if there is one.
func (f *flags) workspaces(r file) (workspaces map[string]config.Workspace, err error) {
	if !f.many() {
		return map[string]config.Workspace{f.workspace.URL.Host: f.workspace}, nil
	}
	if r.err != nil {
		return nil, flagError(configFileFlag, r.err)
	}
	workspaces, err = config.Load(r.content, filepath.Dir(f.configFile), f.workspace)
	if err != nil {
		return nil, flagError(configFileFlag, fmt.Errorf("%s: %w", f.configFile, err))
	}
	return workspaces, nil
}

// checkTelemetryPath rejects paths that no request matches, and those of other pages.
func checkTelemetryPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("must begin with /")
	case path.Clean(p) != p, strings.ContainsAny(p, "{}?#%"), strings.ContainsFunc(p, unicode.IsSpace), strings.ContainsFunc(p, unicode.IsControl):
		return errors.New("must be a plain path such as /metrics")
	case server.Reserved(p):
		return errors.New("must not be the path of another page")
	default:
		return nil
	}
}

// checkListenAddress rejects addresses that the exporter toolkit cannot listen on.
func checkListenAddress(address string) error {
	rest, isVsock := strings.CutPrefix(address, "vsock://")
	_, port, err := net.SplitHostPort(rest) // ResolveTCPAddr takes an empty address for any port
	switch {
	case err != nil:
	case isVsock:
		_, err = strconv.ParseUint(port, 10, 32)
	default:
		_, err = net.ResolveTCPAddr("tcp", address)
	}
	return err
}

// quotedHeader matches what the exporter toolkit repeats of a header that it rejects.
var quotedHeader = regexp.MustCompile(`(, but got:|header) "[^"]*"`)

// checkWebConfig rejects a web configuration file that the exporter toolkit cannot use. Its errors
// hold no secret.
func checkWebConfig(file string) error {
	if file == "" {
		return nil
	}
	err := config.ReadYAML(file, new(web.Config))
	if err == nil {
		err = web.Validate(file)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "bcrypt"):
		return errors.New("basic_auth_users: a password must be a bcrypt hash, as htpasswd -nB prints it")
	default:
		return errors.New(quotedHeader.ReplaceAllString(err.Error(), "$1 …"))
	}
}

// flagError names the flag that an error is about, and its variable.
func flagError(flag string, err error) error {
	return fmt.Errorf("%s: %w", flagAndEnv(flag), err)
}

func flagAndEnv(flag string) string {
	return fmt.Sprintf("--%s (environment variable %s)", flag, variable(flag))
}

// settingError names the flags of the settings that an error of a workspace is about.
func settingError(err error) error {
	wrong, ok := errors.AsType[*config.Error](err)
	if !ok {
		return err
	}
	var flags []string
	for _, setting := range wrong.Settings {
		flags = append(flags, flagAndEnv(setting.Flag))
	}
	return fmt.Errorf("%s: %w", strings.Join(flags, ", "), wrong.Err)
}

// seeHelp says where the flags and commands are listed.
func seeHelp(err error) error { return fmt.Errorf("%w: see --help", err) }

// flagValue is the value of a flag. It names the flag when it rejects a text.
type flagValue struct {
	kingpin.Value
	flag  string
	check func(text string) error // nil if Value checks enough
	given bool                    // on the command line
}

// Set sets the value, from the command line, the variable or the default.
func (v *flagValue) Set(text string) error {
	err := v.Value.Set(text)
	if err != nil {
		err = errors.New(v.expected(err))
	} else if v.check != nil {
		err = v.check(text)
	}
	if err != nil {
		return flagError(v.flag, err)
	}
	return nil
}

// expected says what the flag takes. kingpin's error err says it in terms of Go, and repeats the text.
func (v *flagValue) expected(err error) string {
	_, oneOf, isEnum := strings.Cut(err.Error(), "must be one of ")
	oneOf, _, _ = strings.Cut(oneOf, ", got ")
	switch {
	case isEnum:
		return "must be one of " + strings.ReplaceAll(oneOf, ",", ", ")
	case v.IsBoolFlag():
		return "must be true or false"
	default:
		return "must be a duration with its unit, such as 8s or 2m"
	}
}

// IsBoolFlag lets kingpin see a boolean flag, which needs no text.
func (v *flagValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// IsCumulative lets kingpin see a flag that can be repeated.
func (v *flagValue) IsCumulative() bool {
	c, ok := v.Value.(interface{ IsCumulative() bool })
	return ok && c.IsCumulative()
}

// anyCase is a value whose texts are in lower case, and accepted in any.
type anyCase struct{ kingpin.Value }

// Set sets the value to text in lower case.
func (v anyCase) Set(text string) error { return v.Value.Set(strings.ToLower(text)) }

// checkCommandLine rejects a command line where kingpin would repeat an
// argument in its error, leave out the flag's variable, or ignore a flag that
// lacks its value. args are what line was parsed from.
func checkCommandLine(line *kingpin.ParseContext, args []string, values map[string]*flagValue) error {
	complete := map[string]bool{} // flags that have a value
	for _, element := range line.Elements {
		flag, ok := element.Clause.(*kingpin.FlagClause)
		if !ok {
			continue
		}
		name := flag.Model().Name
		if value := values[name]; complete[name] && value != nil && !value.IsCumulative() {
			return flagError(name, errors.New("cannot be repeated"))
		}
		complete[name] = true
	}
	for _, arg := range args { // the first that lacks its value makes kingpin miss others
		name, _ := strings.CutPrefix(arg, "--")
		if value := values[name]; value != nil && value.given && !complete[name] {
			return flagError(name, errors.New("needs a value"))
		}
	}
	if rest := line.Peek(); rest.Type == kingpin.TokenArg || rest.Type == kingpin.TokenError {
		return seeHelp(errors.New("there is an argument that belongs to no flag, and is no command")) // which may be a secret
	}
	return nil
}
