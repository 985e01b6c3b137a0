package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// server is a PostgreSQL server of a test's own, that it may break. Its superuser
// needs no password from loopback; others need theirs.
type server struct {
	t    *testing.T
	bin  string // directory of the programs
	dir  string
	port int
	as   *syscall.SysProcAttr
	run  *exec.Cmd // or nil
}

// newServer makes a server that does not run.
func newServer(t *testing.T) *server {
	t.Helper()
	pipelinetest.Engine(t, "postgres-0") // skips where there is none
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no initdb in /usr/lib/postgresql, %v", err)
	}
	slices.Sort(found)
	s := &server{t: t, bin: filepath.Dir(found[len(found)-1]), as: &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}}
	// Not below the test's own directory, which other users cannot enter.
	if s.dir, err = os.MkdirTemp("", "postgres-test-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	if os.Getuid() == 0 { // as which Postgres does not run
		other, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(other.Uid)
		gid, _ := strconv.Atoi(other.Gid)
		s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	s.port = freePort(t)
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

func (s *server) command(name string, arguments ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), arguments...)
	c.Dir, c.SysProcAttr = s.dir, s.as
	c.Env = []string{"LC_ALL=C.UTF-8", "HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	return c
}

func (s *server) must(name string, arguments ...string) {
	s.t.Helper()
	if out, err := s.command(name, arguments...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// newPrimary starts a new primary.
func newPrimary(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.must("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N", "--no-instructions")
	hba := "host all postgres 127.0.0.1/32 trust\nhost replication postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	return s
}

// newReplica starts a replica of a server.
func newReplica(t *testing.T, of *server) *server {
	t.Helper()
	s := newServer(t)
	s.must("pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(of.port), "-U", "postgres", "-D", s.data(), "-R", "-X", "stream", "-c", "fast")
	s.start()
	return s
}

// start starts the server and waits until it takes connections.
func (s *server) start() {
	s.t.Helper()
	s.run = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=50", "-c", "shared_buffers=16MB",
		"-c", "wal_keep_size=64MB", "-c", "wal_retrieve_retry_interval=100ms", "-c", "hot_standby=on")
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	s.run.Stdout, s.run.Stderr = log, log
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
	_ = log.Close()
	s.t.Cleanup(s.crash)
	eventually(s.t, "the server starts", func() error {
		return s.command("pg_isready", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run()
	})
}

// crash ends the server without a checkpoint: clients are cut off.
func (s *server) crash() {
	if s.run == nil {
		return
	}
	_ = s.run.Process.Signal(syscall.SIGQUIT)
	_ = s.run.Wait()
	s.run = nil
}

// hang stops the server's processes from answering, or lets them go on.
func (s *server) hang(hanging bool) {
	s.t.Helper()
	signal := syscall.SIGCONT
	if hanging {
		signal = syscall.SIGSTOP
	}
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(s.run.Process.Pid)).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, pid := range append(strings.Fields(string(out)), strconv.Itoa(s.run.Process.Pid)) {
		n, _ := strconv.Atoi(pid)
		_ = syscall.Kill(n, signal) // it may have ended
	}
}

// dsn is the address of servers as one shard.
func dsn(servers ...*server) string {
	var hosts []string
	for _, s := range servers {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", s.port))
	}
	return "postgres://postgres@" + strings.Join(hosts, ",") + "/postgres"
}

// sql runs statements on this server.
func (s *server) sql(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		s.must("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "postgres", "-d", "postgres", "-c", statement)
	}
}

// eventually polls for what other processes do.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// primaryOrReplica connects to this server.
func primaryOrReplica(t *testing.T, s *server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// check asks this server for something that must be true.
func (s *server) check(query string) error {
	conn, err := pgx.Connect(context.Background(), dsn(s))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var is bool
	if err := conn.QueryRow(context.Background(), query).Scan(&is); err != nil {
		return err
	}
	if !is {
		return fmt.Errorf("%s: false", query)
	}
	return nil
}
