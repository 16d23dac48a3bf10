package realkafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// childEnv has the test binary start a broker in that folder and say its address, until it is killed.
const childEnv = "DETOUR_TEST_REALKAFKA"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		serveForEver(dir)
	}
	os.Exit(m.Run())
}

func TestIntegrationABrokerComesBackWithItsData(t *testing.T) {
	c := Start(t, Config{})
	create(t, c.Addrs()[0], "kept")
	for _, away := range []func(int) error{c.Kill, c.Stop} {
		if err := away(0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.brokers[0].met(t.Context()); err == nil {
			t.Errorf("it is gone and answers: %d", n)
		}
		if err := c.Restart(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(t.Context(), 0); err == nil {
			t.Error("it was started twice")
		}
	}
	request := kmsg.NewPtrMetadataRequest() // of all topics
	response, err := Ask(t.Context(), c.Internal()[0], "test", request)
	if err != nil {
		t.Fatal(err)
	}
	if topics := response.(*kmsg.MetadataResponse).Topics; len(topics) != 1 || *topics[0].Topic != "kept" {
		t.Errorf("it has topics %+v", topics)
	}
}

// create makes a topic.
func create(t *testing.T, addr, name string) {
	t.Helper()
	request, topic := kmsg.NewPtrCreateTopicsRequest(), kmsg.NewCreateTopicsRequestTopic()
	request.Version = 4
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	request.Topics = append(request.Topics, topic)
	response, err := Ask(t.Context(), addr, "test", request)
	if err != nil {
		t.Fatal(err)
	}
	if code := response.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode; code != 0 {
		t.Fatalf("create %s: error %d", name, code)
	}
}

func TestIntegrationAFailedStartShowsWhy(t *testing.T) {
	Require(t)
	c, err := New(Config{Dir: t.TempDir(), Properties: map[string]string{"num.io.threads": "none"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "num.io.threads") {
		t.Errorf("a setting that cannot be: %v", err)
	}
}

// serveForEver is the parent of a broker.
func serveForEver(dir string) {
	c, err := New(Config{Dir: dir})
	if err == nil {
		err = c.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.Addrs()[0])
	select {}
}

func TestIntegrationABrokerEndsWithAParentThatIsKilled(t *testing.T) {
	Require(t)
	parent := exec.Command(os.Args[0])
	parent.Env, parent.Stderr = append(os.Environ(), childEnv+"="+t.TempDir()), os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, parent.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimSpace(addr))
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the broker goes on")
		}
	}
}
