package cassandra

import (
	"bytes"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func TestNodesAreToldOfOnce(t *testing.T) {
	one, err := gocql.NewHostInfoFromAddrPort(net.IPv4(10, 0, 0, 1), 9042)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gocql.NewHostInfoFromAddrPort(net.IPv4(10, 0, 0, 2), 9042)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	l := newNodeLog(slog.New(slog.NewTextHandler(&said, nil)))
	up := func(h *gocql.HostInfo) { l.OnHostUp(gocql.HostUpEvent{Host: h}) }
	down := func(h *gocql.HostInfo) { l.OnHostDown(gocql.HostDownEvent{Host: h}) }
	up(one) // as when a session begins
	for range 3 {
		down(one)
	}
	down(other)
	up(one)
	up(one)
	down(one)
	got := regexp.MustCompile(`is (?:up|down)" node=10\.0\.0\.\d`).FindAllString(said.String(), -1)
	want := []string{`is down" node=10.0.0.1`, `is down" node=10.0.0.2`, `is up" node=10.0.0.1`, `is down" node=10.0.0.1`}
	if !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}
