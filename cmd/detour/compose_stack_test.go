package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// composeEnv holds the command of Compose. scripts/compose-test.sh sets it when the images are there; DOCKER_HOST is the engine.
const composeEnv = "DETOUR_TEST_COMPOSE"

// projectRoot is where docker-compose.yml is.
const projectRoot = "../.."

// stack is docker-compose.yml as a project of the test's own: with addresses, secrets and a configuration of its own, and
// nothing else changed.
type stack struct {
	compose []string // its command
	project string
	dir     string // of configuration and secrets
	address map[string]string
}

// published are the variables of .env that say where something is reached on this machine.
var published = []string{
	"KAFKA_ADDRESS", "CLICKHOUSE_ADDRESS", "FLEET_ADDRESS", "FLEET_STANDBY_ADDRESS", "DNS_ADDRESS", "PROMETHEUS_ADDRESS",
}

// newStack starts nothing yet. Each of swaps is a pair: what deploy/detour.yaml says, and what it is to say.
func newStack(t *testing.T, project string, swaps ...string) *stack {
	t.Helper()
	if os.Getenv(composeEnv) == "" {
		t.Skip("make compose-test runs it, with images and an engine")
	}
	s := &stack{compose: strings.Fields(os.Getenv(composeEnv)), project: project, dir: t.TempDir(), address: make(map[string]string)}
	for _, name := range published {
		s.address[name] = quietPort(t)
	}
	text, err := os.ReadFile(filepath.Join(projectRoot, "deploy", "detour.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(swaps, 2) {
		if !strings.Contains(string(text), pair[0]) {
			t.Fatalf("deploy/detour.yaml has no %q", pair[0])
		}
	}
	config := strings.NewReplacer(swaps...).Replace(string(text))
	secrets := filepath.Join(s.dir, "secrets")
	if out, err := exec.Command(filepath.Join(projectRoot, "scripts", "make-secrets.sh"), secrets).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, content := range map[string]string{"detour.yaml": config, "secrets/client.key": string(demoKey)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.remove(t) })
	return s
}

// environ is what Compose is told instead of .env.
func (s *stack) environ() []string {
	env := append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project,
		"REPORTS_HOURS=-1", // the world is of the past
		"CONFIG_FILE="+filepath.Join(s.dir, "detour.yaml"), "SECRETS_DIR="+filepath.Join(s.dir, "secrets"))
	for name, address := range s.address {
		env = append(env, name+"="+address)
	}
	var files syscall.Rlimit // the engine can give a container no more than it has
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && files.Max < 262_144 {
		env = append(env, fmt.Sprint("CLICKHOUSE_FILES=", files.Max))
	}
	return env
}

// try runs Compose.
func (s *stack) try(args ...string) (string, error) {
	cmd := exec.Command(s.compose[0], append(s.compose[1:len(s.compose):len(s.compose)], args...)...)
	cmd.Dir, cmd.Env = projectRoot, s.environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs Compose, which has to do what it is told.
func (s *stack) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.try(args...)
	if err != nil {
		t.Fatalf("compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// remove takes everything away again, after it has shown what containers said if that is of interest.
func (s *stack) remove(t *testing.T) {
	profiles := []string{"--profile", "demo", "--profile", "monitoring"}
	if t.Failed() {
		said, _ := s.try(append(profiles, "logs", "--no-color", "--tail", "15")...)
		t.Log(said)
	}
	down := append(profiles, "down", "--volumes", "--timeout", "10")
	out, err := s.try(down...)
	for range 10 { // an engine may still have an endpoint in the network of a container that it said it had removed
		if err == nil {
			return
		}
		time.Sleep(time.Second)
		out, err = s.try(down...)
	}
	t.Errorf("compose down: %v\n%s", err, out)
}

// composePatience is for what containers do that start while everything else does, too: Java takes its time.
const composePatience = 5 * time.Minute

// waits is for ok.
func (s *stack) waits(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(composePatience); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain: " + what)
		}
	}
}

// docker runs the engine's client.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		t.Fatalf("docker %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// containers lists the running containers of a service, of all services for "".
func (s *stack) containers(t *testing.T, service string) []string {
	t.Helper()
	filter := "label=com.docker.compose.project=" + s.project
	if service == "" {
		return strings.Fields(docker(t, "ps", "--quiet", "--filter", filter))
	}
	return strings.Fields(docker(t, "ps", "--quiet", "--filter", filter, "--filter", "label=com.docker.compose.service="+service))
}

// inspect tells of one container.
func inspect(t *testing.T, id, format string) string {
	t.Helper()
	return docker(t, "inspect", "--format", format, id)
}

// pid is a container's process on this machine.
func pid(t *testing.T, id string) int {
	t.Helper()
	n, err := strconv.Atoi(inspect(t, id, "{{.State.Pid}}"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// host returns the address of a published port without the port, and the port.
func host(t *testing.T, address string) (name, port string) {
	t.Helper()
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return name, port
}
