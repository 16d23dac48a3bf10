package loglimit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestOfEachKindAFewLinesPassAndTheRestIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Limit{Every: 10 * time.Second, Faults: 2, Others: 3}.Logger(zerolog.New(&out)).With().Str("component", "c").Logger()
		for i := range 7 {
			log.Warn().Int("partition", i).Msg("it failed")
			log.Info().Int("partition", i).Msg("it works")
			log.Error().Int("partition", i).Msg("it failed")
		}
		want := func(level, line string, n int) {
			t.Helper()
			if got := strings.Count(out.String(), fmt.Sprintf(`"level":%q,"component":"c","partition":`, level)); got != n {
				t.Errorf("%d lines of level %s, want %d:\n%s", got, level, n, out.String())
			}
			if !strings.Contains(out.String(), line) {
				t.Errorf("no line %q:\n%s", line, out.String())
			}
		}
		want("warn", `"partition":1,"message":"it failed"`, 2)
		want("error", `"partition":1,"message":"it failed"`, 2)
		want("info", `"partition":2,"message":"it works"`, 3)
		out.Reset()

		time.Sleep(10 * time.Second)
		log.Warn().Int("partition", 9).Msg("it failed")
		want("warn", `{"level":"warn","line":"it failed","swallowed":5,"within":10000,"message":"more of the same"}`, 1)
		want("warn", `{"level":"info","line":"it works","swallowed":4,"within":10000,"message":"more of the same"}`, 1)
		out.Reset()

		time.Sleep(10 * time.Second)
		log.Warn().Int("partition", 9).Msg("it failed")
		if strings.Contains(out.String(), "more of the same") {
			t.Errorf("nothing was swallowed:\n%s", out.String())
		}
	})
}

// Messages that strangers can vary are bounded, and so is what is remembered of them.
func TestManyKindsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Default().Logger(zerolog.New(&out))
		const many = 10_000
		for i := range many {
			log.Warn().Msgf("client says %d", i)
		}
		if n := strings.Count(out.String(), "\n"); n != maxKinds+Default().Faults {
			t.Errorf("%d lines", n)
		}
		out.Reset()
		time.Sleep(Default().Every)
		log.Info().Msg("going on")
		want := fmt.Sprintf(`"line":%q,"swallowed":%d`, others, many-maxKinds-Default().Faults)
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %s:\n%s", want, out.String())
		}
	})
}

func TestALineBelowTheLevelCountsNowhere(t *testing.T) {
	var out bytes.Buffer
	log := Limit{Every: time.Hour, Others: 1}.Logger(zerolog.New(&out).Level(zerolog.InfoLevel))
	for range 3 {
		log.Debug().Msg("detail")
	}
	log.Info().Msg("detail")
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}
