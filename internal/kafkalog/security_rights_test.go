package kafkalog

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A right that is missing is an error at once, which says what to grant; with the name of a user where there is one.
func TestAMissingRightIsAnError(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := r.(*kmsg.ProduceRequest).Topics[0]
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = kerr.TopicAuthorizationFailed.Code
		topic.Partitions = append(topic.Partitions, partition)
		response := r.ResponseKind().(*kmsg.ProduceResponse)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	for user, who := range map[string]string{"": "this client's principal", "detour-ingest": "User:detour-ingest"} {
		c.cfg.SASL.Username = user
		_, err := c.Append(bounded(t), p0, one("v"))
		if want := who + " needs Write on topic " + c.names.Of(p0.Topic); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
