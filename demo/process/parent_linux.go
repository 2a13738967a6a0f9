package process

import "syscall"

// endWithParent has Linux kill a program whose parent dies without ending it.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
