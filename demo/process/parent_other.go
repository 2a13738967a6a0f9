//go:build !linux

package process

import "syscall"

// endWithParent asks for nothing: only Linux can kill a program whose parent dies.
func endWithParent() *syscall.SysProcAttr { return nil }
