package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
)

// file is the configuration file as it is written.
type file struct {
	Workspaces map[string]workspace `yaml:"workspaces"`
}

// workspace is a workspace as it is written. What is nil has a default.
type workspace struct {
	URL             string                       `yaml:"url"`
	UserID          string                       `yaml:"user_id"`
	AuthToken       string                       `yaml:"auth_token"`
	AuthTokenFile   string                       `yaml:"auth_token_file"`
	Timeout         *model.Duration              `yaml:"timeout"`
	MinInterval     *model.Duration              `yaml:"min_interval"`
	FileData        *collector.Mode              `yaml:"file_data"`
	FileDataTimeout *model.Duration              `yaml:"file_data_timeout"`
	HTTP            *promconfig.HTTPClientConfig `yaml:"http_config"`
}

var (
	// validName is what a workspace may be called: what needs no escaping in a URL or a label.
	validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	// quoted is a value in an error of the YAML package, and badURL what net/url
	// says of one: both may hold a secret.
	quoted = regexp.MustCompile("`[^`]*`")
	badURL = regexp.MustCompile(`parse ".*`)
)

// Load reads the workspaces of a configuration file by name. What a workspace
// leaves out is taken from defaults. An error names the line or the workspace
// that it is about, and holds no secret.
func Load(path string, defaults Workspace) (map[string]Workspace, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, withoutValues(err))
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

// parse reads the one document that a configuration file is, or none.
func parse(content []byte) (f file, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(content))
	documents.SetStrict(true)
	if err := documents.Decode(&f); err != nil {
		if err == io.EOF {
			return file{}, nil
		}
		return file{}, err
	}
	if err := documents.Decode(new(any)); err != io.EOF {
		return file{}, errors.New("a second YAML document follows the first, and would not be heeded")
	}
	return f, nil
}

// LoadHTTP reads a file that holds an http_config. An error holds no secret.
func LoadHTTP(path string) (promconfig.HTTPClientConfig, error) {
	loaded, _, err := promconfig.LoadHTTPConfigFile(path)
	if err != nil {
		return promconfig.HTTPClientConfig{}, withoutValues(err)
	}
	return *loaded, nil
}

// withoutValues is an error of the YAML package without the values in it.
func withoutValues(err error) error {
	text := quoted.ReplaceAllString(err.Error(), "a value")
	return errors.New(badURL.ReplaceAllString(text, "not a URL"))
}

// over returns w with what is written put over it. Paths that are relative
// start at dir.
func (written workspace) over(w Workspace, dir string) (Workspace, error) {
	if written.URL != "" {
		url, err := client.ParseURL(written.URL)
		if err != nil {
			return Workspace{}, &Error{"url", err}
		}
		w.URL = url
	}
	w.UserID, w.Token = written.UserID, written.AuthToken
	w.TokenFile = promconfig.JoinDir(dir, written.AuthTokenFile)
	put(&w.Timeout, written.Timeout)
	put(&w.MinInterval, written.MinInterval)
	put(&w.FileDataTimeout, written.FileDataTimeout)
	if written.FileData != nil {
		if !slices.Contains(collector.Modes(), *written.FileData) {
			return Workspace{}, &Error{"file_data", errors.New("must be on-change, each-scrape, never or unguarded")}
		}
		w.FileData = *written.FileData
	}
	if written.HTTP != nil {
		w.HTTP = *written.HTTP
		w.HTTP.SetDirectory(dir)
	}
	return w, nil
}

// put sets a duration that is written.
func put(into *time.Duration, written *model.Duration) {
	if written != nil {
		*into = time.Duration(*written)
	}
}
