package decide

import (
	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// key is a cell, path and connection class in one number, in the order that windows have in a pane: from the highest bit
// on, whether it is the cell of all others, country, AS number, path, class.
type key uint64

const (
	classBits = 2
	pathBits  = 5 // control.MaxPaths
	cellBits  = classBits + pathBits
	asnBits   = 32
)

// A path has to fit.
const _ = uint(1<<pathBits - control.MaxPaths)

func keyOf(cell window.Cell, path uint8, class sample.Class) key {
	k := key(cell.Country)<<asnBits | key(cell.ASN)
	if cell.Other {
		k |= 1 << (asnBits + 16)
	}
	return k<<cellBits | key(path)<<classBits | key(class)
}

// in returns the key of the same path and class in another cell.
func (k key) in(cell window.Cell) key { return keyOf(cell, k.path(), k.class()) }

func (k key) class() sample.Class { return sample.Class(k & (1<<classBits - 1)) }
func (k key) path() uint8         { return uint8(k >> classBits & (1<<pathBits - 1)) }
func (k key) sameCell(l key) bool { return k>>cellBits == l>>cellBits }

func (k key) cell() window.Cell {
	c := k >> cellBits
	return window.Cell{Country: sample.Country(c >> asnBits), ASN: uint32(c), Other: c>>(asnBits+16) != 0}
}
