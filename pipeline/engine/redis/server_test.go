package redis

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// patience is how long tests wait for what must come.
const patience = 30 * time.Second

// server is a real Redis of a test's own, to be killed and started again.
type server struct {
	address string
	args    []string
	command *exec.Cmd
}

// runServer starts a Redis that keeps nothing on the disk unless args say so. It
// runs where the real engines are wanted.
func runServer(t testing.TB, args ...string) *server {
	t.Helper()
	pipelinetest.Engine(t, "redis")
	host, port, bus := "127.0.0.1", freePort(t), freePort(t)
	s := &server{
		address: net.JoinHostPort(host, port),
		args: append([]string{
			"--bind", host, "--port", port, "--cluster-port", bus, "--dir", t.TempDir(), "--save", "",
			"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0",
		}, args...),
	}
	t.Cleanup(func() { s.kill(t) })
	s.start(t)
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (s *server) start(t testing.TB) {
	t.Helper()
	s.command = exec.Command("redis-server", s.args...)
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the server listens", func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// kill ends the server without a word.
func (s *server) kill(t testing.TB) {
	t.Helper()
	if s.command == nil {
		return
	}
	if err := s.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.command.Wait() // it was killed
	s.command = nil
}

func (s *server) dsn() DSN { return DSN{Addresses: []string{s.address}} }

// do sends one command as an operator would.
func (s *server) do(t testing.TB, args ...any) string {
	t.Helper()
	operator := goredis.NewClient(&goredis.Options{Addr: s.address})
	defer operator.Close() //nolint:errcheck // nothing is left to send
	reply, err := operator.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(reply)
}

// await waits until something holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain until %s", what)
		}
		time.Sleep(10 * time.Millisecond) // servers tell nobody
	}
}

// runCluster starts a cluster of three primaries with a replica each, and gives
// its servers.
func runCluster(t testing.TB) []*server {
	t.Helper()
	var servers []*server
	var addresses []string
	for range 6 {
		s := runServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--appendonly", "no")
		servers, addresses = append(servers, s), append(addresses, s.address)
	}
	args := append([]string{"--cluster", "create"}, addresses...)
	out, err := exec.CommandContext(t.Context(), "redis-cli", append(args, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range servers {
		await(t, "the cluster serves all slots", func() bool {
			replication := s.do(t, "info", "replication")
			return strings.Contains(s.do(t, "cluster", "info"), "cluster_state:ok") && strings.Contains(s.do(t, "cluster", "info"), "cluster_known_nodes:6") &&
				(strings.Contains(replication, "connected_slaves:1") || strings.Contains(replication, "master_link_status:up"))
		})
	}
	return servers
}

// proxy forwards connections to a server, until it is told to swallow what is
// sent: then both ends wait, as when the network between them is gone.
type proxy struct {
	listener net.Listener
	swallows atomic.Bool
}

func runProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close() //nolint:errcheck // the target is gone
				continue
			}
			go p.forward(server, client)
			go p.forward(client, server)
		}
	}()
	return p
}

func (p *proxy) forward(to, from net.Conn) {
	defer to.Close() //nolint:errcheck // the other end is gone
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if p.swallows.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
