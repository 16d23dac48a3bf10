// Package evaluate judges policies on worlds that know the truth. A policy is run as it would be: what clients measured
// becomes samples by ingest's rules, the real aggregator makes windows of them, and the real decider decides, pane by
// pane. Beside it run rules that anybody would try first (see baselines), on the same measurements.
//
// It opens no file and takes no clock: what it returns is a function of the world and the policy. Memory holds one pane
// of runs, and what the evidence of the policy's window needs.
package evaluate
