package kafkalog

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// waitLogEvery is how often the same wait is logged.
const waitLogEvery = 5 * time.Second

// waits remembers what callers wait for, so that many of them that wait for one broker make one log line, and one who
// waits every now and then makes no more than two every few seconds.
// Its subjects are brokers and partitions: as many as the cluster has, and no more.
type waits struct {
	mu   sync.Mutex
	said map[string]said
}

// said is the last line about a subject.
type said struct {
	at   time.Time
	open bool // nobody has heard yet that the wait ended
}

func (w *waits) log(log zerolog.Logger, subject, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.said[subject]; ok && time.Since(s.at) < waitLogEvery {
		return
	}
	if w.said == nil {
		w.said = make(map[string]said)
	}
	w.said[subject] = said{at: time.Now(), open: true}
	log.Warn().Msgf("kafka: waiting for %s: %s", subject, reason)
}

// over says that a wait ended, if it was said that there is one.
func (w *waits) over(log zerolog.Logger, subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.said[subject]; ok && s.open {
		w.said[subject] = said{at: s.at}
		log.Info().Msgf("kafka: %s: going on", subject)
	}
}
