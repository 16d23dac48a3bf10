//go:build !race

package simulation_test

// defaultSeeds is how many seeds the tests play unless told otherwise; .ci/run plays a few hundred more.
const defaultSeeds = 40

// slow tells that runs take long here.
const slow = false
