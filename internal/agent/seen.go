package agent

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// Reasons why something that a publisher sent is not taken.
const (
	malformed = "malformed" // its manifest can't be read
	signature = "signature" // it is not from the key that is trusted here
	tooLarge  = "too_large" // it is larger than max_map_bytes, or than it says
	backwards = "backwards" // its version is older than the installed one, or the same with another digest
	content   = "content"   // the map is not what its manifest says, or has other paths
)

// seen is what an agent saw of its publisher.
type seen struct {
	mu      sync.Mutex
	at      time.Time
	refuses map[string]int64
}

func (s *seen) contact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Now()
}

func (s *seen) refused(err error) {
	var r refused
	if !errors.As(err, &r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses == nil {
		s.refuses = make(map[string]int64)
	}
	s.refuses[r.reason]++
}

// Contact returns when the publisher answered last, with whatever; zero = never.
func (a *Agent) Contact() time.Time {
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	return a.seen.at
}

// Refused returns how often something that the publisher sent was not taken, by reason.
func (a *Agent) Refused() map[string]int64 {
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	all := map[string]int64{malformed: 0, signature: 0, tooLarge: 0, backwards: 0, content: 0}
	maps.Copy(all, a.seen.refuses)
	return all
}
