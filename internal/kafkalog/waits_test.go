package kafkalog

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
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
