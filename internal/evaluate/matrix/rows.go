package matrix

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// columns are those that the header has to name, in any order and among others.
var columns = [...]string{"t", "src", "dst", "rtt_ms"}

// The columns, as indices of columns.
const (
	columnT = iota
	columnSrc
	columnDst
	columnRTT
)

const (
	maxT   = 1_000_000_000 // a larger index is no index: a time of day, say
	maxRTT = 60_000        // ms; with noise on four round trips, what a uint32 of µs holds
)

// row is one directed pair in one slice.
type row struct {
	t        int
	src, dst string
	ms       float64 // 0 = the field says that there is none
}

// rows reads a file row by row, holding one.
type rows struct {
	csv *csv.Reader
	at  [len(columns)]int // of each column in a record
}

// newRows reads the header. The input may be compressed: its first bytes tell.
func newRows(in io.Reader) (*rows, error) {
	plain, err := decompressed(in)
	if err != nil {
		return nil, err
	}
	r := &rows{csv: csv.NewReader(plain)}
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, fmt.Errorf("read the header: %w", err)
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	for i, name := range columns {
		if r.at[i] = slices.Index(header, name); r.at[i] < 0 {
			return nil, fmt.Errorf("line 1: the header has to be %s, comma separated; there is no column %s in %q",
				strings.Join(columns[:], ","), name, shortened(strings.Join(header, ",")))
		}
	}
	return r, nil
}

// decompressed returns what a gzip stream holds, and anything else as it is, without a byte order mark.
func decompressed(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		buffered = bufio.NewReaderSize(z, 1<<16)
	}
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // just seen
	}
	return buffered, nil
}

// next returns the next row; io.EOF is its error behind the last one.
func (r *rows) next() (row, error) {
	record, err := r.csv.Read()
	if err != nil {
		if err == io.EOF { //nolint:errorlint // the reader returns it bare
			return row{}, err
		}
		return row{}, fmt.Errorf("read a row: %w", err)
	}
	out := row{src: record[r.at[columnSrc]], dst: record[r.at[columnDst]]}
	for i, name := range [...]string{columnSrc: out.src, columnDst: out.dst} {
		if i >= columnSrc && name == "" {
			return row{}, r.wrong(i, "is empty: it has to name a node")
		}
	}
	if out.t, err = index(record[r.at[columnT]]); err != nil {
		return row{}, r.wrong(columnT, "%q %w", shortened(record[r.at[columnT]]), err)
	}
	if out.ms, err = milliseconds(record[r.at[columnRTT]]); err != nil {
		return row{}, r.wrong(columnRTT, "%q %w", shortened(record[r.at[columnRTT]]), err)
	}
	return out, nil
}

// wrong is an error in a field of the row that was read last: it says where.
func (r *rows) wrong(column int, format string, args ...any) error {
	line, at := r.csv.FieldPos(r.at[column])
	return fmt.Errorf("line %d, column %d: %s %w", line, at, columns[column], fmt.Errorf(format, args...))
}

// line is where the row that was read last begins.
func (r *rows) line() int {
	line, _ := r.csv.FieldPos(0)
	return line
}

// index parses the index of a slice. Some programs write integers as 3.0.
func index(field string) (int, error) {
	field = strings.TrimSpace(field)
	t, err := strconv.Atoi(field)
	if err != nil {
		f, err := strconv.ParseFloat(field, 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > maxT {
			return 0, errors.New("is not the index of a time slice, an integer")
		}
		t = int(f)
	}
	if t < 0 || t > maxT {
		return 0, fmt.Errorf("is not the index of a time slice, 0 to %d", maxT)
	}
	return t, nil
}

// milliseconds parses a round trip. An empty field and NaN, as some programs write a missing value, are 0.
func milliseconds(field string) (float64, error) {
	field = strings.TrimSpace(field)
	if field == "" {
		return 0, nil
	}
	ms, err := strconv.ParseFloat(field, 64)
	switch {
	case err != nil:
		return 0, errors.New("is not a number")
	case math.IsNaN(ms):
		return 0, nil
	case ms <= 0:
		return 0, errors.New("is not above 0: leave the row out where nothing was measured")
	case ms > maxRTT:
		return 0, fmt.Errorf("is more than %d ms: leave the row out where there was no answer", maxRTT)
	}
	return ms, nil
}

// shortened returns s, or its beginning where it is long.
func shortened(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
