package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// secureOptions are the flags by which serve is secured.
type secureOptions struct {
	apiKeys string
	tlsCert string
	tlsKey  string
}

// A security is what requests come under: API keys and a certificate, each if
// its flags name one. Both are read again on SIGHUP.
type security struct {
	options secureOptions
	keys    *gateway.Keys
	cert    atomic.Pointer[tls.Certificate]
}

// open reads the files. What is wrong with them is a fault of the command line.
func (o secureOptions) open(a *app) (*security, error) {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	s := &security{options: o}
	if o.apiKeys != "" {
		text, err := readKeys(a, o.apiKeys)
		if err != nil {
			return nil, &usageError{err}
		}
		if s.keys, err = gateway.ParseKeys(o.apiKeys, text); err != nil {
			return nil, &usageError{err}
		}
	}
	if o.tlsCert != "" {
		if err := s.readCertificate(); err != nil {
			return nil, &usageError{err}
		}
	}
	return s, nil
}

// tls is what connections are secured by, or nil.
func (s *security) tls() *tls.Config {
	if s.options.tlsCert == "" {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.cert.Load(), nil },
	}
}

func (s *security) readCertificate() error {
	cert, err := tls.LoadX509KeyPair(s.options.tlsCert, s.options.tlsKey)
	if err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", s.options.tlsCert, s.options.tlsKey, err)
	}
	s.cert.Store(&cert)
	return nil
}

// watch reads the files again on each SIGHUP, until the end of ctx. What is
// faulty is logged, and what was read before stays in use.
func (s *security) watch(ctx context.Context, a *app) (stop func()) {
	if s.keys == nil && s.options.tlsCert == "" {
		return func() {}
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangup:
				s.reread(a)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-done
	}
}

func (s *security) reread(a *app) {
	var failed error
	if s.keys != nil {
		text, err := readKeys(a, s.options.apiKeys)
		if err == nil {
			err = s.keys.Replace(s.options.apiKeys, text)
		}
		failed = err
	}
	if s.options.tlsCert != "" {
		failed = errors.Join(failed, s.readCertificate())
	}
	if failed != nil {
		a.log.Error("what SIGHUP asked to read again is faulty, and what was read before stays in use", "error", failed)
		return
	}
	keys := 0
	if s.keys != nil {
		keys = s.keys.Len()
	}
	a.log.Info("read keys and certificate again", "keys", keys)
}

// readKeys reads a file of API keys. Who may write it may do everything, so
// nobody else may; others' reading is warned of, since it holds hashes alone.
func readKeys(a *app, path string) (string, error) {
	text, info, err := readBounded(path)
	if err != nil {
		return "", fmt.Errorf("--api-keys: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("--api-keys: %s can be written by others; chmod 600 it", path)
	}
	if info.Mode().Perm()&0o044 != 0 {
		a.log.Warn("the API keys' hashes can be read by others; chmod 600 the file", "file", path)
	}
	return string(text), nil
}

// readSecret reads a flag's file that holds one secret, which nobody else may
// read.
func readSecret(flag, path string) (string, error) {
	text, info, err := readBounded(path)
	if err != nil {
		return "", usagef("%s: %w", flag, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", usagef("%s: %s can be read by others; chmod 600 it", flag, path)
	}
	secret := string(bytes.TrimSpace(text))
	if secret == "" || strings.ContainsAny(secret, " \t\r\n") {
		return "", usagef("%s: %s should hold one token, and nothing else", flag, path)
	}
	return secret, nil
}
