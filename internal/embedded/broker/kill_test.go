package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// childDir tells the test binary to be a broker on that directory, until it is killed.
const childDir = "DETOUR_TEST_BROKER_DIR"

// serveForEver is the child process.
func serveForEver(dir string) {
	b := New(Config{DataDir: dir, Listen: os.Getenv("DETOUR_TEST_BROKER_LISTEN")}, zerolog.New(os.Stderr))
	addr, err := b.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(addr)
	select {}
}

// process is a broker in a process of its own.
type process struct {
	cmd  *exec.Cmd
	addr string
}

func launch(t *testing.T, dir, listen string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, "DETOUR_TEST_BROKER_LISTEN="+listen)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker did not start: %v", err)
	}
	return &process{cmd: cmd, addr: strings.TrimSpace(line)}
}

// kill is SIGKILL: nothing is written any more.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // an error, for it was killed
}

// told is what a client was told that the broker has.
type told struct {
	mu      sync.Mutex
	records map[string]map[int64]string // by topic, of partition 1
	commits map[string]int64            // by group
}

// writer appends to a topic of its own, and commits, until ctx ends.
func (s *told) writer(ctx context.Context, c *kafka.Client, name string, acks *atomic.Int64) {
	topic := kafka.TopicConfig{
		Topic: name, NumPartitions: 2, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "segment.bytes", ConfigValue: "65536"}}, // a new file now and then
	}
	for made := false; !made && ctx.Err() == nil; {
		resp, err := c.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
		made = err == nil && (resp.Errors[name] == nil || errors.Is(resp.Errors[name], kafka.TopicAlreadyExists))
		pause(err)
	}
	for n := 0; ctx.Err() == nil; n++ {
		values := make([]string, 1+rand.N(5))
		for i := range values {
			values[i] = fmt.Sprintf("%s %d %d %s", name, n, i, strings.Repeat("x", rand.N(3000)))
		}
		first, err := produce(ctx, c, name, kafka.Compression(rand.N(5)), values...)
		if pause(err); err != nil {
			continue
		}
		s.mu.Lock()
		if s.records[name] == nil {
			s.records[name] = map[int64]string{}
		}
		for i, v := range values {
			if old, ok := s.records[name][first+int64(i)]; ok {
				s.records[name][first+int64(i)] = "told twice: " + old
			} else {
				s.records[name][first+int64(i)] = v
			}
		}
		s.mu.Unlock()
		acks.Add(1)
		commit, err := c.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID: "of " + name, GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{name: {{Partition: 1, Offset: first, Metadata: fmt.Sprint("at ", first)}}},
		})
		if err == nil && len(commit.Topics[name]) == 1 && commit.Topics[name][0].Error == nil {
			s.mu.Lock()
			s.commits[name] = first
			s.mu.Unlock()
		}
	}
}

func pause(err error) {
	if err != nil {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestWhatWasAcknowledgedSurvivesAKill: the broker is killed again and again while clients create topics, append and commit.
func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	const rounds, writers, acksPerRound = 6, 4, 60
	dir := t.TempDir()
	p := launch(t, dir, "127.0.0.1:0")
	defer func() { p.kill() }()
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond, DialTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	c := &kafka.Client{Addr: kafka.TCP(p.addr), Transport: transport, Timeout: 5 * time.Second}
	s := told{records: map[string]map[int64]string{}, commits: map[string]int64{}}
	for round := range rounds {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		var acks atomic.Int64
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() { s.writer(ctx, c, fmt.Sprintf("t%d-%d", round%3, w), &acks) })
		}
		for target := int64(acksPerRound/2 + rand.N(acksPerRound)); acks.Load() < target; time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("round %d: %d acknowledgements in a minute", round, acks.Load())
			}
		}
		p.kill()
		stop()
		writing.Wait()
		p = launch(t, dir, p.addr)
		transport.CloseIdleConnections()
		s.check(t, c)
	}
}

// check compares what the broker has with what it told.
func (s *told) check(t *testing.T, c *kafka.Client) {
	t.Helper()
	total := 0
	for topic, records := range s.records {
		has := map[int64]string{}
		for next, end := int64(0), lastOffset(t, c, topic); next < end; {
			from := next
			for _, line := range fetch(t, c, topic, next) {
				var offset, ms int64
				place, value, _ := strings.Cut(line, "=")
				if _, err := fmt.Sscanf(place, "%d@%d", &offset, &ms); err != nil {
					t.Fatal(err)
				}
				has[offset], next = value, max(next, offset+1)
			}
			if next == from {
				t.Fatalf("%s holds nothing at %d of %d", topic, next, end)
			}
		}
		for offset, value := range records {
			if has[offset] != value {
				t.Fatalf("%s@%d: told %.60q, has %.60q", topic, offset, value, has[offset])
			}
		}
		total += len(records)
	}
	for topic, offset := range s.commits {
		res, err := c.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: "of " + topic, Topics: map[string][]int{topic: {1}}})
		if err != nil {
			t.Fatal(err)
		}
		at := res.Topics[topic][0]
		if at.CommittedOffset < offset || at.Metadata != fmt.Sprint("at ", at.CommittedOffset) {
			t.Fatalf("group of %s: told %d, has %d with %q", topic, offset, at.CommittedOffset, at.Metadata)
		}
	}
	t.Logf("%d records and %d commits are there", total, len(s.commits))
}

func lastOffset(t *testing.T, c *kafka.Client, topic string) int64 {
	t.Helper()
	res, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(1)}}})
	if err != nil || res.Topics[topic][0].Error != nil {
		t.Fatal(err, res)
	}
	return res.Topics[topic][0].LastOffset
}
