package process

import "syscall"

// Linux kills a program whose parent dies without ending it.
func init() { attributes = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
