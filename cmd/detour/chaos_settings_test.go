package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Kinds of broker that the chaos test runs on.
const (
	embeddedBroker = "embedded" // internal/embedded/broker, as a process
	realBroker     = "kafka"    // Apache Kafka's own
)

// chaosSettings is what a run is made of; each has an environment variable.
type chaosSettings struct {
	length time.Duration // CHAOS: of the faults
	seed   uint64        // CHAOS_SEED: of their schedule
	each   int           // CHAOS_EACH: processes of each kind
	broker string        // CHAOS_BROKER: embedded or kafka
	kafkas int           // CHAOS_KAFKAS: brokers of a real cluster
	load   int           // CHAOS_LOAD: reports a second, of six samples each
}

// briefChaos is the run without any of the variables.
func briefChaos() chaosSettings {
	return chaosSettings{length: 20 * time.Second, seed: rand.Uint64N(1e9), each: 2, broker: embeddedBroker, kafkas: 1, load: 240}
}

// String is how to ask for the same run.
func (s chaosSettings) String() string {
	return fmt.Sprintf("CHAOS=%s CHAOS_SEED=%d CHAOS_EACH=%d CHAOS_BROKER=%s CHAOS_KAFKAS=%d CHAOS_LOAD=%d",
		s.length, s.seed, s.each, s.broker, s.kafkas, s.load)
}

// fromEnvironment returns s with what the environment asks for.
func (s chaosSettings) fromEnvironment(t *testing.T) chaosSettings {
	t.Helper()
	take := func(name string, parse func(string) error) {
		if text := os.Getenv(name); text != "" {
			if err := parse(text); err != nil {
				t.Fatalf("%s is %q: %v", name, text, err)
			}
		}
	}
	take("CHAOS", func(text string) (err error) {
		if s.length, err = time.ParseDuration(text); err == nil && s.length < time.Second {
			err = fmt.Errorf("it has to be a second or more: 10m")
		}
		return err
	})
	take("CHAOS_SEED", func(text string) (err error) {
		s.seed, err = strconv.ParseUint(text, 10, 64)
		return err
	})
	take("CHAOS_BROKER", func(text string) error {
		if s.broker = text; text != embeddedBroker && text != realBroker {
			return fmt.Errorf("it has to be %s or %s", embeddedBroker, realBroker)
		}
		return nil
	})
	for name, into := range map[string]*int{"CHAOS_EACH": &s.each, "CHAOS_KAFKAS": &s.kafkas, "CHAOS_LOAD": &s.load} {
		take(name, func(text string) (err error) {
			if *into, err = strconv.Atoi(text); err == nil && *into < 1 {
				err = fmt.Errorf("it has to be at least 1")
			}
			return err
		})
	}
	return s
}
