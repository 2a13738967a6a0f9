package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What a package installs. The first environment file is Debian's, the second that of rpm systems.
var (
	environmentFiles = []string{"etc/default/" + name, "etc/sysconfig/" + name}
	installedToken   = "etc/" + name + "/token"
	installedMany    = "etc/systemd/system/" + name + ".service.d/many-workspaces.conf"
)

// useInstalled takes what the service of an installed package uses, below root, for check and watch
// where no flag or variable names a workspace or a file. It returns the files that it used.
func (f *flags) useInstalled(root string, values map[string]*flagValue, set func(flag string) bool) (used []string, err error) {
	if set(configFileFlag) || slices.ContainsFunc(oneWorkspace, set) {
		return nil, nil
	}
	dropIn, err := os.ReadFile(filepath.Join(root, installedMany))
	if err == nil {
		if _, rest, found := strings.Cut(string(dropIn), "--"+configFileFlag+"="); found {
			f.configFile = filepath.Join(root, strings.Fields(rest)[0])
			return []string{filepath.Join(root, installedMany), f.configFile}, nil
		}
	}
	for _, file := range environmentFiles {
		path := filepath.Join(root, file)
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, advise(err)
		}
		if err := setVariables(string(content), values, set); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		used = []string{path}
		if f.workspace.Token == "" && f.workspace.TokenFile == "" {
			f.workspace.TokenFile = filepath.Join(root, installedToken)
			used = append(used, f.workspace.TokenFile)
			if _, err := os.ReadFile(f.workspace.TokenFile); err != nil {
				return nil, advise(err)
			}
		}
		break
	}
	return used, nil
}

// setVariables sets each flag whose variable a systemd environment file sets, and the variables of
// the forward proxy, which are no flags.
func setVariables(content string, values map[string]*flagValue, set func(flag string) bool) error {
	file := map[string]string{}
	for line := range strings.Lines(content) {
		if key, value, found := strings.Cut(line, "="); found { // a comment's key is no variable
			file[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	for _, key := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if text := file[key]; text != "" && os.Getenv(key) == "" {
			os.Setenv(key, text)
		}
	}
	for flag, value := range values {
		if text := file[variable(flag)]; text != "" && !set(flag) {
			if err := value.Set(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// advise says what to do where a file of the service cannot be read.
func advise(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: run this command as root, for example with sudo", err)
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "/run/credentials/"): // of LoadCredential=
		return fmt.Errorf("%w: systemd makes this file when the service starts, so run systemctl restart %s first", err, name)
	}
	return err
}
