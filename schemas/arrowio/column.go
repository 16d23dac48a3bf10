package arrowio

import (
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Column is one column of a Table: its field, and how it moves between rows and Arrow buffers.
type Column[R any] struct {
	field  arrow.Field
	width  int // bytes that a row takes at least
	encode func([]R) arrow.ArrayData
	decode func(arrow.ArrayData, []R) error
}

// Int is any Go integer type of a fixed size, named types included.
type Int interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Number is a column of integers. Unit goes to the field's metadata ("us", "1", "ms since 1970-01-01 UTC").
func Number[R any, T Int](name, unit string, at func(*R) *T) Column[R] {
	return Column[R]{
		field: field(name, unit, dataType[T](), false),
		width: int(unsafe.Sizeof(T(0))),
		encode: func(rows []R) arrow.ArrayData {
			values := make([]T, len(rows))
			for i := range rows {
				values[i] = *at(&rows[i])
			}
			return fixed[T](len(rows), nil, values)
		},
		decode: func(d arrow.ArrayData, rows []R) error {
			values, err := numbers[T](d, len(rows))
			if err != nil {
				return err
			}
			for i := range rows {
				*at(&rows[i]) = values[i]
			}
			return nil
		},
	}
}

// Optional is a column of integers of which some are null: where has is false, the value is the zero value.
func Optional[R any, T Int](name, unit string, at func(*R) *T, has func(*R) *bool) Column[R] {
	return Column[R]{
		field: field(name, unit, dataType[T](), true),
		width: int(unsafe.Sizeof(T(0))),
		encode: func(rows []R) arrow.ArrayData {
			values := make([]T, len(rows))
			valid := make([]byte, bitutil.BytesForBits(int64(len(rows))))
			for i := range rows {
				if *has(&rows[i]) {
					bitutil.SetBit(valid, i)
					values[i] = *at(&rows[i])
				}
			}
			return fixed(len(rows), valid, values)
		},
		decode: func(d arrow.ArrayData, rows []R) error {
			values, err := numbers[T](d, len(rows))
			if err != nil {
				return err
			}
			valid := d.Buffers()[0]
			if valid != nil && int64(valid.Len()) < bitutil.BytesForBits(int64(len(rows))) {
				return fmt.Errorf("validity has %d bytes for %d rows", valid.Len(), len(rows))
			}
			for i := range rows {
				if valid == nil || bitutil.BitIsSet(valid.Bytes(), i) {
					*has(&rows[i]), *at(&rows[i]) = true, values[i]
				}
			}
			return nil
		},
	}
}

// Address is a column of IP addresses: 16 bytes in network order, IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2).
func Address[R any](name string, at func(*R) *netip.Addr) Column[R] {
	const width = 16
	return Column[R]{
		field: field(name, "IP address", &arrow.FixedSizeBinaryType{ByteWidth: width}, false),
		width: width,
		encode: func(rows []R) arrow.ArrayData {
			values := make([]byte, 0, width*len(rows))
			for i := range rows {
				a := at(&rows[i]).As16()
				values = append(values, a[:]...)
			}
			buffers := []*memory.Buffer{nil, memory.NewBufferBytes(values)}
			return array.NewData(&arrow.FixedSizeBinaryType{ByteWidth: width}, len(rows), buffers, nil, 0, 0)
		},
		decode: func(d arrow.ArrayData, rows []R) error {
			values, err := buffer(d, len(rows)*width)
			if err != nil {
				return err
			}
			for i := range rows {
				*at(&rows[i]) = netip.AddrFrom16([16]byte(values[i*width:])).Unmap()
			}
			return nil
		},
	}
}

// List is a column of lists of integers.
func List[R any, T Int](name, unit string, at func(*R) *[]T) Column[R] {
	dtype := arrow.ListOfField(arrow.Field{Name: "item", Type: dataType[T]()})
	return Column[R]{
		field: field(name, unit, dtype, false),
		width: int(unsafe.Sizeof(int32(0))), // its offset
		encode: func(rows []R) arrow.ArrayData {
			offsets := make([]int32, 1, len(rows)+1)
			var values []T
			for i := range rows {
				values = append(values, *at(&rows[i])...)
				offsets = append(offsets, int32(len(values)))
			}
			buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(offsets))}
			child := fixed(len(values), nil, values)
			return array.NewData(dtype, len(rows), buffers, []arrow.ArrayData{child}, 0, 0)
		},
		decode: func(d arrow.ArrayData, rows []R) error {
			if len(rows) == 0 {
				return nil
			}
			raw, err := buffer(d, 4*(len(rows)+1))
			if err != nil {
				return err
			}
			offsets := arrow.GetData[int32](raw)
			child := d.Children()[0]
			values, err := numbers[T](child, child.Len())
			if err != nil {
				return err
			}
			for i := range rows {
				from, to := offsets[i], offsets[i+1]
				if from < 0 || to < from || int(to) > len(values) {
					return fmt.Errorf("list of row %d is [%d, %d) of %d", i, from, to, len(values))
				}
				*at(&rows[i]) = append([]T(nil), values[from:to]...)
			}
			return nil
		},
	}
}

func field(name, unit string, t arrow.DataType, nullable bool) arrow.Field {
	meta := arrow.NewMetadata([]string{"unit"}, []string{unit})
	return arrow.Field{Name: name, Type: t, Nullable: nullable, Metadata: meta}
}

// dataType returns the Arrow type of T's size and sign.
func dataType[T Int]() arrow.DataType {
	size, signed := unsafe.Sizeof(T(0)), ^T(0) < 0
	types := map[uintptr][2]arrow.DataType{
		1: {arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Int8},
		2: {arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int16},
		4: {arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Int32},
		8: {arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Int64},
	}
	if signed {
		return types[size][1]
	}
	return types[size][0]
}

func fixed[T Int](n int, valid []byte, values []T) arrow.ArrayData {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(values))}
	nulls := 0
	if valid != nil {
		buffers[0] = memory.NewBufferBytes(valid)
		nulls = n - bitutil.CountSetBits(valid, 0, n)
	}
	return array.NewData(dataType[T](), n, buffers, nil, nulls, 0)
}

// numbers returns the n values of d, which alias it.
func numbers[T Int](d arrow.ArrayData, n int) ([]T, error) {
	raw, err := buffer(d, n*int(unsafe.Sizeof(T(0))))
	if err != nil {
		return nil, err
	}
	return arrow.GetData[T](raw), nil
}

// buffer returns the first size bytes of d's second buffer: values, or a list's offsets.
func buffer(d arrow.ArrayData, size int) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	if b := d.Buffers()[1]; b != nil && d.Offset() == 0 && b.Len() >= size {
		return b.Bytes()[:size], nil
	}
	return nil, fmt.Errorf("buffer shorter than %d bytes", size)
}
