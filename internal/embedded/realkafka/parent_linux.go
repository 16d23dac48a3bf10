package realkafka

import "syscall"

// withParent ends a process with its parent, even where that is killed, but leaves it to the parent what Ctrl-C does.
var withParent = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
