package pipelinetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// RateLimits runs the conformance suite of [pipeline.Limits]. open gives one that
// counted nothing yet.
func RateLimits(t *testing.T, open func(t *testing.T) pipeline.Limits) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, l pipeline.Limits){
		"grants up to the limit of a user, a channel and a day": limitsGrant,
		"begins anew at midnight UTC":                           limitsRollOver,
		"gives tokens back":                                     limitsReturn,
		"grants exactly the limit to many at once":              limitsConcurrent,
		"follows a model":                                       limitsModel,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func limitsNoon() time.Time { return time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC) }

// take takes tokens and says which were granted, as in "yyn".
func take(t fataler, l pipeline.Limits, at time.Time, limits pipeline.DailyLimits, keys ...pipeline.PreferenceKey) string {
	t.Helper()
	granted := make([]bool, len(keys))
	if err := l.TakeDaily(context.Background(), at, keys, limits, granted); err != nil {
		t.Fatalf("take: %v", err)
	}
	out := ""
	for _, g := range granted {
		out += map[bool]string{true: "y", false: "n"}[g]
	}
	return out
}

func wantGranted(t fataler, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("granted %s, want %s", got, want)
	}
}

func limitsGrant(t *testing.T, l pipeline.Limits) {
	limits := pipeline.DailyLimits{Push: 3, Email: 1, SMS: 2}
	ada, bob := preferenceKey("ada", pipeline.Push), preferenceKey("bob", pipeline.Push)
	mail, text := preferenceKey("ada", pipeline.Email), preferenceKey("ada", pipeline.SMS)
	wantGranted(t, take(t, l, limitsNoon(), limits, ada, mail, ada, bob, mail, text), "yyyyny")
	wantGranted(t, take(t, l, limitsNoon().Add(time.Minute), limits, ada, ada, bob, text, text), "ynyyn")
	limits.Push = 4 // what was refused took nothing
	wantGranted(t, take(t, l, limitsNoon(), limits, ada, ada), "yn")
	wantGranted(t, take(t, l, limitsNoon(), limits), "")
}

func limitsRollOver(t *testing.T, l pipeline.Limits) {
	limits := pipeline.DailyLimits{Push: 1}
	ada := preferenceKey("ada", pipeline.Push)
	midnight := limitsNoon().Add(12 * time.Hour)
	elsewhere := time.FixedZone("UTC+9", 9*60*60) // the day is UTC's, whatever the zone of the time
	wantGranted(t, take(t, l, midnight.Add(-time.Second).In(elsewhere), limits, ada, ada), "yn")
	wantGranted(t, take(t, l, midnight.In(elsewhere), limits, ada, ada), "yn")
	wantGranted(t, take(t, l, midnight.Add(24*time.Hour-time.Nanosecond), limits, ada), "n")
	wantGranted(t, take(t, l, midnight.Add(24*time.Hour), limits, ada), "y")
}

func limitsReturn(t *testing.T, l pipeline.Limits) {
	limits := pipeline.DailyLimits{Push: 2}
	ada := preferenceKey("ada", pipeline.Push)
	giveBack := func(at time.Time, keys ...pipeline.PreferenceKey) {
		t.Helper()
		if err := l.ReturnDaily(t.Context(), at, keys); err != nil {
			t.Fatalf("return: %v", err)
		}
	}
	wantGranted(t, take(t, l, limitsNoon(), limits, ada, ada, ada), "yyn")
	giveBack(limitsNoon(), ada, preferenceKey("nobody", pipeline.Push))
	wantGranted(t, take(t, l, limitsNoon(), limits, ada, ada), "yn")
	giveBack(limitsNoon(), ada, ada, ada) // never more than were taken
	wantGranted(t, take(t, l, limitsNoon(), limits, ada, ada, ada), "yyn")
	tomorrow := limitsNoon().Add(24 * time.Hour)
	wantGranted(t, take(t, l, tomorrow, limits, ada, ada), "yy")
	giveBack(limitsNoon(), ada)
	wantGranted(t, take(t, l, tomorrow, limits, ada), "n")
}

func limitsConcurrent(t *testing.T, l pipeline.Limits) {
	const users, takers, each, limit = 5, 8, 40, 100
	var mu sync.Mutex
	granted := map[int]int{}
	var wg sync.WaitGroup
	for range takers {
		wg.Go(func() {
			for range each {
				keys := make([]pipeline.PreferenceKey, users)
				for u := range keys {
					keys[u] = preferenceKey(fmt.Sprint("user", u), pipeline.Email)
				}
				got := make([]bool, users)
				if err := l.TakeDaily(context.Background(), limitsNoon(), keys, pipeline.DailyLimits{Email: limit}, got); err != nil {
					t.Errorf("take: %v", err)
					return
				}
				mu.Lock()
				for u, g := range got {
					if g {
						granted[u]++
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for u := range users {
		if granted[u] != limit {
			t.Errorf("user %d was granted %d of %d, want %d", u, granted[u], takers*each, limit)
		}
	}
}

func limitsModel(t *testing.T, l pipeline.Limits) {
	type counter struct {
		day int
		key pipeline.PreferenceKey
	}
	model := map[counter]int64{}
	day := 0
	rapid.Check(t, func(t *rapid.T) {
		day += rapid.IntRange(0, 1).Draw(t, "days")
		at := limitsNoon().Add(time.Duration(day) * 24 * time.Hour)
		limits := pipeline.DailyLimits{Push: rapid.Int64Range(1, 4).Draw(t, "push"), SMS: rapid.Int64Range(1, 4).Draw(t, "sms")}
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pipeline.PreferenceKey {
			return preferenceKey(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "user"), rapid.SampledFrom([]pipeline.Channel{pipeline.Push, pipeline.SMS}).Draw(t, "channel"))
		}), 0, 10).Draw(t, "keys")
		want := ""
		for _, k := range keys {
			c := counter{day, k}
			if model[c] < limits.Of(k.Channel) {
				model[c]++
				want += "y"
			} else {
				want += "n"
			}
		}
		wantGranted(t, take(t, l, at, limits, keys...), want)
	})
}
