package pipelinetest

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// required lists the engines, with commas between them, whose absence fails a
// test instead of skipping it.
const required = "NOTIFYCTL_REQUIRE_ENGINES"

// Engine gives an address of a real engine of the set that scripts/engines runs,
// as the flags of notifyctl serve take it. The names are those of the set's file
// of addresses:
//
//	kafka, kafka-sasl, kafka-tls     the same brokers in plain, with a user, over TLS
//	redis, redis-password            without and with a user
//	redis-cluster                    three masters and their replicas
//	postgres-0, postgres-1           a shard with two replicas and one without any
//	postgres-0-superuser, postgres-1-superuser
//	cassandra                        three nodes
//	s3                               a bucket; Engine puts the credentials into the environment
//
// The set is the one in NOTIFYCTL_ENGINES_DIR, or else in .engines. A test whose
// engine does not answer is skipped, or fails if NOTIFYCTL_REQUIRE_ENGINES names
// it (kafka, redis, redis-cluster, postgres, cassandra, s3). Until the test has
// ended no other one breaks the set; what it writes there it keeps apart from
// others' by names of its own.
func Engine(t testing.TB, name string) string {
	t.Helper()
	s := findSet(t)
	address := s.find(t, name)
	oneSet.share(t, s)
	if !answers(address) {
		missing(t, name, "it does not answer at "+withoutUser(address))
	}
	if name == "s3" {
		t.Setenv("AWS_ACCESS_KEY_ID", s.find(t, "s3-access-key"))
		t.Setenv("AWS_SECRET_ACCESS_KEY", s.find(t, "s3-secret-key"))
	}
	return address
}

// EngineNodes are processes of an engine that a test may break.
type EngineNodes struct {
	t     testing.TB
	set   set
	names []string
}

// WithParameter sets a parameter of an address that is a URL.
func WithParameter(t testing.TB, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// Nodes gives nodes of one engine by the names that `scripts/engines status`
// prints, as in kafka-2. It waits until no other test uses the set, in this or
// another process, and has it to itself until the test ends; then everything of
// the engine runs again: nodes that are down start, held ones go on, and a
// Postgres shard that failed over is made anew, empty. It skips or fails as
// [Engine] does.
func Nodes(t testing.TB, names ...string) EngineNodes {
	t.Helper()
	s := findSet(t)
	engine := engineOf(names[0])
	for _, name := range names {
		if engineOf(name) != engine {
			t.Fatalf("the nodes %s are of more than one engine", strings.Join(names, ", "))
		}
	}
	address := engine
	if engine == "postgres" {
		address = "postgres-0"
	}
	s.find(t, address)
	oneSet.breakAlone(t, s, engine)
	return EngineNodes{t: t, set: s, names: names}
}

// Kill ends the nodes at once, as kill -9 does.
func (n EngineNodes) Kill() { n.t.Helper(); n.run("kill") }

// Stop ends the nodes in order, and waits for it.
func (n EngineNodes) Stop() { n.t.Helper(); n.run("stop") }

// Start starts nodes that are down, with the data they had, and waits until they
// serve; for brokers of Kafka that are no majority, until they run.
func (n EngineNodes) Start() { n.t.Helper(); n.run("start") }

// Pause holds the nodes still: they take connections and answer nothing.
func (n EngineNodes) Pause() { n.t.Helper(); n.run("pause") }

// Resume lets paused nodes go on.
func (n EngineNodes) Resume() { n.t.Helper(); n.run("resume") }

func (n EngineNodes) run(command string) {
	n.t.Helper()
	if err := n.set.run(append([]string{command}, n.names...)...); err != nil {
		n.t.Fatal(err)
	}
}

// set is the engines that one folder holds.
type set struct {
	script string // scripts/engines
	folder string
}

// findSet looks for scripts/engines upwards from the test's own folder.
func findSet(t testing.TB) set {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		script := filepath.Join(root, "scripts", "engines")
		if _, err := os.Stat(script); err == nil {
			folder := os.Getenv("NOTIFYCTL_ENGINES_DIR")
			if folder == "" {
				folder = filepath.Join(root, ".engines")
			}
			return set{script: script, folder: folder}
		}
		parent := filepath.Dir(root)
		if parent == root {
			t.Fatal("there is no scripts/engines in any folder above the test's")
		}
		root = parent
	}
}

// find gives the value that the set's file of addresses has of a name.
func (s set) find(t testing.TB, name string) string {
	t.Helper()
	file, err := os.Open(filepath.Join(s.folder, "addresses"))
	if errors.Is(err, fs.ErrNotExist) {
		missing(t, name, "there are no engines in "+s.folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+"="); ok {
			return value
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	missing(t, name, "it is not among the engines in "+s.folder)
	return ""
}

// run runs a command of scripts/engines on the set.
func (s set) run(args ...string) error {
	command := exec.Command(s.script, args...)
	command.Env = append(os.Environ(), "NOTIFYCTL_ENGINES_DIR="+s.folder)
	out, err := command.CombinedOutput()
	if err != nil {
		return errors.New("scripts/engines " + strings.Join(args, " ") + ": " + err.Error() + "\n" + string(out))
	}
	return nil
}

// missing skips a test for want of an engine, or fails it where that is required.
func missing(t testing.TB, name, why string) {
	t.Helper()
	engine := engineOf(name)
	if slices.Contains(strings.Split(os.Getenv(required), ","), engine) {
		t.Fatalf("%s is required by %s: %s", engine, required, why)
	}
	t.Skipf("needs %s, and %s; start it with scripts/engines up %s", engine, why, engine)
}

// engineOf gives the engine that an address or a node is of.
func engineOf(name string) string {
	if strings.HasPrefix(name, "redis-cluster") {
		return "redis-cluster"
	}
	engine, _, _ := strings.Cut(name, "-")
	return engine
}

// answers says whether one of an address's hosts takes connections.
func answers(address string) bool {
	for _, host := range regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:\d+`).FindAllString(address, -1) {
		conn, err := net.DialTimeout("tcp", host, time.Second)
		if err == nil {
			_ = conn.Close()
			return true
		}
	}
	return false
}

func withoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}
