package clickhouse

import (
	"fmt"
	"strings"
)

// Split cuts SQL text into its statements: at semicolons that are not within quotes or comments. Statements keep their
// comments; what holds nothing else is left out. Text that ends within quotes or a comment is an error.
func Split(text string) ([]string, error) {
	var statements []string
	start, blank := 0, true
	end := func(at int) {
		if !blank {
			statements = append(statements, strings.TrimSpace(text[start:at]))
		}
		start, blank = at+1, true
	}
	for i := 0; i < len(text); {
		n, comment, err := token(text[i:])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", 1+strings.Count(text[:i], "\n"), err)
		}
		switch {
		case text[i] == ';':
			end(i)
		case !comment && strings.TrimSpace(text[i:i+n]) != "":
			blank = false
		}
		i += n
	}
	end(len(text))
	return statements, nil
}

// token returns the length of what s begins with: a comment, something quoted, or one byte of anything else.
func token(s string) (n int, comment bool, err error) {
	switch {
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "#!"), strings.HasPrefix(s, "# "):
		if n = strings.IndexByte(s, '\n'); n < 0 {
			n = len(s)
		}
		return n, true, nil
	case strings.HasPrefix(s, "/*"):
		n, err = nested(s)
		return n, true, err
	case s[0] == '\'', s[0] == '"', s[0] == '`':
		n, err = quoted(s)
		return n, false, err
	}
	return 1, false, nil
}

// nested returns the length of a block comment, which may hold others.
func nested(s string) (int, error) {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("the comment has no end")
}

// quoted returns the length of a quoted piece. A quote within is doubled, which reads as two pieces, or has a backslash.
func quoted(s string) (int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("the quote %c has no end", s[0])
}
