package architecture

import (
	"strings"
	"testing"
)

func TestTheLayoutIsKept(t *testing.T) {
	found := 0
	for _, p := range load(t) {
		var faults []string
		if cores[p.path] != nil {
			found++
			faults = append(faults, checkCore(p)...)
		}
		if p.under("schemas") && !p.under("schemas/internal") { // the latter is for tests
			faults = append(faults, checkSchemas(p)...)
		}
		faults = append(faults, checkStages(p)...)
		faults = append(faults, checkOwners(p)...)
		for _, fault := range faults {
			t.Error(fault)
		}
	}
	if found != len(cores) {
		t.Errorf("found %d cores, there are %d", found, len(cores))
	}
}

func TestEachRuleBites(t *testing.T) {
	tests := []struct {
		name, path, source string
		check              func(*pkg) []string
		want               string // "" = no fault
	}{
		{"pure", "decide", `import ("math"; "detour/schemas/window"); var x = math.Sqrt(2)`, checkCore, ""},
		{"clock", "decide", `import "time"; var x = time.Now()`, checkCore, "time is input"},
		{"duration", "decide", `import "time"; const x = time.Second`, checkCore, "time is input"},
		{"randomness", "decide", `import "math/rand/v2"; var x = rand.Int()`, checkCore, "equal input"},
		{"network", "decide", `import "net/http"; var x http.Client`, checkCore, "no I/O"},
		{"logger", "decide", `import "github.com/rs/zerolog"; var x zerolog.Logger`, checkCore, "not a log line"},
		{"kafka", "decide", `import "github.com/segmentio/kafka-go/sasl"; var x sasl.Mechanism`, checkCore, "internal/kafkalog"},
		{"record of another stage", "decide", `import "detour/schemas/pathmap"; var x pathmap.Map`, checkCore, "not on the list"},
		{"shell", "decide", `import "detour/decide/worker"; var x = worker.Resume`, checkCore, "not on the list"},
		{"transcendental", "decide", `import "math"; var x = math.Log2(3)`, checkCore, "math.Log2"},
		{"as a value", "decide", `import "math"; var x = math.Exp`, checkCore, "math.Exp"},
		{"fused", "decide", `import "math"; var x = math.FMA(1, 2, 3)`, checkCore, "math.FMA"},
		{"renamed", "decide", `import m "math"; var x = m.Exp(1)`, checkCore, "another name"},
		{"goroutine", "decide", `func f() { go f() }`, checkCore, "goroutines"},
		{"channel", "decide", `var x chan int`, checkCore, "goroutines"},

		{"record with a clock", "schemas/window", `import "time"; var x = time.Now()`, checkSchemas, "time is input"},
		{"record that knows a stage", "schemas/window", `import "detour/decide"; var x decide.Machine`, checkSchemas, "records know nothing"},

		{"stage and stage", "publish/history", `import "detour/decide"; var x decide.Machine`, checkStages, "stages meet in the log"},
		{"own core", "publish/history", `import "detour/publish"; var x publish.Machine`, checkStages, ""},
		{"internal and stage", "internal/dns", `import "detour/decide"; var x decide.Machine`, checkStages, "stages meet in the log"},
		{"cmd", "cmd/detour", `import ("detour/decide"; "detour/publish"); var x decide.Machine; var y publish.Machine`, checkStages, ""},

		{"kafka-go", "internal/dataflow", `import "github.com/segmentio/kafka-go"; var x kafka.Conn`, checkOwners, "internal/kafkalog alone"},
		{"its owner", "internal/kafkalog", `import "github.com/segmentio/kafka-go"; var x kafka.Conn`, checkOwners, ""},
		{"arrow", "decide/worker", `import "github.com/apache/arrow/go/v15/arrow/ipc"; var x ipc.Reader`, checkOwners, "schemas/arrowio"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPkg(test.path)
			p.add(t, "x.go", "package x\n"+test.source)
			got := strings.Join(test.check(p), "; ")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}
