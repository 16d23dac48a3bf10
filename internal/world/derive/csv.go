package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// folder is a directory of CSV files, gzip'd where the name ends in .gz.
type folder string

// table is a CSV file: its header, then its rows.
type table [][]string

// column returns the index of the column called name.
func (t table) column(name string) int {
	i := slices.Index(t[0], name)
	if i < 0 {
		panic("no column " + name)
	}
	return i
}

// columns returns the rows of t, without the header, cut down to the named columns in that order.
func (t table) columns(names ...string) table {
	at := make([]int, len(names))
	for i, name := range names {
		at[i] = t.column(name)
	}
	out := make(table, 0, len(t)-1)
	for _, row := range t[1:] {
		cut := make([]string, len(at))
		for i, c := range at {
			cut[i] = row[c]
		}
		out = append(out, cut)
	}
	return out
}

func (f folder) read(name string) (table, error) {
	file, err := os.Open(filepath.Join(string(f), name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return rows, nil
}

// write stores t. A gzip'd file carries no time and no name: the same input gives the same bytes.
func (f folder) write(name string, t table) error {
	file, err := os.Create(filepath.Join(string(f), name))
	if err != nil {
		return err
	}
	defer file.Close()
	if !strings.HasSuffix(name, ".gz") {
		if err := csv.NewWriter(file).WriteAll(t); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return file.Close()
	}
	z, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := csv.NewWriter(z).WriteAll(t); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return file.Close()
}

// number parses a figure of a data set. The sets are fixed, so one that does not parse is a bug of this program.
func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}
