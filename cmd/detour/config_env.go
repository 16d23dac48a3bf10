package main

import (
	"regexp"
	"strings"
)

// foreignVariables begin like those of configuration keys and are read by something else.
var foreignVariables = []struct{ name, purpose string }{
	{configEnv, "the configuration file, where `--config` does not name it"},
	{"DETOUR_CACHE", "the folder that `make libchdb` and `make kafka` fetch into, in place of `.cache`"},
	{"DETOUR_LIBCHDB", "the library of the embedded ClickHouse engine"},
	{"DETOUR_IMAGE", "docker-compose.yml: the image's name"},
	{"DETOUR_TAG", "docker-compose.yml: the image's tag"},
	{"DETOUR_INTEGRATION", "1 = tests over real servers run"},
	{"DETOUR_KAFKA_SUMS", "scripts/fetch-kafka.sh: `write` writes its list of checksums anew"},
}

// foreignForms are those of which there is any number, as NAME=value: what tests tell their processes, and what Kubernetes
// gives every container for each service whose name begins with ours (DETOUR_DNS_SERVICE_HOST, DETOUR_DNS_PORT=tcp://...).
var foreignForms = regexp.MustCompile(`^DETOUR_(TEST_\w*=|\w+_SERVICE_(HOST|PORT)(_\w+)?=|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP))?=\w+://|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)=)`)

// foreign reports whether an entry of the environment is none of ours, although it begins like ours.
func foreign(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	for _, v := range foreignVariables {
		if v.name == name {
			return true
		}
	}
	return foreignForms.MatchString(entry)
}
