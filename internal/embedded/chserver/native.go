package chserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/proto"
	chblock "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// recode writes the Native blocks of revision 0, which the engine writes, at the revision that a client asked for: later
// ones have a header and bytes between the columns. Values are decoded and encoded again, as the format has no lengths.
func recode(w io.Writer, native []byte, revision uint64) error {
	in := bytes.NewReader(native)
	reader := proto.NewReader(in)
	var out proto.Buffer
	for {
		block := chblock.NewBlock()
		if err := block.Decode(reader, 0); errors.Is(err, io.EOF) && len(block.Columns) == 0 {
			return nil
		} else if err != nil {
			return refuse(notImplemented, "the embedded server can't write this result as Native: %v", err)
		}
		out.Reset()
		if err := block.Encode(&out, revision); err != nil {
			return fmt.Errorf("encode block: %w", err)
		}
		if _, err := w.Write(out.Buf); err != nil {
			return fmt.Errorf("write block: %w", err)
		}
	}
}
