package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// lineWriter hands each line of a log over.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// writeKeys writes a file of keys with the scope read.
func writeKeys(t *testing.T, path string, names ...string) {
	t.Helper()
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s:%x:read\n", name, sha256.Sum256([]byte(name)))
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreReadAgainOnHangup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	writeKeys(t, path, "a")
	logged := make(lineWriter, 1)
	a := testApp(&bytes.Buffer{}, &bytes.Buffer{})
	a.log = slog.New(slog.NewTextHandler(logged, nil))
	s, err := secureOptions{apiKeys: path}.open(a)
	if err != nil {
		t.Fatal(err)
	}
	defer s.watch(t.Context(), a)()
	hangup := func() string {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return <-logged
	}
	writeKeys(t, path, "a", "b")
	if said := hangup(); !strings.Contains(said, "keys=2") || s.keys.Len() != 2 {
		t.Errorf("%d keys; logged %s", s.keys.Len(), said)
	}
	writeKeys(t, path, "a", "b", "c c")
	if said := hangup(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, path+":3: ") || s.keys.Len() != 2 {
		t.Errorf("a faulty file left %d keys; logged %s", s.keys.Len(), said)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if said := hangup(); !strings.Contains(said, "level=ERROR") || s.keys.Len() != 2 {
		t.Errorf("without a file it has %d keys; logged %s", s.keys.Len(), said)
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "localhost:80": true, "127.9.9.9:80": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.0.2.1:80": false, "example.com:80": false, "localhost.evil:80": false,
	} {
		if got, err := isLoopback(address); got != want || err != nil {
			t.Errorf("%s: %v, %v", address, got, err)
		}
	}
	if _, err := isLoopback("127.0.0.1"); err == nil {
		t.Error("an address without a port was taken")
	}
}
