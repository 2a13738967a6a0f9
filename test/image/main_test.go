//go:build image && linux

package imagetest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// inside is set in the environment of the tests that have a mount namespace of
// their own.
const inside = "IMAGETEST_INSIDE"

// TestMain has the tests run in a mount namespace of their own, which takes all
// their mounts along when it ends, however that comes.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=yes")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "the tests, in a mount namespace of their own, which needs root: %v\n", err)
		os.Exit(1)
	}
}
