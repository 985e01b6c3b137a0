package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	shopHash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" // of secret
	deskHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of test
)

func TestKeysAreFoundByTheirSecret(t *testing.T) {
	keys, err := ParseKeys("keys", "# ours\n\n shop:"+shopHash+":send, send_to ,limit=5/s\r\ndesk:"+strings.ToUpper(deskHash)+":admin,read")
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]string{"secret": "shop", "test": "desk", "": "", "Secret": "", "secret ": "", shopHash: ""} {
		key, ok := keys.find(secret)
		if ok != (want != "") || key.name != want {
			t.Errorf("%q found %q", secret, key.name)
		}
	}
	key, _ := keys.find("secret")
	if !key.allows(ScopeSend) || !key.allows(ScopeSend|ScopeSendTo) || key.allows(ScopeRead) || key.allows(ScopeAdmin) || key.limit.rate != 5 {
		t.Errorf("got %+v", key)
	}
}

func TestFaultyKeyFilesNameTheLine(t *testing.T) {
	line := "shop:" + shopHash + ":send\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":         {"", "no keys"},
		"comments alone":  {"# x\n", "no keys"},
		"a word":          {line + "desk", "keys:2: 1 parts"},
		"no scopes":       {"shop:" + shopHash + ":", "keys:1: shop: unknown scope"},
		"a limit alone":   {"shop:" + shopHash + ":limit=5/s", "keys:1: shop has no scope"},
		"a scope twice":   {"shop:" + shopHash + ":send,send", "keys:1: shop: the scope send twice"},
		"an odd scope":    {"shop:" + shopHash + ":sudo", `unknown scope "sudo"`},
		"a limit of none": {"shop:" + shopHash + ":send,limit=0/s", "limit"},
		"a limit of what": {"shop:" + shopHash + ":send,limit=5", "limit"},
		"a huge limit":    {"shop:" + shopHash + ":send,limit=5000000000/s", "limit"},
		"two limits":      {"shop:" + shopHash + ":send,limit=5/s,limit=5/s", "two limits"},
		"a short hash":    {"shop:abc:send", "the key of shop"},
		"no hash":         {"shop:" + strings.Repeat("x", 64) + ":send", "the key of shop"},
		"no name":         {":" + shopHash + ":send", "the name"},
		"an odd name":     {"a b:" + shopHash + ":send", "the name"},
		"a long name":     {strings.Repeat("a", 65) + ":" + shopHash + ":send", "the name"},
		"a name twice":    {line + "shop:" + deskHash + ":send", "keys:2: the name shop stands on line 1"},
		"a key twice":     {"# x\n" + line + "desk:" + shopHash + ":send", "keys:3: the key stands on line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeys("keys", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), shopHash) {
				t.Errorf("it repeats a hash: %v", err)
			}
		})
	}
	var many strings.Builder
	for i := range maxKeys + 1 {
		fmt.Fprintf(&many, "k%d:%064x:send\n", i, i)
	}
	if _, err := ParseKeys("keys", many.String()); err == nil || !strings.Contains(err.Error(), "keys:1001: more than") {
		t.Errorf("too many: %v", err)
	}
}

func TestKeysAreReplacedWhileTheyAreUsed(t *testing.T) {
	keys, err := ParseKeys("keys", "shop:"+shopHash+":send,limit=10/s\ndesk:"+deskHash+":read,limit=10/s")
	if err != nil {
		t.Fatal(err)
	}
	before, _ := keys.find("secret")
	if err := keys.Replace("keys", "nothing"); err == nil {
		t.Fatal("a faulty file was taken")
	}
	if key, _ := keys.find("test"); key.name != "desk" {
		t.Error("a faulty file took a key away")
	}
	if err := keys.Replace("keys", "shop:"+shopHash+":read,limit=10/s\nold:"+deskHash+":send,limit=20/s"); err != nil {
		t.Fatal(err)
	}
	after, _ := keys.find("secret")
	if after.allows(ScopeSend) || !after.allows(ScopeRead) || after.limit != before.limit {
		t.Errorf("got %+v; what is used of its limit is to stay", after)
	}
	if key, _ := keys.find("test"); key.name != "old" || keys.Len() != 2 {
		t.Errorf("got %+v", key)
	}
}

func TestAClientsLimit(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	l := newClientLimit(100, start)
	if _, ok := l.take(start, 1000); !ok {
		t.Fatal("a full request does not pass")
	}
	wait, ok := l.take(start, 50)
	if ok || wait != 500*time.Millisecond {
		t.Errorf("an empty one let 50 pass, or says to wait %v", wait)
	}
	if _, ok := l.take(start.Add(wait), 50); !ok {
		t.Error("it does not keep to what it said")
	}
	if _, ok := l.take(start.Add(time.Hour), 1001); ok {
		t.Error("an hour was saved up")
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add("shop:" + shopHash + ":send,send_to,read,admin,limit=1000/s\n# x\ndesk:" + deskHash + ":read")
	f.Add("shop:" + shopHash + ":limit=/s")
	f.Add(":::\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys("keys", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "keys:") {
				t.Fatalf("no place: %v", err)
			}
			return
		}
		for _, k := range *keys.current.Load() {
			if !validKeyName(k.name) || k.scopes == 0 || k.limit != nil && k.limit.rate < 1 {
				t.Fatalf("took %+v", k)
			}
		}
	})
}

func BenchmarkFindAmongAThousandKeys(b *testing.B) {
	var text strings.Builder
	for i := range maxKeys {
		fmt.Fprintf(&text, "k%d:%064x:send\n", i, i)
	}
	keys, err := ParseKeys("keys", text.String())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		keys.find("secret")
	}
}
