package world

import (
	"math"
	"testing"
)

// Liars are as many as declared, at the resolvers that are attacked, and lie by the factor; everybody else reports what the
// same world without poison has.
func TestPoison(t *testing.T) {
	s := Default()
	s.Bad = 0
	s.Faults = []Fault{{Kind: Poison, Path: "proxy", Share: 0.05, Resolvers: 10, Factor: 0.2}}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	honest, err := New(s.Without(Poison))
	if err != nil {
		t.Fatal(err)
	}
	attacked := 0.0
	for i := range w.resolvers {
		if w.Attacked(i) {
			attacked++
		}
	}
	if share := attacked / float64(len(w.resolvers)); math.Abs(share-0.1) > 0.01 {
		t.Errorf("%v of the resolvers are attacked", share)
	}
	lies, runs := 0.0, 0.0
	for i := range w.scenario.Runs {
		lied, meant := w.Draw(i), honest.Draw(i)
		if w.Attacked(lied.Resolver) {
			runs++
		} else if lied.Lies {
			t.Fatalf("a client of a resolver that is not attacked lies: %+v", lied)
		}
		if !lied.Lies {
			if lied != meant {
				t.Fatalf("honest clients report %+v, without poison %+v", lied, meant)
			}
			continue
		}
		lies++
		if lied.Pulses[Direct] != meant.Pulses[Direct] {
			t.Fatalf("the lie is about the wrong path: %+v of %+v", lied, meant)
		}
		for j, p := range lied.Pulses[Proxy] {
			want := meant.Pulses[Proxy][j]
			if math.Abs(float64(p.Micros())-0.2*float64(want.Micros())) > 3 || (p.TCP > 0) != (want.TCP > 0) || p.Status != want.Status {
				t.Fatalf("lie %+v of %+v", p, want)
			}
		}
	}
	if share := lies / runs; math.Abs(share-0.05) > 0.02 {
		t.Errorf("%v of %v runs of attacked resolvers are lies", share, runs)
	}
}
