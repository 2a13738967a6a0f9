package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"rocketchat_import_exporter/client"
)

// yamlFile is the configuration file as it is written.
type yamlFile struct {
	Workspaces map[string]yamlWorkspace `yaml:"workspaces"`
}

// yamlWorkspace is a workspace as it is written. A nil field takes the default.
type yamlWorkspace struct {
	URL             string                       `yaml:"url"`
	UserID          string                       `yaml:"user_id"`
	AuthToken       string                       `yaml:"auth_token"`
	AuthTokenFile   string                       `yaml:"auth_token_file"`
	Timeout         *model.Duration              `yaml:"timeout"`
	MinInterval     *model.Duration              `yaml:"min_interval"`
	FileData        *Mode                        `yaml:"file_data"`
	FileDataTimeout *model.Duration              `yaml:"file_data_timeout"`
	HTTP            *promconfig.HTTPClientConfig `yaml:"http_config"`
}

var (
	// validName matches names that need no escaping in a URL or a label.
	validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	// quoted matches a value in an error of the YAML package, and badURL what
	// net/url says about one. Both may hold a secret.
	quoted = regexp.MustCompile("`[^`]*`")
	badURL = regexp.MustCompile(`parse ".*`)
)

// Load returns the workspaces of a configuration file by name: at least one. A
// setting that a workspace leaves out is taken from defaults. Errors name the
// line or the workspace, and hold no secret.
func Load(path string, defaults Workspace) (map[string]Workspace, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, withoutValues(err))
	}
	if len(f.Workspaces) == 0 {
		return nil, fmt.Errorf("%s: the file names no workspace: add one below the key workspaces", path)
	}
	workspaces := make(map[string]Workspace, len(f.Workspaces))
	for name, written := range f.Workspaces {
		if !validName.MatchString(name) {
			return nil, fmt.Errorf("%s: workspace %q: a name is 1 to 63 letters, digits, _, . or -, and begins with a letter or digit", path, name)
		}
		w, err := written.over(defaults, filepath.Dir(path))
		if err == nil {
			err = w.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: workspace %s: %w", path, name, err)
		}
		workspaces[name] = w
	}
	return workspaces, nil
}

// parse reads a configuration file, which holds one YAML document at most.
func parse(content []byte) (f yamlFile, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(content))
	documents.SetStrict(true)
	if err := documents.Decode(&f); err != nil && err != io.EOF {
		return yamlFile{}, err
	}
	if err := documents.Decode(new(any)); err != io.EOF {
		return yamlFile{}, errors.New("the file holds a second YAML document, which would be ignored: remove it")
	}
	return f, nil
}

// LoadHTTP reads a file that holds an http_config. Its errors hold no secret.
func LoadHTTP(path string) (promconfig.HTTPClientConfig, error) {
	loaded, _, err := promconfig.LoadHTTPConfigFile(path)
	if err != nil {
		return promconfig.HTTPClientConfig{}, withoutValues(err)
	}
	return *loaded, nil
}

// withoutValues removes the values from an error of the YAML package.
func withoutValues(err error) error {
	text := quoted.ReplaceAllString(err.Error(), "a value")
	return errors.New(badURL.ReplaceAllString(text, "not a URL"))
}

// over returns w with the written settings put over it. Relative paths start at dir.
func (written yamlWorkspace) over(w Workspace, dir string) (Workspace, error) {
	if written.URL != "" {
		url, err := client.ParseURL(written.URL)
		if err != nil {
			return Workspace{}, &Error{[]string{"url"}, err}
		}
		w.URL = url
	}
	w.UserID, w.Token = written.UserID, written.AuthToken
	w.TokenFile = promconfig.JoinDir(dir, written.AuthTokenFile)
	setDuration(&w.Timeout, written.Timeout)
	setDuration(&w.MinInterval, written.MinInterval)
	setDuration(&w.FileDataTimeout, written.FileDataTimeout)
	if written.FileData != nil {
		w.FileData = *written.FileData
	}
	if written.HTTP != nil {
		w.HTTP = *written.HTTP
		w.HTTP.SetDirectory(dir)
	}
	return w, nil
}

func setDuration(to *time.Duration, written *model.Duration) {
	if written != nil {
		*to = time.Duration(*written)
	}
}
