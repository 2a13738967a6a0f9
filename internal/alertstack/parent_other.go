//go:build !linux

package alertstack

import "syscall"

// endWithParent does nothing: only Linux can do this.
func endWithParent() *syscall.SysProcAttr { return nil }
