// Package architecture keeps the layout that docs/architecture.md describes: who may import whom, and what the pure
// cores may use. Each rule has its reason beside it, and each is tried on a package that breaks it.
package architecture

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// cores are the four stages' pure cores, each in its stage's folder, and all that each may import: what of the standard
// library knows neither the time nor the machine nor chance, and the records that it reads and writes. Add to a list what
// is as pure as what is there.
var cores = map[string][]string{
	"ingest": {
		"cmp", "crypto/hmac", "crypto/sha256", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash/fnv",
		"math", "math/bits", "net/netip", "slices", "strconv",
		"detour/schemas", "detour/schemas/control", "detour/schemas/reject", "detour/schemas/report", "detour/schemas/sample",
	},
	"aggregate": {
		"cmp", "errors", "fmt", "iter", "math", "slices",
		"detour/schemas", "detour/schemas/chunk", "detour/schemas/control", "detour/schemas/reject",
		"detour/schemas/sample", "detour/schemas/window",
	},
	"decide": {
		"cmp", "errors", "fmt", "iter", "math", "math/bits", "net/netip", "slices", "sort",
		"detour/decide/posterior",
		"detour/schemas", "detour/schemas/chunk", "detour/schemas/control", "detour/schemas/decision", "detour/schemas/reject",
		"detour/schemas/sample", "detour/schemas/window",
	},
	"decide/posterior": {"math", "sort"}, // the statistics of decide: numbers alone
	"publish": {
		"crypto/ed25519", // signing is deterministic
		"errors", "fmt", "net/netip", "slices",
		"detour/schemas", "detour/schemas/chunk", "detour/schemas/control", "detour/schemas/decision", "detour/schemas/pathmap",
		"detour/schemas/reject",
	},
}

// forbidden says why what is likely to be missed is on no core's list.
var forbidden = map[string]string{
	"time":                                   "time is input: a record's timestamp, in milliseconds. Even a duration leads to a clock",
	"context":                                "a core neither waits nor is cancelled: that is the shell's",
	"os":                                     "configuration is given at construction or is a record of control, never ambient",
	"io":                                     "a core does no I/O: it takes records and returns records",
	"net":                                    "a core does no I/O; addresses are in net/netip",
	"math/rand":                              "equal input has to give equal output",
	"math/rand/v2":                           "equal input has to give equal output",
	"crypto/rand":                            "equal input has to give equal output",
	"maps":                                   "the order of a map is chance: collect the keys and sort them",
	"sync":                                   "a machine is run by one goroutine",
	"runtime":                                "output must not depend on the machine that it was made on",
	"log":                                    "a bad record is a value, not a log line",
	"unsafe":                                 "a core reads what strangers wrote",
	"github.com/rs/zerolog":                  "a bad record is a value, not a log line",
	"github.com/segmentio/kafka-go":          "records come and go through schemas.Machine; the log is internal/kafkalog's",
	"github.com/ClickHouse/clickhouse-go/v2": "history is written by publish/history, from the log",
	"github.com/apache/arrow/go/v15":         "how a record is encoded is its package's in schemas",
}

// exact is what of package math gives the same on every processor. Exp, Log, Pow and the like are approximations whose
// last bits differ with the instructions at hand, and FMA rounds once where a*b + c rounds twice.
var exact = []string{
	"Abs", "Ceil", "Copysign", "Float64bits", "Float64frombits", "Floor", "Inf", "IsInf", "IsNaN", "NaN", "Sqrt", "Trunc",
	"E", "Ln2", "Log2E", "MaxFloat64", "MaxInt16", "MaxInt32", "MaxInt64", "MaxUint8", "MaxUint16", "MaxUint32", "MaxUint64",
	"MinInt16", "MinInt32", "MinInt64", "Pi",
}

