package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detour/internal/embedded/realkafka"
	"detour/internal/tlsfiles"
	"detour/internal/tlsfiles/tlstest"
)

// closedKafka is a deployment whose processes may do nothing that they were not granted.
type closedKafka struct {
	broker  *realkafka.Cluster
	cfg     *Config
	path    string
	dir     string // passwords, each in a file called as its user
	granted map[realkafka.Right]bool
}

var processes = []string{"migrate", "collector", "ingest", "aggregate", "decide", "publish", "operator", "analyst"}

func right(process, operation, kind, name string) realkafka.Right {
	return realkafka.Right{Principal: "User:detour-" + process, Operation: operation, Kind: kind, Name: name}
}

func newClosed(t *testing.T, clickhouse string) *closedKafka {
	t.Helper()
	c := &closedKafka{dir: t.TempDir(), granted: make(map[realkafka.Right]bool)}
	ca := tlstest.NewAuthority(t, "Kafka CA")
	cert, key := ca.Issue(t, tlstest.Leaf{Name: "broker", Hosts: []string{"127.0.0.1", "localhost"}})
	users := make(map[string]string)
	for _, p := range processes {
		users["detour-"+p] = "secret of " + p
		if err := os.WriteFile(filepath.Join(c.dir, p), []byte(users["detour-"+p]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.broker = realkafka.Start(t, realkafka.Config{
		Protocol: "SASL_SSL", Keystore: concatenated(t, key, cert), Users: users, Properties: realkafka.Closed,
	})
	c.cfg, c.path = deployment(t, c.broker.Addrs(), clickhouse)
	c.cfg.Kafka.TLS = tlsfiles.Client{Enabled: true, CAFile: ca.File}
	c.cfg.Kafka.SASL.Mechanism = "scram-sha-512"
	c.cfg.Kafka.SASL.Username = "somebody" // the environment says who
	c.cfg.Kafka.SASL.PasswordFile = "nowhere"
	writeConfig(t, c.cfg, c.path)
	rights := grantedBy(t, c.cfg)
	for _, r := range rights {
		c.granted[r] = true
	}
	if err := c.broker.Grant(t.Context(), rights...); err != nil {
		t.Fatal(err)
	}
	return c
}

// concatenated writes files behind one another.
func concatenated(t *testing.T, paths ...string) string {
	t.Helper()
	var all []byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return file(t, "keystore.pem", string(all))
}

// command is detour as the user of a process.
func (c *closedKafka) command(process string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(),
		"DETOUR_KAFKA_SASL_USERNAME=detour-"+process, "DETOUR_KAFKA_SASL_PASSWORD_FILE="+filepath.Join(c.dir, process))
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// must runs a command as the user of a process and returns what it prints.
func (c *closedKafka) must(t *testing.T, process string, args ...string) string {
	t.Helper()
	cmd := c.command(process, nil, args...)
	out, err := cmd.Output()
	if err != nil {
		exit, _ := err.(*exec.ExitError)
		t.Errorf("%s as %s: %v\n%s\n%s", args, process, err, out, exit.Stderr)
	}
	return string(out)
}

// start starts a stage until the test ends.
func (c *closedKafka) start(t *testing.T, stage string, env []string) *process {
	t.Helper()
	p, err := launch(stage, c.command(stage, env, stage, "--config", c.path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("%s:\n%s", p.name, p.said())
		}
	})
	return p
}

// rights returns the rights of Detour's processes that were used and wanting.
func (c *closedKafka) rights(t *testing.T) (used, wanting map[realkafka.Right]bool) {
	t.Helper()
	used, wanting, err := c.broker.Rights(0)
	if err != nil {
		t.Fatal(err)
	}
	strangers := func(r realkafka.Right, _ bool) bool { return !strings.HasPrefix(r.Principal, "User:detour-") }
	maps.DeleteFunc(used, strangers)
	maps.DeleteFunc(wanting, strangers)
	return used, wanting
}

// grantedBy runs deploy/kafka/acls.sh with a program that writes down what it is told in place of kafka-acls.sh.
func grantedBy(t *testing.T, cfg *Config) (rights []realkafka.Right) {
	t.Helper()
	told := filepath.Join(t.TempDir(), "told")
	recorder := file(t, "kafka-acls.sh", "#!/bin/sh\necho \"$@\" >>"+told+"\n")
	if err := os.Chmod(recorder, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("../../deploy/kafka/acls.sh", "--bootstrap-server", "kafka:9092")
	cmd.Env = append(os.Environ(), "KAFKA_ACLS="+recorder, "PREFIX="+cfg.Topics.Prefix, "REPORTS="+cfg.Topics.Reports)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		some, err := toldTo(strings.Fields(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		rights = append(rights, some...)
	}
	return rights
}

// toldTo reads the options of one call of kafka-acls.sh.
func toldTo(args []string) (rights []realkafka.Right, err error) {
	if len(args) < 7 || !slices.Equal(args[:3], []string{"--bootstrap-server", "kafka:9092", "--add"}) {
		return nil, fmt.Errorf("it begins with %q", args)
	}
	var r realkafka.Right
	for i := 3; i+1 < len(args); i += 2 {
		switch value := args[i+1]; args[i] {
		case "--allow-principal":
			r.Principal = value
		case "--operation":
			r.Operation = map[string]string{"DescribeConfigs": "DESCRIBE_CONFIGS"}[value]
			if r.Operation == "" {
				r.Operation = strings.ToUpper(value)
			}
		case "--topic", "--group":
			r.Kind, r.Name = strings.ToUpper(args[i][2:]), value
			rights = append(rights, r)
		default:
			return nil, fmt.Errorf("%q is no option", args[i])
		}
	}
	return rights, nil
}
