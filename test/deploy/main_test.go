// Package deploy tests the files in deploy/ with the programs and libraries that
// read them. Run it with "make deploy-test".
package deploy

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in deploy/, so that paths in them begin there.
func TestMain(m *testing.M) {
	if err := os.Chdir("../../deploy"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
