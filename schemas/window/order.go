package window

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"detour/schemas/chunk"
)

// Compare orders windows by resolver, cell, path and class: the order in a pane, where no two are equal.
func Compare(a, b *Window) int {
	return cmp.Or(
		a.Resolver.Compare(b.Resolver),
		CompareCells(a.Cell(), b.Cell()),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Class, b.Class),
	)
}

// CompareCells orders cells by country and ASN; the cell of all others comes last.
func CompareCells(a, b Cell) int {
	if a.Other != b.Other {
		if b.Other {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(a.ASN, b.ASN))
}

// Digest returns the SHA-256, in hex, of what a pane says: its start and its windows in order, however chunked.
func Digest(pane int64, windows []Window) string {
	h := sha256.New()
	buf := binary.BigEndian.AppendUint64(nil, uint64(pane))
	for i := range windows {
		buf = appendWindow(buf, &windows[i])
		h.Write(buf)
		buf = buf[:0]
	}
	h.Write(buf)
	return hex.EncodeToString(h.Sum(nil))
}

func appendWindow(b []byte, w *Window) []byte {
	addr := w.Resolver.As16()
	b = append(b, addr[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(w.Country))
	b = binary.BigEndian.AppendUint32(b, w.ASN)
	b = append(b, w.Other, w.Path, byte(w.Class))
	for _, n := range [...]uint32{
		w.OK, w.HTTPErrors, w.GatewayErrors, w.Unreachable,
		w.Runs, w.Pairs, w.PairRuns, w.Clients, w.Late, w.Skewed,
	} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return appendHistogram(appendHistogram(b, &w.Latency), &w.Ratio)
}

func appendHistogram(b []byte, h *Histogram) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.Bins)))
	for i, bin := range h.Bins {
		b = binary.BigEndian.AppendUint16(b, uint16(bin))
		b = binary.BigEndian.AppendUint32(b, h.Counts[i])
	}
	return b
}

// Pane is one complete pane of one partition.
type Pane struct {
	Start   int64 // ms
	Windows []Window
	Seal    Seal
}

// Assembler puts the panes of one windows partition together from its records, in log order.
type Assembler struct{ chunks chunk.Assembler[*Batch] }

// Add takes the next chunk. It returns the pane that the chunk completes, or nil. An attempt that differs from the digest
// in its seal is an error and is no attempt: a later one of the same pane is still taken.
func (a *Assembler) Add(b *Batch) (*Pane, error) {
	parts := a.chunks.Offer(b.Head.Chunk, b)
	if parts == nil {
		return nil, nil
	}
	p := &Pane{Start: b.Head.Chunk.Whole, Seal: *b.Head.Seal}
	for _, part := range parts {
		p.Windows = append(p.Windows, part.Windows...)
	}
	if got := Digest(p.Start, p.Windows); got != p.Seal.Digest {
		return nil, fmt.Errorf("pane %d: digest is %s, its seal says %s", p.Start, got, p.Seal.Digest)
	}
	a.chunks.Skip(p.Start)
	return p, nil
}

// Skip drops every pane up to and including the one that starts at pane.
func (a *Assembler) Skip(pane int64) { a.chunks.Skip(pane) }
