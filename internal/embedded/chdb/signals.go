package chdb

import (
	"sync"
	"syscall"
	"unsafe"
)

// lastSignal is the highest signal number of Linux.
const lastSignal = 64

// sigaction is large enough for the kernel's struct sigaction on every Linux port.
type sigaction [64]byte

// signals serializes keepSignals: what one call saw as the state before must not be what f of another had made of it.
var signals sync.Mutex

// keepSignals runs f and puts back every signal handler that f replaced. The library replaces that of SIGILL when it is
// loaded, and the engine installs its own (or, asked not to, the default ones) for SIGSEGV and others whenever it connects.
// But they belong to the Go runtime: without its handler, a nil dereference would end the process and not be a panic.
// For the microseconds of f it would.
func keepSignals(f func()) {
	signals.Lock()
	defer signals.Unlock()
	var before [lastSignal + 1]sigaction
	for sig := 1; sig <= lastSignal; sig++ {
		rtSigaction(sig, nil, &before[sig])
	}
	f()
	for sig := 1; sig <= lastSignal; sig++ {
		var now sigaction
		rtSigaction(sig, nil, &now)
		if now != before[sig] {
			rtSigaction(sig, &before[sig], nil)
		}
	}
}

// rtSigaction reads or sets a disposition. SIGKILL and SIGSTOP can be read but never differ, so errors need no handling.
func rtSigaction(sig int, set, old *sigaction) {
	const sigsetBytes = lastSignal / 8
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), sigsetBytes, 0, 0)
}
