package kafkalog

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// waitLogEvery is how often the same wait is logged.
const waitLogEvery = 5 * time.Second

// waits remembers what callers wait for, so that many of them that wait for one broker make one log line.
// Its subjects are brokers and partitions: as many as the cluster has, and no more.
type waits struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (w *waits) log(log zerolog.Logger, subject, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.last[subject]; ok && time.Since(t) < waitLogEvery {
		return
	}
	if w.last == nil {
		w.last = make(map[string]time.Time)
	}
	w.last[subject] = time.Now()
	log.Warn().Msgf("kafka: waiting for %s: %s", subject, reason)
}

// over forgets a wait and says that it ended.
func (w *waits) over(log zerolog.Logger, subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.last[subject]; ok {
		delete(w.last, subject)
		log.Info().Msgf("kafka: %s: going on", subject)
	}
}
