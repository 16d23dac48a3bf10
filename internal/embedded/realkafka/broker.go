package realkafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// quick is what makes a JVM of a few seconds' life start fast and stay small.
var quick = []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"}

// broker is one broker and its process.
type broker struct {
	tools                      tools
	id                         int // node.id
	dir                        string
	port, internal, controller int

	mu      sync.Mutex
	process *os.Process
	gone    chan struct{} // closed when the process has ended; nil before the first start
}

func (b *broker) data() string       { return filepath.Join(b.dir, "data") }
func (b *broker) properties() string { return filepath.Join(b.dir, "server.properties") }
func (b *broker) log() string        { return filepath.Join(b.dir, "output.log") }

func (b *broker) write(properties string) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(b.properties(), []byte(properties), 0o600)
}

// format makes new storage; what is there stays.
func (b *broker) format(ctx context.Context, cluster string, users map[string]string) error {
	args := append(slices.Clone(quick), "-cp", filepath.Join(b.tools.lib, "*"), "kafka.tools.StorageTool", "format",
		"--ignore-formatted", "--config", b.properties(), "--cluster-id="+cluster) // one in 64 begins with a dash
	for _, user := range slices.Sorted(maps.Keys(users)) {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, users[user]))
		}
	}
	if out, err := exec.CommandContext(ctx, b.tools.java, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format storage of broker %d: %w: %s", b.id, err, out)
	}
	return nil
}

// start starts the process, whose output goes behind that of the one before it.
func (b *broker) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running() {
		return fmt.Errorf("broker %d is running", b.id)
	}
	out, err := os.OpenFile(b.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	args := append(slices.Clone(quick), "-Xmx256m", "-Dorg.apache.logging.log4j.level=WARN",
		"-cp", filepath.Join(b.tools.lib, "*"), "kafka.Kafka", b.properties())
	cmd := exec.Command(b.tools.java, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = withParent
	started, gone := make(chan error), make(chan struct{})
	go func() {
		// The kernel ends the child with the thread that started it, which therefore has to live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(gone)
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // what it said is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start broker %d: %w", b.id, err)
	}
	b.process, b.gone = cmd.Process, gone
	return nil
}

// stop sends a signal and waits. A process that is not there is no error.
func (b *broker) stop(signal os.Signal) error {
	if err := b.signal(signal); err != nil {
		return err
	}
	b.wait()
	return nil
}

// signal sends a signal. A process that is not there is no error.
func (b *broker) signal(signal os.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running() {
		return nil
	}
	if err := b.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send broker %d a signal: %w", b.id, err)
	}
	return nil
}

func (b *broker) running() bool {
	if b.gone == nil {
		return false
	}
	select {
	case <-b.gone:
		return false
	default:
		return true
	}
}

func (b *broker) wait() {
	b.mu.Lock()
	gone := b.gone
	b.mu.Unlock()
	if gone != nil {
		<-gone
	}
}

// said returns all of the output.
func (b *broker) said() (string, error) {
	text, err := os.ReadFile(b.log())
	return string(text), err
}

// shown is how many lines of a broker's output are worth showing.
const shown = 40

func (b *broker) output() string {
	text, err := b.said()
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}
