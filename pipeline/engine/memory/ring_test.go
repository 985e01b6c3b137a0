package memory

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func (r *ring) put(key string, value []byte) { r.update(key, func([]byte) []byte { return value }) }

// values looks keys up together; nil is none.
func (r *ring) values(keys ...string) [][]byte {
	out := make([][]byte, len(keys))
	r.get(len(keys), func(i int) string { return keys[i] }, func(i int, value []byte) { out[i] = append([]byte{}, value...) })
	return out
}

// What a ring has is what a map has, and what it counts; what was put lately it
// has.
func TestRingFollowsAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRing(0)
		model := map[string][]byte{}
		type put struct {
			key  string
			size int
		}
		var puts []put
		size := rapid.SampledFrom([]int{0, 1, 7, 100, 5_000, 100_000, 400_000, ringChunk - 32, ringChunk})
		key := rapid.Map(rapid.IntRange(0, 40), func(n int) string { return strings.Repeat("k", n%3) + fmt.Sprint(n) })
		for step := range rapid.IntRange(1, 80).Draw(rt, "steps") {
			k := key.Draw(rt, "key")
			value := bytes.Repeat([]byte{byte(step)}, size.Draw(rt, "size"))
			r.update(k, func(old []byte) []byte {
				if old != nil && !bytes.Equal(old, model[k]) {
					rt.Fatalf("%q changes from %d bytes, not %d", k, len(old), len(model[k]))
				}
				return value
			})
			if model[k] = value; ringHeader+len(k)+len(value) > ringChunk {
				delete(model, k)
			}
			puts = append(puts, put{k, len(value) + 64})
			lately := 0
			for i := len(puts) - 1; i >= 0; i-- {
				if lately += puts[i].size; lately > ringChunk/2 {
					break
				}
				k := puts[i].key
				want, kept := model[k]
				if got := r.values(k)[0]; (got != nil) != kept || !bytes.Equal(got, want) {
					rt.Fatalf("step %d: %q has %d bytes, want %d", step, k, len(got), len(want))
				}
			}
		}
		var keys []string
		for k := range model {
			keys = append(keys, k)
		}
		held := 0
		for i, got := range r.values(keys...) {
			if got == nil {
				continue
			}
			if held++; !bytes.Equal(got, model[keys[i]]) {
				rt.Fatalf("%q has %d bytes, want %d", keys[i], len(got), len(model[keys[i]]))
			}
		}
		if held != r.len() {
			rt.Errorf("%d are held, %d counted", held, r.len())
		}
	})
}

// A ring of many small entries overflows its sets: those lose their oldest, and
// what is counted is what is there.
func TestRingOfManySmallEntries(t *testing.T) {
	r := newRing(0)
	const keys = 100_000
	name := func(i int) string { return fmt.Sprint("u", i) }
	for i := range keys {
		r.put(name(i), []byte{byte(i)})
	}
	held, lately := 0, 0
	for i := range keys {
		if got := r.values(name(i))[0]; got != nil {
			if held++; got[0] != byte(i) {
				t.Fatalf("%d has %d", i, got[0])
			}
			if i >= keys-10_000 {
				lately++
			}
		}
	}
	if held != r.len() || held < 20_000 || lately < 9_990 {
		t.Errorf("%d are held, %d of them of the last 10,000, and %d counted", held, lately, r.len())
	}
}

// Many read and change a ring at once, and find whole values.
func TestRingIsSafeForConcurrentUse(t *testing.T) {
	r := newRing(0)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2_000 {
				k := fmt.Sprint(i % 50)
				r.put(k, bytes.Repeat([]byte(k), 1+(i+w)%2_000))
				for _, value := range r.values(k, fmt.Sprint((i+7)%50)) {
					if value != nil && len(bytes.Trim(value, string(value[:min(2, len(value))]))) > 0 {
						t.Errorf("found %q", value)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
