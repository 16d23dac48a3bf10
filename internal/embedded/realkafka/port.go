package realkafka

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are below those that the kernel gives to clients. One of those could meet itself there while the broker is away: a
// client that dials the port from the port is connected, to nobody.
const (
	firstPort = 12_000
	manyPorts = 8_000
)

// taken are the ports that this process has given away. Another process would have to hit the same at the same time.
var taken struct {
	sync.Mutex
	ports map[int]bool
}

// freePort stores the number of a port that nobody listens on.
func freePort(port *int) error {
	taken.Lock()
	defer taken.Unlock()
	if taken.ports == nil {
		taken.ports = make(map[int]bool)
	}
	for range 1000 {
		candidate := firstPort + rand.IntN(manyPorts)
		if taken.ports[candidate] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", loopback, candidate))
		if err != nil {
			continue
		}
		taken.ports[candidate], *port = true, candidate
		return l.Close()
	}
	return errors.New("no port is free")
}
