package chserver

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
)

func TestBlocks(t *testing.T) {
	var compressed bytes.Buffer
	w := &blockWriter{w: &compressed, c: compress.NewWriter(compress.LevelZero, compress.ZSTD)}
	ends := map[int]int{0: 0} // of blocks, and how much is before them
	for _, text := range []string{"one", "two and more"} {
		before := ends[compressed.Len()]
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		ends[compressed.Len()] = before + len(text)
	}
	for n := range compressed.Len() + 1 {
		got, err := io.ReadAll(newBlockReader(bytes.NewReader(compressed.Bytes()[:n])))
		if want, whole := ends[n]; whole && (err != nil || string(got) != "onetwo and more"[:want]) {
			t.Errorf("%d bytes: %q %v", n, got, err)
		} else if !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes, inside of a block: %v", n, err)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	var compressed bytes.Buffer
	w := &blockWriter{w: &compressed, c: compress.NewWriter(compress.LevelZero, compress.LZ4)}
	_, _ = io.WriteString(w, "some text, some text")
	f.Add(compressed.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		_, _ = io.Copy(io.Discard, io.LimitReader(newBlockReader(bytes.NewReader(in)), 1<<20))
	})
}
