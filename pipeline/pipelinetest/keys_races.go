package pipelinetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// keysEqualSlices lets many holders ask for the same slices: of each one is
// taken, and the others find it running.
func keysEqualSlices(w *keyWorld) {
	const holders, keys, slices = 8, 60, 5
	for range slices {
		claims := w.claims(keys)
		var fresh, running atomic.Int32
		var wg sync.WaitGroup
		for range holders {
			wg.Go(func() {
				switch _, err := w.keys.Reserve(w.Context(), unique(), later(claims)); {
				case err == nil:
					fresh.Add(1)
				case errors.Is(err, pipeline.ErrRunning):
					running.Add(1)
				default:
					w.Error(err)
				}
			})
		}
		wg.Wait()
		if fresh.Load() != 1 || running.Load() != holders-1 {
			w.Fatalf("of %d holders %d have the keys, and %d find them running", holders, fresh.Load(), running.Load())
		}
	}
}

// keysRaces lets many holders ask for overlapping keys of the same requests.
// Each key is fresh for one that ends it, and answered alike to all others.
func keysRaces(w *keyWorld) {
	const holders, keys = 24, 30
	all := w.claims(keys)
	var mu sync.Mutex
	winners := map[pipeline.KeyHash]string{}
	var wg sync.WaitGroup
	for n := range holders {
		wg.Go(func() {
			h, name := unique(), fmt.Sprint("holder ", n)
			var claims []pipeline.Claim
			for _, i := range rand.Perm(keys)[:keys/2] {
				claims = append(claims, all[i])
			}
			standings, ok := w.contend(h, claims)
			if !ok {
				return
			}
			results := make([][]pipeline.Result, len(claims))
			mu.Lock()
			for i, s := range standings {
				results[i] = []pipeline.Result{{State: pipeline.Dead, Reason: name}}
				if s.Kind == pipeline.Replayed {
					continue
				}
				if winner := winners[claims[i].Key]; winner != "" || s.Kind != pipeline.Fresh {
					w.Errorf("a key that %q won stands as %d for %q", winner, s.Kind, name)
				}
				winners[claims[i].Key] = name
			}
			mu.Unlock()
			if err := w.keys.Done(w.Context(), h, claims, standings, results); err != nil {
				w.Error(err)
			}
		})
	}
	wg.Wait()
	var contested []pipeline.Claim
	for _, claim := range all {
		if winners[claim.Key] != "" {
			contested = append(contested, claim)
		}
	}
	for i, s := range w.reserve(unique(), later(contested), pipeline.Replayed) {
		w.wantResults(s, []pipeline.Result{{State: pipeline.Dead, Reason: winners[contested[i].Key]}})
	}
}

// contend asks until nobody else has the keys, less and less often, as clients
// do.
func (w *keyWorld) contend(h [16]byte, claims []pipeline.Claim) ([]pipeline.Standing, bool) {
	deadline := time.Now().Add(patience)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		standings, err := w.keys.Reserve(w.Context(), h, claims)
		if err == nil {
			return standings, true
		}
		if !errors.Is(err, pipeline.ErrRunning) || time.Now().After(deadline) {
			w.Errorf("among others: %v", err)
			return nil, false
		}
		time.Sleep(rand.N(pause))
	}
}

// keyModel is what is to be true of a key.
type keyModel struct {
	reserved, resumed, resumable, done bool
	holder                             [16]byte
	body                               int
	stamp                              pipeline.Stamp
}

// keysModel drives a few keys by many holders, without the passing of time.
func keysModel(w *keyWorld) {
	const keys, bodies = 4, 2
	rapid.Check(w.T, func(t *rapid.T) {
		m := &keysUnderModel{w: w, holders: [][16]byte{unique()}}
		for range keys {
			m.hashes, m.models = append(m.hashes, unique()), append(m.models, keyModel{})
		}
		for range bodies {
			m.bodies = append(m.bodies, unique())
		}
		t.Repeat(map[string]func(*rapid.T){"reserve": m.reserve, "done": m.done, "release": m.release, "yield": m.yield})
	})
}

// keysUnderModel is a store with what is to be true of its keys.
type keysUnderModel struct {
	w       *keyWorld
	hashes  []pipeline.KeyHash
	holders [][16]byte // a stranger, and who reserved something once
	bodies  []pipeline.BodyHash
	models  []keyModel
	stamps  uint32
}

