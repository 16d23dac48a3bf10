package kafkalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/schemas"
)

// errSuperseded marks a commit that the coordinator refused: the group has gone on without this member.
var errSuperseded = errors.New("superseded")

// share is one partition in the hands of one member for one generation.
type share struct {
	c         *Client
	gen       *kafka.Generation
	partition schemas.Partition
	work      Work
	fail      context.CancelCauseFunc // ends the membership
}

// run works until the generation's life ends, and calls done when work has ended. As soon as run returns, kafka-go ends
// the generation: that is wanted only where the group has moved on and no heartbeat has told yet.
func (s *share) run(ctx, life context.Context, done func()) {
	working, stop := context.WithCancel(ctx)
	defer context.AfterFunc(life, stop)()
	defer stop()
	err := s.do(working)
	done()
	var fatal dataflow.Fatal
	switch {
	case errors.As(err, &fatal), err != nil && working.Err() == nil && !errors.Is(err, errSuperseded):
		s.fail(failure{fmt.Errorf("%s: %w", s.partition, err)})
	case errors.Is(err, errSuperseded):
		s.c.log.Info().Err(err).Stringer("partition", s.partition).Msg("partition was taken over")
		return
	case err != nil:
		s.c.log.Debug().Err(err).Stringer("partition", s.partition).Msg("work ended with its assignment")
	}
	<-life.Done()
}

func (s *share) do(ctx context.Context) error {
	a, err := s.assignment(ctx)
	if err != nil {
		return err
	}
	return s.work(ctx, a)
}

// assignment reads what was committed last. Its owner then can commit no more: this generation exists.
func (s *share) assignment(ctx context.Context) (dataflow.Assignment, error) {
	topic, number := s.c.names.Of(s.partition.Topic), int(s.partition.Number)
	a := dataflow.Assignment{Partition: s.partition, Commit: s.commit}
	err := s.c.retry(ctx, s.subject(), func(ctx context.Context) error {
		res, err := s.c.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
			GroupID: s.gen.GroupID, Topics: map[string][]int{topic: {number}},
		})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Partition == number {
				a.Offset, a.Metadata = p.CommittedOffset, p.Metadata
				return p.Error
			}
		}
		return errors.New("no answer for the partition")
	})
	if err != nil {
		return a, fmt.Errorf("read committed offset: %w", s.c.needs(err, "Read", s.subject()))
	}
	return a, nil
}

// commit implements dataflow.Assignment. Brokers refuse metadata above offset.metadata.max.bytes (4096 by default).
func (s *share) commit(ctx context.Context, offset int64, metadata string) error {
	topic, number := s.c.names.Of(s.partition.Topic), int(s.partition.Number)
	err := s.c.retry(ctx, s.subject(), func(ctx context.Context) error {
		res, err := s.c.kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID:      s.gen.GroupID,
			GenerationID: int(s.gen.ID),
			MemberID:     s.gen.MemberID,
			Topics:       map[string][]kafka.OffsetCommit{topic: {{Partition: number, Offset: offset, Metadata: metadata}}},
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Partition == number {
				return p.Error
			}
		}
		return errors.New("no answer for the partition")
	})
	switch {
	case err == nil:
		return nil
	case superseded(err):
		err = fmt.Errorf("%w: %w", errSuperseded, err)
	}
	return fmt.Errorf("commit %s@%d: %w", s.partition, offset, s.c.needs(err, "Read", s.subject()+" and topic "+topic))
}

// subject is what a log line says is waited for.
func (s *share) subject() string { return "group " + s.gen.GroupID }

// superseded reports whether the coordinator no longer knows the member in that generation.
func superseded(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress)
}

// failure is the cause of a membership's end, told apart from whatever cause the caller gave its own context.
type failure struct{ err error }

func (f failure) Error() string { return f.err.Error() }
