package clickhouse

import (
	"regexp"
	"strings"
)

// onCluster marks the place in a statement where ON CLUSTER goes.
const onCluster = "/*on_cluster*/"

var engine = regexp.MustCompile(`(?m)^ENGINE = (\w*MergeTree)\b`)

// On returns a statement for all servers of a cluster; for one server, where cluster is empty, it is the statement
// itself. Replicated engines take the servers' default path, which holds the table's id, so that a table that was dropped
// and created again is another one.
func On(cluster, statement string) string {
	if cluster == "" {
		return statement
	}
	statement = strings.Replace(statement, onCluster, "ON CLUSTER "+Identifier(cluster), 1)
	return engine.ReplaceAllString(statement, "ENGINE = Replicated$1")
}

var identifierEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`")

// Identifier quotes a name for SQL.
func Identifier(name string) string { return "`" + identifierEscapes.Replace(name) + "`" }
