package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// ErrForbidden says that an address may not be loaded.
var ErrForbidden = errors.New("not a permitted target")

// dialTimeout bounds a connect: a target that does not accept a connection in
// this time is as good as down.
const dialTimeout = 5 * time.Second

// Endpoint is a server that may be called, with the one way to reach it: its
// address was resolved once, found permitted, and is never looked up again.
type Endpoint struct {
	URL  *url.URL
	Dial func(ctx context.Context, network string) (net.Conn, error)
}

// Resolve looks a URL's host up and checks that it may be called: loopback
// always, any other host only when external names it, and link-local addresses
// (where clouds keep their credentials) never. An error that is [ErrForbidden]
// or about the URL is the caller's mistake; any other means that the host is
// not known.
func Resolve(ctx context.Context, rawURL string, external []string) (*Endpoint, error) {
	u, port, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", u.Hostname(), err)
	}
	var addresses []netip.AddrPort
	for _, address := range found {
		address = address.Unmap()
		if err := permit(u.Hostname(), address, external); err != nil {
			return nil, err
		}
		addresses = append(addresses, netip.AddrPortFrom(address, port))
	}
	return &Endpoint{URL: u, Dial: dialAny(addresses)}, nil
}

func parseURL(rawURL string) (*url.URL, uint16, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: not a URL, want http://host:port", ErrForbidden)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, 0, fmt.Errorf("%w: %q, want http://host:port", ErrForbidden, u.Redacted())
	}
	if u.User != nil {
		return nil, 0, fmt.Errorf("%w: %q, a URL must not hold credentials", ErrForbidden, u.Redacted())
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil || number == 0 {
		return nil, 0, fmt.Errorf("%w: %q, the port is not between 1 and 65535", ErrForbidden, u.Redacted())
	}
	return u, uint16(number), nil
}

// permit checks one address of a host.
func permit(host string, address netip.Addr, external []string) error {
	switch {
	case address.IsLoopback():
		return nil
	case address.IsUnspecified():
		return fmt.Errorf("%w: %s is no address to call, use 127.0.0.1", ErrForbidden, address)
	case address.IsLinkLocalUnicast(), address.IsMulticast(), isMetadata(address):
		return fmt.Errorf("%w: %s is a link-local, multicast or metadata address", ErrForbidden, address)
	}
	for _, allowed := range external {
		if strings.EqualFold(strings.Trim(allowed, "[]"), host) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s (%s) is not on this machine; if it is yours to load, add --allow-external %s", ErrForbidden, host, address, host)
}

// isMetadata knows the metadata services that are not at a link-local address:
// Amazon's over IPv6, Alibaba's, Oracle's older one.
func isMetadata(address netip.Addr) bool {
	switch address.String() {
	case "fd00:ec2::254", "100.100.100.200", "192.0.0.192":
		return true
	}
	return false
}

// dialAny connects to the first of the addresses that accepts.
func dialAny(addresses []netip.AddrPort) func(context.Context, string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network string) (net.Conn, error) {
		var failures []error
		for _, address := range addresses {
			conn, err := dialer.DialContext(ctx, network, address.String())
			if err == nil {
				return conn, nil
			}
			failures = append(failures, err)
		}
		return nil, errors.Join(failures...)
	}
}

// DialContext connects to the server, whatever address it is asked for.
func (e *Endpoint) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	return e.Dial(ctx, network)
}

// Base is the server's address without a path, as clients of its interfaces
// want it.
func (e *Endpoint) Base() string { return e.URL.Scheme + "://" + e.URL.Host }

// Client gives an HTTP client for asking the server now and then.
func (e *Endpoint) Client(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     e.transport(4),
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport is for one run's load: as many connections as may be busy at once,
// all kept, and nothing between us and what is measured.
func (e *Endpoint) transport(connections int) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            e.DialContext,
		DisableCompression:     true,
		MaxConnsPerHost:        connections,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        30 * time.Second, // sooner than servers close theirs, so that neither meets the other's end
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        64 << 10, // a request of a hundred notifications in one write
		ReadBufferSize:         16 << 10,
	}
}
