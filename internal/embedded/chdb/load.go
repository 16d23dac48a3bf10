//go:build !slim

package chdb

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// builtIn says whether this program can load the library. What can is linked to libc's loader.
const builtIn = true

// load opens the shared library at path. A library once opened stays in the process.
func load(path string) (*library, error) {
	var handle uintptr
	var err error
	keepSignals(func() { handle, err = purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL) })
	if err != nil {
		return nil, fmt.Errorf("open libchdb: %w", err)
	}
	var l library
	for name, f := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.signalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConn,
		"chdb_query_with_params_n":         &l.query,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_error":                &l.resultError,
		"chdb_result_storage_rows_read":    &l.resultRowsRead,
		"chdb_result_storage_bytes_read":   &l.resultBytesRead,
		"chdb_result_rows_written":         &l.resultRowsWritten,
		"chdb_destroy_query_result":        &l.destroyResult,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libchdb at %s is not version %s: %w", path, Version, err)
		}
		purego.RegisterFunc(f, symbol)
	}
	return &l, nil
}