// owners says which packages alone import a library, so that another one can take its place.
var owners = []struct {
	library string
	owners  []string
	why     string
}{
	{"github.com/segmentio/kafka-go", []string{"internal/kafkalog"}, "what it promises and what it hides is dealt with in one place"},
	{
		"github.com/twmb/franz-go",
		[]string{"internal/embedded/broker", "internal/embedded/realkafka"},
		"it is the embedded broker, and how the real one is asked whether it is there, not our client",
	},
	{
		"github.com/ClickHouse/",
		[]string{"publish/history", "internal/embedded/chserver"},
		"history is the only client of ClickHouse, the embedded server the only one",
	},
	{"github.com/apache/arrow/", []string{"schemas/arrowio", "schemas/internal/golden"}, "its IPC reader must not meet bytes that were not checked first"},
	{"github.com/google/flatbuffers", []string{"schemas/arrowio"}, "it is how those bytes are checked"},
	{"github.com/miekg/dns", []string{"internal/dns", "cmd"}, "it is the DNS server's, and theirs who ask it: the demo and the health check"},
	{"github.com/prometheus/", []string{"internal/metrics"}, "components say what they know, metrics are made of it in one place"},
	{"github.com/ebitengine/purego", []string{"internal/embedded/chdb"}, "it calls into C"},
}

// checkCore reports what a core must not import or do.
func checkCore(p *pkg) (faults []string) {
	for path, file := range p.imports {
		if slices.Contains(cores[p.path], path) {
			continue
		}
		why := "it is not on the list of what this core may import"
		for library, reason := range forbidden {
			if path == library || strings.HasPrefix(path, library+"/") {
				why = reason
			}
		}
		faults = append(faults, fmt.Sprintf("%s imports %s: %s", file, path, why))
	}
	for name, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
				faults = append(faults, name+" uses goroutines or channels: their order is chance")
			case *ast.ImportSpec:
				if n.Name != nil && n.Path.Value == `"math"` {
					faults = append(faults, name+" imports math by another name: what it uses of it can't be seen")
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "math" && !slices.Contains(exact, n.Sel.Name) {
					faults = append(faults, fmt.Sprintf("%s uses math.%s: its results differ between processors", name, n.Sel.Name))
				}
			}
			return true
		})
	}
	return faults
}

// checkSchemas reports what a record's package must not import: cores are only as pure as these.
func checkSchemas(p *pkg) (faults []string) {
	for path, file := range p.imports {
		switch {
		case strings.HasPrefix(path, module) && !strings.HasPrefix(path, module+"schemas"):
			faults = append(faults, fmt.Sprintf("%s imports %s: records know nothing of who writes and reads them", file, path))
		case slices.Contains([]string{"time", "context", "os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log"}, path):
			faults = append(faults, fmt.Sprintf("%s imports %s: %s", file, path, forbidden[path]))
		}
	}
	return faults
}

// checkStages reports a stage that imports another, and packages that see stages although they are none of those that
// put them together.
func checkStages(p *pkg) (faults []string) {
	if p.under("cmd") || p.under("internal/replay") || p.under("internal/embedded") ||
		p.under("internal/backtest") || p.under("internal/evaluate") || p.under("internal/simulation") {
		return nil
	}
	for path, file := range p.imports {
		other := stageOf(strings.TrimPrefix(path, module))
		if strings.HasPrefix(path, module) && other != "" && other != stageOf(p.path) {
			faults = append(faults, fmt.Sprintf("%s imports %s: stages meet in the log, by way of schemas, and are put together in cmd", file, path))
		}
	}
	return faults
}

// checkOwners reports libraries outside of the packages that they belong to.
func checkOwners(p *pkg) (faults []string) {
	for path, file := range p.imports {
		for _, o := range owners {
			if strings.HasPrefix(path, o.library) && !slices.ContainsFunc(o.owners, p.under) {
				faults = append(faults, fmt.Sprintf("%s imports %s, which is for %s alone: %s", file, path, strings.Join(o.owners, " and "), o.why))
			}
		}
	}
	return faults
}

// stageOf returns the stage that a package belongs to, "" for none.
func stageOf(path string) string {
	first, _, _ := strings.Cut(path, "/")
	if cores[first] == nil {
		return ""
	}
	return first
}
