package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"rocketchat_import_exporter/internal/config"
)

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
