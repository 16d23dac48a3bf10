package status

// ID names what can be wrong. It is the heading, and so the anchor, of the runbook's entry in docs/operations.md, and a
// machine may branch on it.
type ID string

// What can be wrong, in the order of the flow: a cause stands before what follows from it.
const (
	KafkaDown        ID = "kafka-down"
	NotBegun         ID = "not-begun"
	NotLearned       ID = "not-learned"
	StageDown        ID = "stage-down"
	PublisherDown    ID = "publisher-down"
	WatermarkStalled ID = "watermark-stalled"
	NoProbes         ID = "no-probes"
	HalfTheProbes    ID = "half-the-probes"
	Lag              ID = "lag"
	IncompletePanes  ID = "incomplete-panes"
	BadEdge          ID = "bad-edge"
	RejectsID        ID = "rejects"
	MapStale         ID = "map-stale"
	FleetAPI         ID = "fleet-api"
	DNSBehind        ID = "dns-behind"
	ClickHouseDown   ID = "clickhouse-down"
	HistoryBehind    ID = "history-behind"
	NoStandby        ID = "no-standby"
)

// Runbook is the page that has an entry for each ID.
const Runbook = "docs/operations.md"

// advice is what is always true of a finding.
type advice struct {
	detour string // what Detour does about it by itself
	do     string // what to do
}

var runbook = map[ID]advice{
	KafkaDown:        {"stages wait, then go on where they were; DNS answers from its map", "bring the brokers back; if they are up: kafka.brokers, tls, sasl"},
	NotBegun:         {"no stage starts before there is a log", `run "detour migrate", then start the stages`},
	NotLearned:       {"the rest of this screen is what did answer", "mend what is named; --timeout gives slow servers more time"},
	StageDown:        {"its input waits in the log; nothing is lost before retention", "start it; if it ended by itself, the end of its log says why"},
	PublisherDown:    {"DNS answers from the map that it has, beyond its expiry, too", `start "detour publish"; the end of its log says why it ended`},
	WatermarkStalled: {"panes wait, so that no report of that source is lost", `bring its partition back, or release it: "detour mark --source N"`},
	NoProbes:         {"the map stays until its evidence has aged out", "look at the collector, and at what feeds the reports topic"},
	HalfTheProbes:    {"it decides with what there is; too few runs mean the default", "look for a collector, region or client release that is missing"},
	Lag:              {"nothing is lost: what comes behind it waits", "start more of it, up to its partitions; look for slow disks"},
	IncompletePanes:  {"they count with what is there, and maps made of them say so", "look in the stages' logs for what was lost: retention, damage"},
	BadEdge:          {"resolvers that see it fail leave it at the next tick", "look at the edge, and at what is between it and the service"},
	RejectsID:        {"each is in the rejects topic with its reason and place", "read the reasons: a client release, the path catalogue, a clock"},
	MapStale:         {"DNS goes on answering from it; agents warn", "mend what else is named; if nothing is, read the log of publish"},
	FleetAPI:         {"agents keep their map and ask again", "look at publish.fleet.listen, agent.url and what is between"},
	DNSBehind:        {"it answers from the version that it has", `read the log of "detour dns": it names what it refuses, and why`},
	ClickHouseDown:   {"the log is the buffer, for thirty days; nothing else waits", "bring it back: history goes on where it was, and doubles nothing"},
	HistoryBehind:    {"the log is the buffer, for thirty days; nothing else waits", "look at ClickHouse's load, and at the log of publish"},
	NoStandby:        {"if it dies, nobody takes over until it is started again", "start a second one, on another machine"},
}
