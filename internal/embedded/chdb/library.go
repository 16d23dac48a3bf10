package chdb

import "unsafe"

// library is the part of libchdb's C interface that this package calls. Strings go with their length and need no
// terminator; a result is the caller's until it is destroyed.
type library struct {
	signalHandlers func(enabled int32)
	connect        func(argc int32, argv **byte) *unsafe.Pointer
	closeConn      func(conn *unsafe.Pointer)
	query          func(conn unsafe.Pointer, sql *byte, sqlLen uintptr, format *byte, formatLen uintptr,
		names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, params uintptr) unsafe.Pointer
	resultBuffer      func(result unsafe.Pointer) *byte
	resultLength      func(result unsafe.Pointer) uintptr
	resultError       func(result unsafe.Pointer) string
	resultRowsRead    func(result unsafe.Pointer) uint64
	resultBytesRead   func(result unsafe.Pointer) uint64
	resultRowsWritten func(result unsafe.Pointer) uint64
	destroyResult     func(result unsafe.Pointer)
}
