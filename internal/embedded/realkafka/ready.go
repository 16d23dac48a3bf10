package realkafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// askEvery is how often a broker that starts is asked.
const askEvery = 50 * time.Millisecond

// await returns once the broker answers that it belongs to a cluster of that many brokers that work, itself among them.
func (b *broker) await(ctx context.Context, brokers int) error {
	var last error
	for {
		met, err := b.met(ctx)
		if err == nil && met >= brokers {
			return nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("it knows %d brokers of %d", met, brokers)
		}
		select {
		case <-b.gone:
			return fmt.Errorf("broker %d ended: %w; the end of its output:\n%s", b.id, last, b.output())
		case <-ctx.Done():
			return fmt.Errorf("broker %d does not answer: %w: %w; the end of its output:\n%s", b.id, ctx.Err(), last, b.output())
		case <-time.After(askEvery):
		}
	}
}

// met asks the broker which brokers there are, and returns how many; 0 if it is not among them.
func (b *broker) met(ctx context.Context) (int, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Version = 4
	request.Topics = []kmsg.MetadataRequestTopic{} // none, where null is all
	response, err := Ask(ctx, net.JoinHostPort(loopback, strconv.Itoa(b.internal)), "realkafka", request)
	if err != nil {
		return 0, err
	}
	brokers := response.(*kmsg.MetadataResponse).Brokers
	for _, other := range brokers {
		if other.NodeID == int32(b.id) {
			return len(brokers), nil
		}
	}
	return 0, errors.New("it is not among the brokers")
}
