//go:build !race

package simulation_test

// defaultSeeds is how many seeds the tests play unless told otherwise.
const defaultSeeds = 200
