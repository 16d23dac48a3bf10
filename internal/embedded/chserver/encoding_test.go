package chserver

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestEncodings(t *testing.T) {
	text := strings.Repeat("some text; ", 10_000)
	for _, encoding := range []string{"", "gzip", "deflate", "br", "lz4", "zstd"} {
		if got := chosen("nosuch, " + encoding + ";q=0.5, *"); got != encoding {
			t.Errorf("chosen %q, want %q", got, encoding)
		}
		var sent bytes.Buffer
		w := encoder(&sent, encoding)
		_, err := io.WriteString(w, text)
		if err != nil || w.Close() != nil {
			t.Fatal(encoding, err)
		}
		r, err := decoded(&sent, encoding)
		if err != nil {
			t.Fatal(encoding, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", encoding, len(got), err)
		}
	}
	for _, encoding := range []string{"gzip", "deflate", "nosuch"} {
		if _, err := decoded(strings.NewReader("neither"), encoding); err == nil {
			t.Errorf("%s: no error", encoding)
		}
	}
}
