package main_test

import (
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// lateHosts puts one address at which nothing listens in place of an engine's
// hosts. Once opened, it leads to the first of them.
func lateHosts(t *testing.T, address *string) (open func()) {
	t.Helper()
	hosts := regexp.MustCompile(`[0-9.]+:\d+(,[0-9.]+:\d+)*`)
	target, _, _ := strings.Cut(hosts.FindString(*address), ",")
	late := freeAddress(t)
	*address = hosts.ReplaceAllLiteralString(*address, late)
	return func() {
		t.Helper()
		listener, err := net.Listen("tcp", late)
		if err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		running.Go(func() { lead(listener, target) })
		t.Cleanup(func() {
			if err := listener.Close(); err != nil {
				t.Error(err)
			}
			running.Wait()
		})
	}
}

// lead connects what arrives at a listener with a target, until it is closed and
// the connections are over.
func lead(listener net.Listener, target string) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", target)
		if err != nil {
			_ = client.Close() // as if nothing listened
			continue
		}
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			running.Go(func() {
				_, _ = io.Copy(way[0], way[1]) // until either end closes
				_ = way[0].Close()
				_ = way[1].Close()
			})
		}
	}
}
