package load

import (
	"context"
	"errors"
	"net"
	"testing"
)

func TestResolvePermitsLoopbackAndWhatIsNamed(t *testing.T) {
	for _, test := range []struct {
		url      string
		external []string
		ok       bool
	}{
		{"http://127.0.0.1:8080", nil, true},
		{"http://127.9.9.9:8080", nil, true},
		{"http://[::1]:8080", nil, true},
		{"http://localhost:8080", nil, true},
		{"https://127.0.0.1", nil, true},
		{"http://[::ffff:127.0.0.1]:8080", nil, true},
		{"http://192.0.2.1:8080", nil, false},
		{"http://192.0.2.1:8080", []string{"192.0.2.1"}, true},
		{"http://192.0.2.1:8080", []string{"192.0.2.2"}, false},
		{"http://[2001:db8::1]:8080", []string{"[2001:db8::1]"}, true},
		{"http://0.0.0.0:8080", []string{"0.0.0.0"}, false},
		{"http://169.254.169.254", []string{"169.254.169.254"}, false},
		{"http://[fe80::1]:80", []string{"fe80::1"}, false},
		{"http://[fd00:ec2::254]", []string{"fd00:ec2::254"}, false},
		{"http://[::ffff:169.254.169.254]", []string{"::ffff:169.254.169.254"}, false},
		{"http://224.0.0.1", []string{"224.0.0.1"}, false},
		{"ftp://127.0.0.1", nil, false},
		{"http://user:secret@127.0.0.1", nil, false},
		{"http://127.0.0.1:0", nil, false},
		{"http://127.0.0.1:99999", nil, false},
		{"127.0.0.1:8080", nil, false},
		{"http://", nil, false},
	} {
		_, err := Resolve(context.Background(), test.url, test.external)
		if test.ok && err != nil {
			t.Errorf("%s: %v", test.url, err)
		}
		if !test.ok && !errors.Is(err, ErrForbidden) {
			t.Errorf("%s with %v: got %v, want it forbidden", test.url, test.external, err)
		}
	}
}

func TestEndpointDialsOnlyWhatWasResolved(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	e, err := Resolve(context.Background(), "http://"+listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := e.DialContext(context.Background(), "tcp", "192.0.2.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got := conn.RemoteAddr().String(); got != listener.Addr().String() {
		t.Errorf("connected to %s", got)
	}
}
