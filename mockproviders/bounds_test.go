package mockproviders

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts a connection whenever it is asked.
type pipeListener struct{}

func (pipeListener) Accept() (net.Conn, error) { conn, _ := net.Pipe(); return conn, nil }
func (pipeListener) Close() error              { return nil }
func (pipeListener) Addr() net.Addr            { return nil }

// TestLimitListener: a connection beyond the limit waits for another to close,
// and the end of the listening ends the wait.
func TestLimitListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimitListener(pipeListener{}, 1)
		conns, ended := make(chan net.Conn, 3), make(chan error, 1)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				conns <- conn
			}
		}()
		synctest.Wait()
		if len(conns) != 1 {
			t.Fatalf("%d connections are open, want 1", len(conns))
		}
		first := <-conns
		for range 2 { // closing twice makes room once
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if len(conns) != 1 {
			t.Fatalf("%d connections are open, want 1", len(conns))
		}
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the wait ended with %v", err)
		}
	})
}

// entries makes a call that carries these ids.
func entries(ids ...string) *call {
	c := &call{at: time.Unix(1, 0)}
	for _, id := range ids {
		kept := c.keep([]byte(id))
		c.add().id = kept
	}
	return c
}

// TestLedgerKeepsToItsBounds: what has no room is counted, and the ledger says
// that it may have missed a duplicate.
func TestLedgerKeepsToItsBounds(t *testing.T) {
	for name, fill := range map[string]func(*Ledger){
		"text":    func(l *Ledger) { l.text = maxLedgerText - 1 },
		"repeats": func(l *Ledger) { l.repeats = maxRepeats; l.record(fcm, entries("ab")) },
	} {
		l := NewLedger()
		fill(l)
		l.record(fcm, entries("ab"))
		totals := l.Totals()
		if totals.Total.Sends == 0 || totals.Complete {
			t.Errorf("%s: totals are %+v", name, totals)
		}
		if known := l.Lookup("ab"); known.Complete || len(known.Sends) > 1 {
			t.Errorf("%s: the look-up gives %+v", name, known)
		}
	}
	l := NewLedger()
	l.listed = maxRepeats
	for range 2 {
		c := entries("id")
		c.entries[0].ref = c.keep([]byte("run-1"))
		l.record(fcm, c)
	}
	if run := l.Run("run"); run.Complete || len(run.Repeats) != 0 || run.Total.Duplicates != 1 {
		t.Errorf("the run is %+v", run)
	}
}

// TestLargeRequestsKeepLittle: entries beyond a provider's limit are not kept,
// however many a request holds.
func TestLargeRequestsKeepLittle(t *testing.T) {
	const n = 200_000
	for _, test := range []struct {
		wire wire
		body string
		want string // of the refusal
		kept int
	}{
		{sendGridWire{}, `{"personalizations":[` + strings.Repeat("{},", n) + `{}],"from":{"email":"a@b.c"}}`, fmt.Sprintf("You have provided %d personalizations.", n+1), 1000},
		{sendGridWire{}, `{"personalizations":[{"to":[` + strings.Repeat(`{"email":"a@b.c"},`, n) + `{}]}]}`, "limit of 1000 total recipients", 1},
		{twilioBatchWire{}, `{"Messages":[` + strings.Repeat("{},", n) + `{}]}`, "more than 100", 101},
		{sesBulkWire{}, `{"BulkEmailEntries":[` + strings.Repeat("{},", n) + `{}]}`, "more than 50", 51},
		{sesWire{}, `{"FromEmailAddress":"u@b.c","Content":{"Simple":{}},"Destination":{"ToAddresses":[` + strings.Repeat(`"a@b.c",`, n) + `""]}}`, "exceeds 50", 1},
		{fcmBatchWire{}, strings.Repeat("--b\n", n) + "--b--", "more than 500", 500},
	} {
		c := &call{body: []byte(test.body)}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", "multipart/mixed; boundary=b")
		no := test.wire.decode(c, r)
		if no == nil && test.wire.wholesale() {
			no = c.firstRefusal()
		}
		if no == nil || !strings.Contains(no.message, test.want) {
			t.Errorf("%T: refused by %+v, want %q", test.wire, no, test.want)
		}
		if len(c.entries) != test.kept {
			t.Errorf("%T: %d entries are kept, want %d", test.wire, len(c.entries), test.kept)
		}
	}
}
