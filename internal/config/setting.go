package config

import "rocketchat_import_exporter/client"

// Setting is one setting of a workspace: its key in the configuration file, and the flag that sets
// it for a single workspace, without the dashes.
type Setting struct {
	Key, Flag string
}

// The settings of a workspace. This is the one place that says which flag belongs to which key.
var (
	SettingURL             = Setting{"url", "rocketchat.url"}
	SettingUserID          = Setting{"user_id", "rocketchat.user-id"}
	SettingToken           = Setting{"auth_token", "rocketchat.auth-token"}
	SettingTokenFile       = Setting{"auth_token_file", "rocketchat.auth-token-file"}
	SettingHTTP            = Setting{"http_config", "rocketchat.http-config-file"}
	SettingTimeout         = Setting{"timeout", "rocketchat.timeout"}
	SettingMinInterval     = Setting{"min_interval", "rocketchat.min-interval"}
	SettingPollInterval    = Setting{"poll_interval", "rocketchat.poll-interval"}
	SettingFileData        = Setting{"file_data", "import.file-data"}
	SettingFileDataTimeout = Setting{"file_data_timeout", "import.file-data-timeout"}
)

// Settings returns all settings of a workspace.
func Settings() []Setting {
	return []Setting{
		SettingURL, SettingUserID, SettingToken, SettingTokenFile, SettingHTTP,
		SettingTimeout, SettingMinInterval, SettingPollInterval, SettingFileData, SettingFileDataTimeout,
	}
}

// Hint returns what a hint says to whoever set up this workspace: with flags or in a file.
func (w Workspace) Hint(h client.Hint) string { return h.Words(w.SettingName) }

// SettingName returns what whoever set up this workspace calls a setting.
func (w Workspace) SettingName(key string) string {
	if !w.FromFile {
		for _, setting := range Settings() {
			if setting.Key == key {
				return "--" + setting.Flag
			}
		}
	}
	return "the setting " + key
}
