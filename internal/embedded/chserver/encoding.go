package chserver

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decoded undoes a Content-Encoding.
func decoded(body io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(body)
		if err != nil {
			return nil, refuse(badArguments, "gzip: %v", err)
		}
		return r, nil
	case "deflate":
		r, err := zlib.NewReader(body)
		if err != nil {
			return nil, refuse(badArguments, "deflate: %v", err)
		}
		return r, nil
	case "br":
		return brotli.NewReader(body), nil
	case "lz4":
		return lz4.NewReader(body), nil
	case "zstd":
		r, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxInsert))
		if err != nil {
			return nil, refuse(badArguments, "zstd: %v", err)
		}
		return r.IOReadCloser(), nil
	}
	return nil, refuse(notImplemented, "Content-Encoding %q", encoding)
}

// chosen returns the first encoding of an Accept-Encoding header that this server can do; empty is none.
func chosen(accept string) string {
	for offer := range strings.SplitSeq(accept, ",") {
		switch name, _, _ := strings.Cut(strings.TrimSpace(offer), ";"); name {
		case "gzip", "deflate", "br", "lz4", "zstd":
			return name
		}
	}
	return ""
}

// encoder applies an encoding of chosen's. Nothing is written to w before the first byte is written to it or it is closed.
func encoder(w io.Writer, encoding string) io.WriteCloser {
	switch encoding {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate":
		return zlib.NewWriter(w)
	case "br":
		return brotli.NewWriterLevel(w, brotli.BestSpeed)
	case "lz4":
		return lz4.NewWriter(w)
	case "zstd":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err == nil { // it fails for bad options only
			return z
		}
	}
	return plain{w}
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }
