package redis

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// onReal runs a benchmark on the real Redis and the real cluster.
func onReal(b *testing.B, bench func(b *testing.B, c *Client)) {
	for _, engine := range []string{"redis", "redis-cluster"} {
		b.Run(engine, func(b *testing.B) {
			c := open(b, Config{DSN: parse(b, pipelinetest.Engine(b, engine)), KeyTTL: time.Minute})
			b.ReportAllocs()
			bench(b, c)
		})
	}
}

// BenchmarkReserveDone takes and ends the keys of one request of 100
// notifications: one key for all of them, and one each.
func BenchmarkReserveDone(b *testing.B) {
	for _, keys := range []int{1, 100} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			onReal(b, func(b *testing.B, c *Client) {
				claims, results := make([]pipeline.Claim, keys), make([][]pipeline.Result, keys)
				for i := range results {
					results[i] = make([]pipeline.Result, 100/keys)
					for n := range results[i] {
						results[i][n].State = pipeline.Queued
					}
				}
				salt := uint64(time.Now().UnixNano())
				for n := uint64(0); b.Loop(); n++ {
					for i := range claims {
						claims[i].Key, claims[i].Entries = pipeline.KeyHash{byte(i)}, len(results[i])
						binary.BigEndian.PutUint64(claims[i].Key[1:], salt+n)
					}
					standings, err := c.Keys().Reserve(b.Context(), [16]byte{1}, claims)
					if err == nil {
						err = c.Keys().Done(b.Context(), [16]byte{1}, claims, standings, results)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func hundredUsers() []pipeline.PreferenceKey {
	keys := make([]pipeline.PreferenceKey, 100)
	for i := range keys {
		keys[i] = preferenceKey(fmt.Sprint("benchmark user ", i))
	}
	return keys
}

func BenchmarkPreferencesGet100(b *testing.B) {
	onReal(b, func(b *testing.B, c *Client) {
		cache, keys := c.Preferences(time.Minute), hundredUsers()
		all := make([]*pipeline.Preference, len(keys))
		for i, key := range keys {
			all[i] = &pipeline.Preference{PreferenceKey: key, Transactional: true, Addresses: []string{"someone@example.com"}, Version: time.Now().UnixMicro()}
		}
		if err := cache.Set(b.Context(), all); err != nil {
			b.Fatal(err)
		}
		found := make([]pipeline.Preference, len(keys))
		for b.Loop() {
			if missing, err := cache.Get(b.Context(), keys, found); err != nil || len(missing) > 0 {
				b.Fatalf("%d are not cached, %v", len(missing), err)
			}
		}
	})
}

func BenchmarkTakeDaily100(b *testing.B) {
	onReal(b, func(b *testing.B, c *Client) {
		keys, granted := hundredUsers(), make([]bool, 100)
		l := c.Limits()
		for b.Loop() {
			if err := l.TakeDaily(b.Context(), noon(), keys, pipeline.DailyLimits{Email: 1 << 40}, granted); err != nil {
				b.Fatal(err)
			}
		}
	})
}
