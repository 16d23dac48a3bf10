package admin

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Check is one thing that has to be well. Look is called for every request, from any goroutine: it looks at what is known
// and waits for nothing. Why is one line for a person, whatever the verdict.
type Check struct {
	Name string
	Look func() (ok bool, why string)
}

// Checks is what one question is made of: all are well, or the answer is no. The zero value is well.
type Checks struct {
	mu  sync.Mutex
	all []Check
}

// Add adds a check.
func (c *Checks) Add(name string, look func() (ok bool, why string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, Check{name, look})
}

// Look asks every check and returns a line for each: "ok name: why" or "failed name: why".
func (c *Checks) Look() (ok bool, text string) {
	c.mu.Lock()
	all := c.all[:len(c.all):len(c.all)]
	c.mu.Unlock()
	var b strings.Builder
	ok = true
	for _, check := range all {
		well, why := check.Look()
		word := "ok"
		if !well {
			ok, word = false, "failed"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", word, check.Name, why)
	}
	return ok, b.String()
}

// ServeHTTP answers 200 or 503, with the lines.
func (c *Checks) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	ok, text := c.Look()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(text)) // who asked may have gone
}
