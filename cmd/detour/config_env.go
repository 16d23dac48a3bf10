package main

import (
	"regexp"
	"slices"
	"strings"
)

// foreignVariables begin like those of configuration keys and are read by something else.
var foreignVariables = []string{
	configEnv,
	"DETOUR_CACHE", "DETOUR_LIBCHDB", // where the embedded ClickHouse engine is: internal/embedded/chdb
	"DETOUR_IMAGE", "DETOUR_TAG", // docker-compose.yml
	"DETOUR_INTEGRATION", // tests over real servers
}

// foreignForms are those of which there is any number, as NAME=value: what tests tell their processes, and what Kubernetes
// gives every container for each service whose name begins with ours (DETOUR_DNS_SERVICE_HOST, DETOUR_DNS_PORT=tcp://...).
var foreignForms = regexp.MustCompile(`^DETOUR_(TEST_\w*=|\w+_SERVICE_(HOST|PORT)(_\w+)?=|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP))?=\w+://|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)=)`)

// foreign reports whether an entry of the environment is none of ours, although it begins like ours.
func foreign(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	return slices.Contains(foreignVariables, name) || foreignForms.MatchString(entry)
}
