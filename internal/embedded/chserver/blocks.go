package chserver

import (
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/compress"
)

// blockWriter writes what it is given as ClickHouse's compressed blocks.
type blockWriter struct {
	w io.Writer
	c *compress.Writer
}

func (b *blockWriter) Write(p []byte) (int, error) {
	if err := b.c.Compress(p); err != nil {
		return 0, fmt.Errorf("compress: %w", err)
	}
	if _, err := b.w.Write(b.c.Data); err != nil {
		return 0, err
	}
	return len(p), nil
}

// blockReader reads ClickHouse's compressed blocks. The package compress wraps the end of its input like any other error:
// here the end between blocks is io.EOF, and the end inside of one is not.
type blockReader struct {
	source *counted
	blocks *compress.Reader
}

func newBlockReader(r io.Reader) *blockReader {
	source := &counted{r: r}
	return &blockReader{source: source, blocks: compress.NewReader(source)}
}

func (b *blockReader) Read(p []byte) (int, error) {
	b.source.n = 0
	n, err := b.blocks.Read(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && b.source.n == 0:
		return 0, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return 0, fmt.Errorf("decompress: %w", err)
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
