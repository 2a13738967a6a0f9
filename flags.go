package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"rocketchat_import_exporter/internal/config"
)

// bindEnvironment makes each flag an environment variable too, but for those
// that only ask the program something.
func bindEnvironment(app *kingpin.Application) {
	for _, flag := range app.Model().Flags {
		if !asks(flag.Name) {
			app.GetFlag(flag.Name).Envar(variable(flag.Name))
		}
	}
}

// asks reports whether a flag only asks the program something.
func asks(flag string) bool {
	return flag == "version" || strings.HasPrefix(flag, "help") || strings.HasPrefix(flag, "completion-")
}

// withCommand puts the default command before arguments that name none.
// kingpin's own way to have a default loses a flag whose value is missing.
func withCommand(app *kingpin.Application, args []string) []string {
	context, err := app.ParseContext(args)
	if err != nil || context.SelectedCommand != nil {
		return args
	}
	for _, element := range context.Elements {
		if flag, ok := element.Clause.(*kingpin.FlagClause); ok && asks(flag.Model().Name) && flag.Model().Name != "version" {
			return args // else help would be that of the command
		}
	}
	return append([]string{serveCommand}, args...)
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// named names a flag and its variable.
func named(flag string) string {
	return fmt.Sprintf("--%s (environment variable %s)", flag, variable(flag))
}

// blame names the flag and the variable that an error is about.
func blame(flag string, err error) error {
	return fmt.Errorf("%s: %w", named(flag), err)
}

// blameSetting names the flag of a setting of a workspace.
func blameSetting(err error) error {
	var wrong *config.Error
	if !errors.As(err, &wrong) {
		return err
	}
	what := strings.Replace(wrong.Err.Error(), "auth_token_file", named(tokenFileFlag), 1)
	return blame(flagOf[wrong.Setting], errors.New(what))
}

// flagOf gives the flag of each setting of a workspace.
var flagOf = map[string]string{
	"url": urlFlag, "user_id": userIDFlag, "auth_token": tokenFlag, "auth_token_file": tokenFileFlag,
	"timeout": timeoutFlag, "min_interval": minIntervalFlag,
	"file_data": fileDataFlag, "file_data_timeout": fileDataTimeoutFlag, "http_config": httpConfigFileFlag,
}

// onlyInFile returns an error if a flag or variable describes a workspace
// although a configuration file does.
func onlyInFile(app *kingpin.Application, args []string) error {
	given, err := givenFlags(app, args)
	if err != nil {
		return err
	}
	for _, flag := range []string{urlFlag, userIDFlag, tokenFlag, tokenFileFlag, httpConfigFileFlag} {
		if _, ok := given[flag]; ok {
			return blame(flag, errors.New("contradicts --"+configFileFlag+", which describes the workspaces: put it there"))
		}
	}
	return nil
}

// givenFlags are the values that flags and variables give, by flag.
func givenFlags(app *kingpin.Application, args []string) (map[string]string, error) {
	given := map[string]string{}
	for _, flag := range app.Model().Flags {
		if value := os.Getenv(flag.Envar); flag.Envar != "" && value != "" {
			given[flag.Name] = value
		}
	}
	context, err := app.ParseContext(args)
	if err != nil {
		return nil, err
	}
	for _, element := range context.Elements {
		if flag, ok := element.Clause.(*kingpin.FlagClause); ok && element.Value != nil {
			given[flag.Model().Name] = *element.Value
		}
	}
	if !context.EOL() {
		return nil, errSurplus
	}
	return given, nil
}

// errSurplus stands for kingpin's error, which repeats the argument: it may be a secret.
var errSurplus = errors.New("there is an argument that belongs to no flag")

// explain names the flag that kingpin's error is about, where it leaves that
// out: it tells of a malformed value, but not of what.
func explain(app *kingpin.Application, args []string, err error) error {
	given, syntax := givenFlags(app, args)
	if syntax != nil {
		return explainSyntax(app, syntax)
	}
	for _, flag := range app.Model().Flags {
		if value, ok := given[flag.Name]; ok {
			if err := flag.Value.Set(value); err != nil {
				return blame(flag.Name, err)
			}
		}
	}
	return explainSyntax(app, err)
}

// mention is how kingpin names a flag in an error.
var mention = regexp.MustCompile(`'(?:--)?([a-z.-]+)'`)

// explainSyntax names the variable too, where kingpin names a flag, and
// repeats no argument that belongs to none.
func explainSyntax(app *kingpin.Application, err error) error {
	for _, repeating := range []string{"unexpected ", "expected command", "failed to open arguments file"} {
		if strings.HasPrefix(err.Error(), repeating) {
			return errSurplus
		}
	}
	if flag := mention.FindStringSubmatch(err.Error()); flag != nil && app.GetFlag(flag[1]) != nil {
		return blame(flag[1], err)
	}
	return err
}
