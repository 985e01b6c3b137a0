package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Scope is what an API key may do. Scopes are independent: none holds another.
type Scope uint8

// The scopes, as bits of a set.
const (
	ScopeSend   Scope = 1 << iota // submit notifications
	ScopeSendTo                   // submit some with an address of their own
	ScopeRead                     // read history, outcomes, status and metrics
	ScopeAdmin                    // preferences, templates, replays, erasure, resharding, profiles

	scopeAny Scope = 0 // whoever has a key
)

// scopeNames are the scopes as key files write them.
func scopeNames() map[string]Scope {
	return map[string]Scope{"send": ScopeSend, "send_to": ScopeSendTo, "read": ScopeRead, "admin": ScopeAdmin}
}

// String names a single scope.
func (s Scope) String() string {
	for name, scope := range scopeNames() {
		if scope == s {
			return name
		}
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}

// Limits of a file of keys.
const (
	// maxKeys keeps the look at every key, which is what hides the one that
	// matched, within microseconds.
	maxKeys    = 1000
	maxKeyName = 64
)

// apiKey is what is known of a client.
type apiKey struct {
	name   string
	hash   [sha256.Size]byte
	scopes Scope
	limit  *clientLimit // nil: none
}

// allows says whether the key has a scope.
func (k *apiKey) allows(s Scope) bool { return k.scopes&s == s }

// Keys are the API keys that requests may come under. They can be replaced
// while requests are answered.
type Keys struct {
	current atomic.Pointer[[]apiKey]
}

// ParseKeys reads a file of keys, one a line:
//
//	name:sha256:scope,...
//
// where sha256 is the hash of the key in 64 hexadecimal digits and the scopes
// are of send, send_to, read and admin. Among the scopes limit=1000/s bounds
// what comes under the key: notifications, and each other call as one. Lines
// that are empty or begin with # say nothing. Errors name the file and the line.
func ParseKeys(file, text string) (*Keys, error) {
	keys, err := parseKeys(file, text)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	k.current.Store(&keys)
	return k, nil
}

// Replace takes over what a newer file says. A client whose limit is as before
// keeps what it has used of it. After an error the keys are as they were.
func (k *Keys) Replace(file, text string) error {
	keys, err := parseKeys(file, text)
	if err != nil {
		return err
	}
	old := *k.current.Load()
	for i := range keys {
		for j := range old {
			if a, b := &keys[i], &old[j]; a.name == b.name && a.limit != nil && b.limit != nil && a.limit.rate == b.limit.rate {
				a.limit = b.limit
			}
		}
	}
	k.current.Store(&keys)
	return nil
}

// Len is how many keys there are.
func (k *Keys) Len() int { return len(*k.current.Load()) }

// find gives the key that a client shows. It looks at all of them, each in
// constant time, so that nothing is learned from how long it takes.
func (k *Keys) find(secret string) (apiKey, bool) {
	hash := sha256.Sum256([]byte(secret))
	keys := *k.current.Load()
	at := -1
	for i := range keys {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], keys[i].hash[:]), i, at)
	}
	if at < 0 {
		return apiKey{}, false
	}
	return keys[at], true
}

func parseKeys(file, text string) ([]apiKey, error) {
	var keys []apiKey
	names, hashes := map[string]int{}, map[[sha256.Size]byte]int{} // -> line
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := parseKey(line)
		if err == nil && names[key.name] > 0 {
			err = fmt.Errorf("the name %s stands on line %d already", key.name, names[key.name])
		}
		if err == nil && hashes[key.hash] > 0 {
			err = fmt.Errorf("the key stands on line %d already", hashes[key.hash])
		}
		if err == nil && len(keys) == maxKeys {
			err = fmt.Errorf("more than %d keys", maxKeys)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		names[key.name], hashes[key.hash] = number, number
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no keys; a line is name:sha256:scope,... with one scope or more", file)
	}
	return keys, nil
}

// parseKey reads one line. What it says of a fault does not repeat what may be
// a secret in the wrong place.
func parseKey(line string) (apiKey, error) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 {
		return apiKey{}, fmt.Errorf("%d parts between colons; a line is name:sha256:scope,... and has 3", len(parts))
	}
	key := apiKey{name: parts[0]}
	if !validKeyName(key.name) {
		return apiKey{}, fmt.Errorf("the name: want 1 to %d letters, digits, dots, hyphens and underscores", maxKeyName)
	}
	hash, err := hex.DecodeString(parts[1])
	if err != nil || len(hash) != sha256.Size {
		return apiKey{}, fmt.Errorf("the key of %s: want its SHA-256 as %d hexadecimal digits, as sha256sum prints it", key.name, 2*sha256.Size)
	}
	key.hash = [sha256.Size]byte(hash)
	for item := range strings.SplitSeq(parts[2], ",") {
		if err := key.grant(strings.TrimSpace(item)); err != nil {
			return apiKey{}, fmt.Errorf("%s: %w", key.name, err)
		}
	}
	if key.scopes == 0 {
		return apiKey{}, fmt.Errorf("%s has no scope: want some of send, send_to, read and admin", key.name)
	}
	return key, nil
}

// grant adds a scope, or the limit.
func (k *apiKey) grant(item string) error {
	if text, ok := strings.CutPrefix(item, "limit="); ok {
		if k.limit != nil {
			return errors.New("two limits")
		}
		digits, perSecond := strings.CutSuffix(text, "/s")
		rate, err := strconv.ParseUint(digits, 10, 32)
		if !perSecond || err != nil || rate == 0 {
			return fmt.Errorf("limit %.20q: want a whole number a second, as in limit=1000/s", text)
		}
		k.limit = newClientLimit(float64(rate), time.Now())
		return nil
	}
	scope, ok := scopeNames()[item]
	if !ok {
		return fmt.Errorf("unknown scope %.20q: want send, send_to, read, admin or limit=1000/s", item)
	}
	if k.scopes&scope != 0 {
		return fmt.Errorf("the scope %s twice", item)
	}
	k.scopes |= scope
	return nil
}

func validKeyName(name string) bool {
	return name != "" && len(name) <= maxKeyName && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
