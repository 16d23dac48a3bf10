//go:build race

package simulation_test

// defaultSeeds is fewer under the race detector, which slows a run tenfold.
const defaultSeeds = 12

// slow tells that runs take long here.
const slow = true
