package check

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

var recordings = filepath.Join("..", "..", "client", "testdata", "recorded")

// watched is the workspace at an address.
func watched(address, path string) config.Workspace {
	return config.Workspace{
		URL: &url.URL{Scheme: "http", Host: address, Path: path}, UserID: simtest.UserID, Token: simtest.Token,
		HTTP: promconfig.DefaultHTTPClientConfig, Timeout: 10 * time.Second,
	}
}

// told is what the exporter makes of an answer: its reason, its hint, who answered, and what check
// prints, or what the log says of a read of the selection.
func told(t *testing.T, w config.Workspace, selection bool) string {
	c, err := w.Client("test", nil)
	require.NoError(t, err)
	var said string
	if selection {
		var data client.FileData
		data, err = c.FileData(t.Context())
		switch e, ok := errors.AsType[*client.Error](err); {
		case ok:
			said = e.Error() + "; what to do: " + w.Hint(e.Hint)
		case data.Waiting:
			said = "Rocket.Chat is still preparing the file"
		default:
			s := data.Selection
			said = fmt.Sprintf("a selection of %s users, %s channels and %s messages", number(s.Users), number(s.Channels), number(s.Messages))
		}
	} else {
		var look *client.Look
		look, err = c.Look(t.Context())
		look.Close()
		result := Run(t.Context(), "acme", w, "test")
		result.LookSeconds = nil // which depends on this machine
		_, words, _ := strings.Cut(strings.TrimSpace(result.String()), "\n")
		var lines []string
		for line := range strings.Lines(words) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		said = strings.Join(lines, "; ")
	}
	met := "ok"
	if e, ok := errors.AsType[*client.Error](err); ok {
		who := e.Answered
		if who == client.Nobody {
			who = "nobody"
		}
		met = fmt.Sprintf("%s, %s, %s", e.Reason, e.Hint.Key(), who)
	}
	said = strings.ReplaceAll(said, w.URL.Host, "ADDRESS")
	return met + " | " + regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(said, "SELF")
}

func number(n client.OptionalCount) string {
	if !n.Known {
		return "unknown"
	}
	return strconv.FormatInt(n.Value, 10)
}

// notSent is what the log says where a server closes each connection after one answer.
func notSent(t *testing.T) string {
	for _, r := range simtest.Recordings(t, filepath.Join(recordings, "whole-server")) {
		if r.Name != "6.5.3/csv-current-user_selection" {
			continue
		}
		w := watched(r.Serve(t, true), "")
		c, err := w.Client("test", nil)
		require.NoError(t, err)
		look, err := c.Look(t.Context())
		require.NoError(t, err)
		_, err = look.FileData(t.Context(), func() {})
		require.ErrorIs(t, err, client.ErrNotSent)
		e, ok := errors.AsType[*client.Error](err)
		require.True(t, ok)
		return fmt.Sprintf("%s: %s, %s | %s; what to do: %s", r.Name, e.Reason, e.Hint.Key(), err, w.Hint(e.Hint))
	}
	t.Fatal("the recording is missing")
	return ""
}

func TestWhatIsToldOfTheAnswersOfRealServers(t *testing.T) {
	var got strings.Builder
	for _, folder := range []string{"whole-server", "by-source"} {
		fmt.Fprintf(&got, "# %s\n", folder)
		for _, r := range simtest.Recordings(t, filepath.Join(recordings, folder)) {
			base, _, found := strings.Cut(r.Path, "/api/v1/get")
			paths := []string{strings.TrimSuffix(base, "/")}
			if !found {
				paths[0] = ""
			}
			if strings.HasSuffix(r.Name, "/route-unknown-route") {
				paths = []string{"", "/api", "/api/v1", "/chat"}
			}
			for _, path := range paths {
				at := ""
				if path != "" {
					at = " at " + path
				}
				if r.Mended {
					at += " (cut by the recorder)"
				}
				selection := strings.Contains(r.Path, "getImportFileData")
				fmt.Fprintf(&got, "%s%s: %s\n", r.Name, at, told(t, watched(r.Serve(t, false), path), selection))
			}
		}
	}
	fmt.Fprintf(&got, "# The read after a look whose answer has Connection: close\n%s\n", notSent(t))
	assert.NotContains(t, got.String(), simtest.Token)
	const golden = "testdata/recorded.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String(), "if this is meant: go test ./internal/check -update, and read each line that changes")
}
