package kafkalog

import (
	"time"

	"github.com/segmentio/kafka-go"
)

// A broker answers who is over a quota at once, says for how long it wants to hear nothing, and does not read the
// connection until then. What is sent there all the same waits: for longer than requestTimeout, perhaps, and then a batch
// is appended that was given up and sent again. So the client keeps still by itself, which kafka-go does not do.
const (
	// maxThrottle is how long it does so at most: a quota that wants more was set by mistake, or is raised meanwhile.
	maxThrottle = requestTimeout / 2
	// longThrottle is what others who would use the same connection are not to wait for.
	longThrottle = requestTimeout / 4
)

// throttled is an answer that has nothing but how long to keep still.
type throttled struct{ wait time.Duration }

func (throttled) Error() string { return kafka.ThrottlingQuotaExceeded.Error() }

// Unwrap returns Kafka's error for it.
func (throttled) Unwrap() error { return kafka.ThrottlingQuotaExceeded }

// still returns how long to keep still for a broker that wants wait.
func (c *Client) still(wait time.Duration) time.Duration {
	if wait >= longThrottle {
		c.dropPool()
	}
	return min(wait, maxThrottle)
}
