package realkafka

import "syscall"

// withParent ends a process with its parent, even where that is killed.
var withParent = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
