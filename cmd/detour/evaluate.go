package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"detour/internal/console"
	"detour/internal/evaluate"
	"detour/internal/evaluate/scenario"
	"detour/internal/world"
	"detour/schemas/control"
)

func evaluateCommand() command {
	c := command{
		name:    "evaluate",
		summary: "judge a policy on worlds that know the truth",
		help: `Runs the real aggregator and decider, with the policy, over what the clients of made-up worlds measure, and says what
becomes of the users, in true latencies: how much of the possible gain was taken, and who was made slower. Rules that
anybody would try first run beside it. docs/evaluate.md defines every figure.

--worlds names scenarios that are shipped, or YAML files. Figures are means over seeds, each of which is another world.
` + rttHelp + `

Examples:
  detour evaluate                                             # the sparse world, eight seeds
  detour evaluate --worlds sparse,steady --policy new.yaml    # what a policy would do
  detour evaluate --worlds my-world.yaml --seeds 1 --json
  detour evaluate --rtt pings.csv.gz --regions Dublin,Seattle --edges London,Tokyo --slice 1h --runs-per-slice 10`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		worlds := fs.String("worlds", "sparse", "scenarios, by name or `FILE`.yaml, with commas between")
		seeds := fs.Int("seeds", 8, "how many worlds of each; with --rtt 1 unless it is set")
		first := fs.Uint64("seed", 1, "the first one's seed")
		file := fs.String("policy", "", "policy's YAML `FILE`; without it the defaults")
		asJSON := fs.Bool("json", false, "print JSON")
		measured := rtt(fs)
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if err := measured.check(fs, seeds); err != nil {
			return err
		}
		if *seeds < 1 || *seeds > 10_000 {
			return configErrorf("--seeds is %d, it has to be 1 to 10000", *seeds)
		}
		policy := control.DefaultPolicy()
		if *file != "" {
			var err error
			if policy, err = readPolicy(*file); err != nil {
				return err
			}
		}
		kinds, err := kindsOf(*worlds, measured, std.err)
		if err != nil {
			return err
		}
		var reports []*evaluate.Report
		for _, k := range kinds {
			progress := console.NewProgress(std.err)
			results, err := evaluate.Seeds(ctx, k.build, *first, *seeds, policy, func(done, total int64) {
				progress.Set(done, total, k.name)
			})
			progress.Finish()
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			reports = append(reports, &evaluate.Report{World: k.name, Seeds: *seeds, First: *first, Results: results})
		}
		if *asJSON {
			return writeReports(std, reports)
		}
		for _, r := range reports {
			if err := r.WriteTable(std.out); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// kind is a kind of world: a scenario, whose seed varies.
type kind struct {
	name  string
	build evaluate.Build
}

// kindsOf reads a measured matrix where there is one, else what --worlds names.
func kindsOf(worlds string, measured *rttFlags, notes io.Writer) ([]kind, error) {
	if measured.file == "" {
		return scenarios(worlds)
	}
	build, err := measured.read(notes)
	return []kind{{measured.file, build}}, err
}

// scenarios reads what --worlds names, before anything runs.
func scenarios(names string) (kinds []kind, err error) {
	for name := range strings.SplitSeq(names, ",") {
		s, err := world.LoadScenario(name)
		if err != nil {
			return nil, configErrorf("--worlds: %w", err)
		}
		if _, err := scenario.New(s); err != nil {
			return nil, configErrorf("--worlds: %s: %w", name, err)
		}
		kinds = append(kinds, kind{name, func(seed uint64) (evaluate.World, error) {
			s := s
			s.Seed = seed
			return scenario.New(s)
		}})
	}
	return kinds, nil
}

// writeReports prints one report as it is, and several below their means.
func writeReports(std stdio, reports []*evaluate.Report) error {
	enc := json.NewEncoder(std.out)
	enc.SetIndent("", "  ")
	if len(reports) == 1 {
		return enc.Encode(reports[0])
	}
	return enc.Encode(evaluate.Join(reports))
}
