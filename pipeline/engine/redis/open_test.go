package redis

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// wantRefused opens a Redis that cannot be used, and sees that it is refused in
// one line with what to do.
func wantRefused(t *testing.T, dsn DSN, permanent bool, words ...string) {
	t.Helper()
	begun := time.Now()
	c, err := Open(t.Context(), Config{DSN: dsn})
	if err == nil {
		t.Errorf("%s opened", dsn)
		_ = c.Close()
		return
	}
	fault, ok := errors.AsType[*pipeline.EngineError](err)
	if !ok || fault.Engine != pipeline.EngineRedis || fault.Permanent != permanent {
		t.Errorf("%#v, want an engine's error, permanent: %t", err, permanent)
	}
	for _, word := range append(words, "redis at "+dsn.Address()+": ", "; ") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("more than a line, or a password: %q", err)
	}
	if took := time.Since(begun); took > bound {
		t.Errorf("it took %v", took)
	}
}

func TestOpenNobodyThere(t *testing.T) {
	dsn := parse(t, "redis://u:hunter2@127.0.0.1:"+freePort(t))
	wantRefused(t, dsn, false, "connection refused", "start it, or correct the address")
	dsn.Cluster = true
	wantRefused(t, dsn, false, "connection refused", "start it, or correct the address")
}

// What answers nothing, and what answers otherwise.
func TestOpenSomethingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()                                                            //nolint:errcheck // nothing was sent
	wantRefused(t, DSN{Addresses: []string{l.Addr().String()}}, false, "time") // nobody accepts
}

func TestOpenCredentials(t *testing.T) {
	s := runServer(t)
	s.do(t, "acl", "setuser", "worker", "on", ">hunter2", "~*", "+@all", "-evalsha")
	s.do(t, "config", "set", "requirepass", "hunter2")
	for _, user := range []string{"", "u:wrong@", ":wrong@"} {
		wantRefused(t, parse(t, user+s.address), true, "refuses the user or password", "redis://user:password@")
	}
	wantRefused(t, parse(t, "worker:hunter2@"+s.address), true, "NOPERM", "ACL SETUSER")
	open(t, Config{DSN: parse(t, "redis://:hunter2@"+s.address)})
}

func TestOpenReplica(t *testing.T) {
	primary := runServer(t)
	host, port, _ := net.SplitHostPort(primary.address)
	replica := runServer(t, "--replicaof", host+" "+port)
	wantRefused(t, replica.dsn(), true, "it is a replica", "name the primary, at "+primary.address)
}

func TestOpenClusterOrNot(t *testing.T) {
	single := runServer(t)
	wantRefused(t, DSN{Addresses: single.dsn().Addresses, Cluster: true}, true, "it is a single server", "without cluster=true")
	node := runServer(t, "--cluster-enabled", "yes")
	wantRefused(t, node.dsn(), true, "it is a node of a cluster", "?cluster=true")
	wantRefused(t, DSN{Addresses: node.dsn().Addresses, Cluster: true}, false, "served by nobody", "redis-cli --cluster check")
}

func TestOpenWarnsOfEviction(t *testing.T) {
	s := runServer(t, "--maxmemory-policy", "allkeys-lru")
	for policy, want := range map[string]bool{"allkeys-lru": true, "noeviction": false} {
		s.do(t, "config", "set", "maxmemory-policy", policy)
		var log bytes.Buffer
		open(t, Config{DSN: s.dsn(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if got := strings.Contains(log.String(), "evicts") && strings.Contains(log.String(), "noeviction"); got != want {
			t.Errorf("%s logs %q", policy, log.String())
		}
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]bool{
		"6.2.0": true, "7.0.15": true, "10.1": true, "8.0.0-rc1": true, "6.0.20": false, "5.0.14": false, "": false, "seven": false, "6": false, "7.x": false,
	} {
		if got := isNewEnough(version); got != want {
			t.Errorf("%q is new enough: %t", version, got)
		}
	}
}

func TestOpenTLS(t *testing.T) {
	certificate, key := selfSigned(t)
	port := freePort(t)
	s := runServer(t, "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no", "--tls-ca-cert-file", certificate)
	secure := "rediss://127.0.0.1:" + port
	open(t, Config{DSN: parse(t, secure+"?ca="+certificate)})
	wantRefused(t, parse(t, secure), true, "certificate", "?ca=FILE")
	wantRefused(t, parse(t, secure+"?ca="+key), true, "holds no certificate", "?ca=FILE")
	wantRefused(t, parse(t, secure+"?ca=missing.pem"), true, "missing.pem", "?ca=FILE")
	wantRefused(t, parse(t, "rediss://"+s.address), false, "in time", "write redis:// if it does not")
	wantRefused(t, parse(t, "redis://127.0.0.1:"+port), false, "write rediss://")
}

// selfSigned makes a certificate for 127.0.0.1 that vouches for itself.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return writeFile(t, "redis.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})),
		writeFile(t, "redis.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