// reserve asks for some keys with one body, and compares the standings.
func (m *keysUnderModel) reserve(t *rapid.T) {
	holder := unique()
	which := rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.hashes)-1), 1, len(m.hashes), rapid.ID[int]).Draw(t, "keys")
	body := rapid.IntRange(0, len(m.bodies)-1).Draw(t, "body")
	var claims []pipeline.Claim
	want := make([]pipeline.StandingKind, len(which))
	refused := map[int]error{}
	for i, k := range which {
		m.stamps++
		claims = append(claims, pipeline.Claim{Key: m.hashes[k], Body: m.bodies[body], Entries: 1, Stamp: stampNow(m.stamps)})
		kind, err := m.models[k].standing(body)
		want[i] = kind
		if err != nil {
			refused[i] = err
		}
	}
	standings, err := m.w.keys.Reserve(m.w.Context(), holder, claims)
	if len(refused) > 0 { // any of them may be named
		refusal, ok := errors.AsType[*pipeline.ClaimError](err)
		if !ok || !errors.Is(err, refused[refusal.Claim]) || refused[refusal.Claim] == nil {
			t.Fatalf("got %+v, %v; want one refused of %v", standings, err, refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.holders = append(m.holders, holder)
	for i, k := range which {
		model := &m.models[k]
		stamp := model.stamp
		if want[i] == pipeline.Fresh {
			stamp = claims[i].Stamp
		}
		if s := standings[i]; s.Kind != want[i] || !s.Stamp.At.Equal(stamp.At) || s.Stamp.First != stamp.First {
			t.Fatalf("claim %d stands %+v, want %d under %+v", i, s, want[i], stamp)
		}
		if want[i] != pipeline.Replayed {
			*model = keyModel{reserved: true, resumed: want[i] == pipeline.Resumed, holder: holder, body: body, stamp: stamp}
		}
	}
}

func (k *keyModel) standing(body int) (pipeline.StandingKind, error) {
	switch {
	case k.reserved:
		return 0, pipeline.ErrRunning
	case (k.done || k.resumable) && k.body != body:
		return 0, pipeline.ErrConflict
	case k.done:
		return pipeline.Replayed, nil
	case k.resumable:
		return pipeline.Resumed, nil
	}
	return pipeline.Fresh, nil
}

// drawn gives all keys as a holder would name them, and whether each is its own.
func (m *keysUnderModel) drawn(t *rapid.T) (holder [16]byte, claims []pipeline.Claim, standings []pipeline.Standing, own []*keyModel) {
	holder = rapid.SampledFrom(m.holders).Draw(t, "holder")
	for k := range m.models {
		model := &m.models[k]
		if !model.reserved {
			continue
		}
		kind := pipeline.Fresh
		if model.resumed {
			kind = pipeline.Resumed
		}
		claims = append(claims, pipeline.Claim{Key: m.hashes[k], Body: m.bodies[model.body], Entries: 1})
		standings = append(standings, pipeline.Standing{Kind: kind, Stamp: model.stamp})
		if model.holder == holder {
			own = append(own, model)
		}
	}
	return holder, claims, standings, own
}

func (m *keysUnderModel) done(t *rapid.T) {
	h, claims, standings, own := m.drawn(t)
	results := make([][]pipeline.Result, len(claims))
	for i := range results {
		results[i] = queuedResults()
	}
	if err := m.w.keys.Done(m.w.Context(), h, claims, standings, results); err != nil {
		t.Fatal(err)
	}
	for _, model := range own {
		model.reserved, model.done = false, true
	}
}

func (m *keysUnderModel) release(t *rapid.T) {
	h, claims, standings, own := m.drawn(t)
	if err := m.w.keys.Release(m.w.Context(), h, claims, standings); err != nil {
		t.Fatal(err)
	}
	for _, model := range own {
		if model.resumed {
			model.reserved, model.resumable = false, true
		} else {
			*model = keyModel{}
		}
	}
}

func (m *keysUnderModel) yield(t *rapid.T) {
	h, claims, _, own := m.drawn(t)
	if err := m.w.keys.Yield(m.w.Context(), h, claims); err != nil {
		t.Fatal(err)
	}
	for _, model := range own {
		model.reserved, model.resumable = false, true
	}
}
