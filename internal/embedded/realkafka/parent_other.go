//go:build !linux

package realkafka

import "syscall"

// withParent is for Linux alone: elsewhere a broker outlives a parent that is killed.
var withParent = &syscall.SysProcAttr{}
