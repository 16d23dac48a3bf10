package dns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// bindAttempts is how often a free port is looked for that both protocols can have.
const bindAttempts = 16

// endpoint is one address, on both protocols.
type endpoint struct {
	udp *net.UDPConn
	tcp *net.TCPListener
}

func (e endpoint) close() error { return errors.Join(e.udp.Close(), e.tcp.Close()) }

// listen binds an address:port. With port 0, the port that TCP gets may be another's on UDP, so it tries again.
func listen(addr string) (e endpoint, err error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return e, fmt.Errorf("listen: %w", err)
	}
	for range bindAttempts {
		e, err = bind(want)
		if err == nil || want.Port() != 0 {
			break
		}
	}
	return e, err
}

func bind(want netip.AddrPort) (e endpoint, err error) {
	family := "4" // said explicitly, so that 0.0.0.0 and [::] can be listened on side by side
	if want.Addr().Is6() {
		family = "6"
	}
	e.tcp, err = net.ListenTCP("tcp"+family, net.TCPAddrFromAddrPort(want))
	if err != nil {
		return e, err
	}
	e.udp, err = net.ListenUDP("udp"+family, net.UDPAddrFromAddrPort(e.addr()))
	if err != nil {
		_ = e.tcp.Close()
		return e, err
	}
	if want.Addr().IsUnspecified() {
		err = askDestination(e.udp, want.Addr())
	}
	if err != nil {
		_ = e.close()
		return e, fmt.Errorf("listen udp %s: %w", e.addr(), err)
	}
	return e, nil
}

// addr returns what was bound.
func (e endpoint) addr() netip.AddrPort { return e.tcp.Addr().(*net.TCPAddr).AddrPort() }

// askDestination makes a socket for all addresses of a machine say which one a query came to: resolvers drop a reply
// from any other.
func askDestination(conn *net.UDPConn, all netip.Addr) error {
	if all.Is4() {
		return ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	}
	return ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
}
