package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// addresses tries every address that is listened on, and lets go of it at once.
func (c *checker) addresses() {
	if c.wants("publish") {
		c.address("publish.fleet.listen", c.cfg.Publish.Fleet.Listen, "tcp")
	}
	if c.wants("dns") {
		for i, l := range c.cfg.DNS.Listen {
			c.address(fmt.Sprintf("dns.listen[%d]", i), l, "udp", "tcp")
		}
	}
	if c.wants("admin") {
		c.address("admin.listen", c.cfg.Admin.Listen, "tcp")
		c.address("admin.pprof", c.cfg.Admin.Pprof, "tcp")
	}
}

func (c *checker) address(key, address string, networks ...string) {
	if address == "" {
		return
	}
	for _, network := range networks {
		err := try(network, address)
		switch {
		case err == nil:
			continue
		case errors.Is(err, syscall.EADDRINUSE):
			c.warn(key, address+" is in use", "fine if it is by the process that this is for")
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			c.fail(key, err, "no interface of this machine has this address: use one that it has, or 0.0.0.0 for all")
		case errors.Is(err, syscall.EACCES):
			c.fail(key, err, "ports below 1024 take root, or \"setcap cap_net_bind_service=+ep\" on the program")
		default:
			c.fail(key, err, "use another address")
		}
		return
	}
	c.ok(key, "%s is free", address)
}

// try listens on an address for a moment.
func try(network, address string) error {
	var lc net.ListenConfig
	if network == "udp" {
		conn, err := lc.ListenPacket(context.Background(), network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	l, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return err
	}
	return l.Close()
}
