//go:build !linux

package process

import "syscall"

// endWithParent does nothing: only Linux can kill a program whose parent dies.
func endWithParent() *syscall.SysProcAttr { return nil }
