package chserver

import "strings"

// statement is what the server must know of an SQL text before the engine reads it.
type statement struct {
	format string // of the FORMAT clause, as written; empty where there is none
	insert bool   // INSERT … FORMAT …: its rows are no SQL
	data   int    // insert: where the rows begin, behind the FORMAT clause
	splice int    // insert: where FROM INFILE belongs
	second bool   // there is another statement behind this one
	file   bool   // reads or writes a file of its own by INFILE or OUTFILE
}

// scan reads sql's outline: clauses outside of brackets, strings, quoted names and comments. What isn't SQL is left for
// the engine to refuse.
func scan(sql string) statement {
	var st statement
	var first, before, word string // the first word, the last one at depth 0, and the current one
	depth, settings, format := 0, -1, -1
	inline := false // the rows are part of the SQL
	ended := false
	for at := 0; ; {
		start, end := next(sql, at)
		if start == end {
			break
		}
		if ended {
			st.second = true
			break
		}
		at, word = end, strings.ToUpper(sql[start:end])
		switch word {
		case ";":
			ended = true
			continue
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		}
		if first == "" && word != "(" {
			first = word
		}
		if depth != 0 {
			continue
		}
		switch {
		case before == "FORMAT" && isWord(word) && format >= 0:
			if first == "INSERT" && !inline {
				st.format, st.data, st.splice = sql[start:end], end, format
				if settings >= 0 {
					st.splice = settings
				}
				st.insert = true
				return st
			}
			// Elsewhere a column may be called format: only at the end of the statement is it the clause.
			if after, stop := next(sql, end); after == stop || sql[after:stop] == ";" || strings.EqualFold(sql[after:stop], "SETTINGS") {
				st.format = sql[start:end]
			}
		case word == "FORMAT":
			format = start
		case word == "SETTINGS" && settings < 0:
			settings = start
		case first == "INSERT" && (word == "VALUES" || word == "SELECT" || word == "WITH"):
			inline = true
		case before == "FROM" && word == "INFILE", before == "INTO" && word == "OUTFILE":
			st.file = true
		}
		before = word
	}
	return st
}

// next returns the bounds of the token at or behind at: a word, something quoted, or one other byte. Both are len(sql) at
// the end. Comments and space are no tokens.
func next(sql string, at int) (start, end int) {
	at = skip(sql, at)
	if at == len(sql) {
		return at, at
	}
	switch c := sql[at]; {
	case c == '\'' || c == '"' || c == '`':
		return at, closing(sql, at)
	case c == '$':
		return at, heredoc(sql, at)
	case wordByte(c):
		end := at
		for end < len(sql) && wordByte(sql[end]) {
			end++
		}
		return at, end
	}
	return at, at + 1
}

// skip passes space and comments.
func skip(sql string, at int) int {
	for at < len(sql) {
		rest := sql[at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			at += until(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			at += until(rest, "*/")
		default:
			return at
		}
	}
	return at
}

// closing returns the offset behind what is quoted from at on, by backslash or doubled quotes escaped.
func closing(sql string, at int) int {
	quote := sql[at]
	for at++; at < len(sql); at++ {
		switch {
		case sql[at] == '\\':
			at++
		case sql[at] == quote && at+1 < len(sql) && sql[at+1] == quote:
			at++
		case sql[at] == quote:
			return at + 1
		}
	}
	return len(sql)
}

// heredoc returns the offset behind $tag$…$tag$, or behind the dollar sign where that isn't one.
func heredoc(sql string, at int) int {
	tagEnd := at + 1
	for tagEnd < len(sql) && wordByte(sql[tagEnd]) {
		tagEnd++
	}
	if tagEnd == len(sql) || sql[tagEnd] != '$' {
		return at + 1
	}
	tag := sql[at : tagEnd+1]
	return tagEnd + 1 + until(sql[tagEnd+1:], tag)
}

// until returns the length of s up to the end of the first mark, or of all of s.
func until(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isWord(s string) bool { return wordByte(s[0]) }
