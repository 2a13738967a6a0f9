//go:build !linux

package process

import "syscall"

// endWithParent does nothing: only Linux can do this.
func endWithParent() *syscall.SysProcAttr { return nil }
