package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"rocketchat_import_exporter/client"
)

// yamlFile is the configuration file as it is written.
type yamlFile struct {
	Workspaces map[string]yamlWorkspace `yaml:"workspaces"`
}

// yamlWorkspace is a workspace as it is written. A nil field takes the default.
type yamlWorkspace struct {
	URL             string          `yaml:"url"`
	UserID          string          `yaml:"user_id"`
	AuthToken       string          `yaml:"auth_token"`
	AuthTokenFile   string          `yaml:"auth_token_file"`
	Timeout         *model.Duration `yaml:"timeout"`
	MinInterval     *model.Duration `yaml:"min_interval"`
	PollInterval    *model.Duration `yaml:"poll_interval"`
	FileData        *Mode           `yaml:"file_data"`
	FileDataTimeout *model.Duration `yaml:"file_data_timeout"`
	HTTP            *httpConfig     `yaml:"http_config"`
}

// httpConfig is an http_config as it is written. Unless it says which proxy to use, or that
// proxy_from_environment is false, the variables of the environment say it.
type httpConfig struct {
	promconfig.HTTPClientConfig `yaml:",inline"`
}

// UnmarshalYAML decodes and checks it.
func (c *httpConfig) UnmarshalYAML(n *yaml.Node) error {
	var written struct {
		FromEnvironment *bool `yaml:"proxy_from_environment"`
	}
	if err := cmp.Or(n.Decode(&c.HTTPClientConfig), n.Decode(&written)); err != nil {
		return err
	}
	if written.FromEnvironment == nil && c.ProxyURL.URL == nil {
		c.ProxyFromEnvironment = true
	}
	return nil
}

// DefaultHTTP returns the HTTP settings of a workspace that has none: they take the proxy from
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
func DefaultHTTP() promconfig.HTTPClientConfig {
	c := promconfig.DefaultHTTPClientConfig
	c.ProxyFromEnvironment = true
	return c
}

// validName matches names that need no escaping in a URL or a label.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// Load returns the workspaces of a configuration file with this content, in the folder dir, by name:
// at least one. A setting that a workspace leaves out is taken from defaults. Errors name the line
// and the workspace, and hold no secret.
func Load(content []byte, dir string, defaults Workspace) (map[string]Workspace, error) {
	root, err := parse(content, reflect.TypeFor[yamlFile]())
	if err != nil {
		return nil, err
	}
	var nodes struct{ Workspaces map[string]yaml.Node }
	if root != nil {
		err = root.Decode(&nodes)
	}
	if err != nil || len(nodes.Workspaces) == 0 {
		return nil, errors.New("the file names no workspace: add one below the key workspaces")
	}
	workspaces := make(map[string]Workspace, len(nodes.Workspaces))
	for _, name := range slices.Sorted(maps.Keys(nodes.Workspaces)) {
		node := nodes.Workspaces[name]
		w, err := decode(&node, defaults, dir)
		if err != nil {
			return nil, fmt.Errorf("line %d: workspace %s: %w", lineOf(&node, err), name, err)
		}
		workspaces[name] = w
	}
	return workspaces, nil
}

// decode returns the workspace that n describes.
func decode(n *yaml.Node, defaults Workspace, dir string) (Workspace, error) {
	var written yamlWorkspace
	if err := n.Decode(&written); err != nil {
		return Workspace{}, &Error{[]Setting{SettingHTTP}, semanticError(err)}
	}
	w, err := written.over(defaults, dir)
	if err == nil {
		err = w.Check()
	}
	if err == nil {
		err = w.CheckFiles()
	}
	return w, err
}

// lineOf returns the line of the setting that err is about, or that of the workspace n.
func lineOf(n *yaml.Node, err error) int {
	n = target(n)
	if wrong, ok := errors.AsType[*Error](err); ok {
		for pair := range slices.Chunk(n.Content, 2) {
			if slices.ContainsFunc(wrong.Settings, func(s Setting) bool { return s.Key == pair[0].Value }) {
				return pair[0].Line
			}
		}
	}
	return n.Line
}

// semanticError returns what prometheus/common says about settings that contradict each other. An
// error of the YAML package may quote a value, so its text is dropped.
func semanticError(err error) error {
	if strings.HasPrefix(err.Error(), "yaml:") {
		return errors.New("cannot be read")
	}
	return err
}

// LoadHTTP reads a file that holds an http_config. Its errors hold no secret.
func LoadHTTP(path string) (promconfig.HTTPClientConfig, error) {
	loaded := httpConfig{DefaultHTTP()}
	err := ReadYAML(path, &loaded)
	loaded.SetDirectory(filepath.Dir(path))
	return loaded.HTTPClientConfig, err
}

// ReadYAML reads a file of settings into a struct. Its errors name the file and the line, and hold
// no secret.
func ReadYAML[T any](path string, settings *T) error {
	content, err := client.ReadFile(path)
	if err != nil {
		return err
	}
	if err := unmarshal(content, settings); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func unmarshal[T any](content []byte, settings *T) error {
	root, err := parse(content, reflect.TypeFor[T]())
	if err != nil || root == nil {
		return err
	}
	if err := root.Decode(settings); err != nil {
		return semanticError(err)
	}
	return nil
}

// over returns w with the written settings put over it. Relative paths start at dir.
func (written yamlWorkspace) over(w Workspace, dir string) (Workspace, error) {
	if written.URL != "" {
		url, err := client.ParseURL(written.URL)
		if err != nil {
			return Workspace{}, &Error{[]Setting{SettingURL}, err}
		}
		w.URL = url
	}
	w.FromFile = true
	w.UserID, w.Token = strings.TrimSpace(written.UserID), written.AuthToken
	w.TokenFile = promconfig.JoinDir(dir, written.AuthTokenFile)
	setDuration(&w.Timeout, written.Timeout)
	setDuration(&w.MinInterval, written.MinInterval)
	setDuration(&w.FileDataTimeout, written.FileDataTimeout)
	if written.FileData != nil {
		w.FileData = *written.FileData
	}
	if w.FileData == Unguarded { // the default is for those that may be looked at
		w.PollInterval = 0
	}
	setDuration(&w.PollInterval, written.PollInterval)
	if written.HTTP != nil {
		w.HTTP = written.HTTP.HTTPClientConfig
		w.HTTP.SetDirectory(dir)
	}
	return w, nil
}

func setDuration(to *time.Duration, written *model.Duration) {
	if written != nil {
		*to = time.Duration(*written)
	}
}
