package rocketchatsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func recorded(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "client", "testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// recordedOperation is the operation that a recorded reply tells of.
func recordedOperation(t *testing.T, body string) sim.Operation {
	t.Helper()
	r := decode[struct {
		Operation struct {
			ID          string `json:"_id"`
			Type        string
			ImporterKey string
			Created     time.Time `json:"ts"`
			Step        string    `json:"status"`
			Valid       bool
			User        string
			Updated     time.Time `json:"_updatedAt"`
			ContentType string
			File        string
			Count       *sim.Count
		}
	}](t, body).Operation
	return sim.Operation{
		ID: r.ID, Type: r.Type, ImporterKey: r.ImporterKey, Created: r.Created, Step: r.Step, Valid: r.Valid,
		User: r.User, Updated: r.Updated, ContentType: r.ContentType, File: r.File, Count: r.Count,
	}
}

func TestRepliesAreByteForByteThoseRecorded(t *testing.T) {
	for _, c := range []struct{ file, operation, endpoint string }{
		{"operation-none.json", "", sim.GetCurrentImportOperation},
		{"filedata-none.json", "", sim.GetImportFileData},
		{"operation-new-api.json", "operation-new-api.json", sim.GetCurrentImportOperation},
		{"operation-file_loaded.json", "operation-file_loaded.json", sim.GetCurrentImportOperation},
		{"operation-preparing.json", "operation-preparing.json", sim.GetCurrentImportOperation},
		{"filedata-waiting.json", "operation-preparing.json", sim.GetImportFileData},
		{"operation-user_selection.json", "operation-user_selection.json", sim.GetCurrentImportOperation},
		{"progress-user_selection.json", "operation-user_selection.json", sim.GetImportProgress},
		{"status-ready.json", "operation-user_selection.json", sim.ImportStatus},
		{"operation-importing_messages.json", "operation-importing_messages.json", sim.GetCurrentImportOperation},
		{"operation-done.json", "operation-done.json", sim.GetCurrentImportOperation},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: sim.Classic})
			if c.operation != "" {
				w.SetOperation(recordedOperation(t, recorded(t, c.operation)))
			}
			if got, want := w.get(c.endpoint).body, recorded(t, c.file); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestASelectionHasTheRecordedFieldsInTheRecordedOrder(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.SetOperation(recordedOperation(t, recorded(t, "operation-user_selection.json")))
	err := w.SetSelection(sim.Selection{
		Users: 12, UsersDeleted: 2, UsersBot: 1, Channels: 5, ChannelsArchived: 1, ChannelsPrivate: 1, ChannelsDirect: 1, Messages: 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, want := shape(t, w.get(sim.GetImportFileData).body), shape(t, recorded(t, "filedata-user_selection.json"))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// shape returns the names of a JSON text in their order, and the kinds of its
// values in place of the values.
func shape(t *testing.T, body string) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(body)))
	var out strings.Builder
	var inObject []bool
	isName := false
	for decoder.More() || len(inObject) > 0 {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		delim, isDelim := token.(json.Delim)
		switch {
		case isDelim && (delim == '{' || delim == '['):
			inObject = append(inObject, delim == '{')
			out.WriteString(delim.String())
			isName = delim == '{'
			continue
		case isDelim:
			inObject = inObject[:len(inObject)-1]
			out.WriteString(delim.String())
		case isName:
			fmt.Fprintf(&out, "%v:", token)
			isName = false
			continue
		default:
			fmt.Fprintf(&out, "%T ", token)
		}
		isName = len(inObject) > 0 && inObject[len(inObject)-1]
	}
	return out.String()
}
