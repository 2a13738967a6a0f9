package process

import "syscall"

// endWithParent makes Linux kill a program whose parent dies without ending it.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
