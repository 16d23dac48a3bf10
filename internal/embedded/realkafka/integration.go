package realkafka

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// IntegrationEnv has to be set for tests that need real Kafka: `make integration` does it.
const IntegrationEnv = "DETOUR_INTEGRATION"

// Require skips the test where $DETOUR_INTEGRATION is not set, or Java or the jars are missing; for the latter it fails
// where the environment variable CI is set.
func Require(tb testing.TB) {
	tb.Helper()
	if os.Getenv(IntegrationEnv) == "" {
		tb.Skip(`needs real Kafka: run "make integration"`)
	}
	_, err := find()
	if errors.Is(err, ErrNotFound) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Start starts a cluster of the test's own, if Require lets it, and closes it behind the test.
func Start(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	Require(tb)
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(context.WithoutCancel(tb.Context())); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			for i := range c.brokers {
				tb.Logf("the end of the output of broker %d:\n%s", i, c.Output(i))
			}
		}
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// SetTopic changes one setting of a topic, as an operator would, by way of a broker that listens in the clear.
func SetTopic(tb testing.TB, addr, topic, key, value string) {
	tb.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource, config := kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = key, &value // the zero operation is to set
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	resource.Configs = append(resource.Configs, config)
	request.Resources = append(request.Resources, resource)
	response, err := Ask(tb.Context(), addr, "realkafka", request)
	if err == nil {
		err = kerr.ErrorForCode(response.(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode)
	}
	if err != nil {
		tb.Fatalf("set %s of %s: %v", key, topic, err)
	}
}
