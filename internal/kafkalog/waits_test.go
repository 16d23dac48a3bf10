package kafkalog

import (
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// TestWaitsAreSaidRarely: many short waits for one thing make a line and its end every few seconds, for another its own.
func TestWaitsAreSaidRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		log, w := zerolog.New(&out), waits{}
		for range 100 { // ten seconds
			w.log(log, "samples/0", "why")
			time.Sleep(100 * time.Millisecond)
			w.over(log, "samples/0")
		}
		w.log(log, "samples/1", "why")
		if waiting, over := out.count("waiting for samples/0"), out.count("samples/0: going on"); waiting != 2 || over != 2 {
			t.Errorf("%d waits, %d ends: %s", waiting, over, out.b.String())
		}
		if out.count("waiting for samples/1") != 1 {
			t.Errorf("another wait is not said: %s", out.b.String())
		}
	})
}

// TestThrottledAnswer: without a partition, it says why.
func TestThrottledAnswer(t *testing.T) {
	for throttle, want := range map[uint32]error{0: protocol.ErrNoTopic, 700: nil} {
		body := binary.BigEndian.AppendUint32(make([]byte, 4), throttle)
		a, err := parseAnswer(append(body, make([]byte, 10)...), 11) // no error, no session, no topics
		if !errors.Is(err, want) || want == nil && a.code != kafka.ThrottlingQuotaExceeded {
			t.Errorf("throttled for %d ms: %+v, %v", throttle, a, err)
		}
	}
}
