package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Where things are, seen from this folder.
const (
	root      = "../.."
	bin       = "../bin"
	alerts    = "../../alerts"
	dashboard = "../../dashboards/rocketchat-import.json"
)

// shipped returns the files in alerts/ that match.
func shipped(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(alerts, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("alerts/ has no %s", pattern)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustRun runs a program that has to succeed. It ends with the test.
func mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%s is not built: run make e2e", program)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}
