// Package deploy tests the files in deploy/ with the programs and libraries that
// read them. Run it with "make deploy-test".
package deploy

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../deploy"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
