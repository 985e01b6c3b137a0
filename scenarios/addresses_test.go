package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// crowd is a population that notes who came.
type crowd struct {
	mu    sync.Mutex
	rows  map[pipeline.PreferenceKey]pipeline.Preference
	calls int
	fail  error // of the calls after the first
}

func (c *crowd) ImportPreferences(ctx context.Context, preferences []pipeline.Preference) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls++; c.fail != nil && c.calls > 1 {
		return c.fail
	}
	if c.rows == nil {
		c.rows = map[pipeline.PreferenceKey]pipeline.Preference{}
	}
	for _, p := range preferences {
		c.rows[p.PreferenceKey] = p
	}
	return ctx.Err()
}

// populous is a short run with so many users, who have their addresses stored.
func populous(t *testing.T, users int) *Run {
	t.Helper()
	run, err := NewRun(Options{
		Scenario: named(t, "steady"), Profile: Smoke, Scale: Scale{Rate: 0.01, Time: 0.0001}, Plan: planner.Reference(),
		Batch: 10, Users: users, Keys: load.NoKeys, Addresses: load.AddressPreferences, Seed: 7, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestUsersAreWrittenBeforeTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, all := populous(t, 2*importUsers+1), &crowd{}
		b := benchOf(t, &scenariotest.System{})
		b.Users = all
		result, err := run.Do(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if len(all.rows) != 3*(2*importUsers+1) || all.calls != 3 {
			t.Errorf("%d rows came in %d calls", len(all.rows), all.calls)
		}
		if s := run.Snapshot(); s.Written != 2*importUsers+1 || s.ToWrite != s.Written {
			t.Errorf("%d of %d users are shown as written", s.Written, s.ToWrite)
		}
		if result.Generator.Addresses != load.AddressPreferences || result.Ledger.Accepted == 0 {
			t.Errorf("the result is %+v, %+v", result.Generator, result.Ledger)
		}
	})
}

func TestUsersThatCannotBeWrittenEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, cause := range map[string]error{"an error": pipeline.ErrUnavailable, "an interrupt": context.Canceled} {
			run := populous(t, 2*importUsers)
			b := benchOf(t, &scenariotest.System{})
			b.Users = &crowd{fail: cause}
			_, err := run.Do(t.Context(), b)
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), "2000 of 4000 are written") {
				t.Errorf("%s: %v", name, err)
			}
			if run.Snapshot().Report != nil {
				t.Errorf("%s: the load began", name)
			}
		}
	})
}

// The shards of a run write each user once, all together.
func TestShardsDivideTheUsers(t *testing.T) {
	run := populous(t, 1003)
	next := 0
	for i := range 7 {
		run.options.Part.Shard = &Shard{Index: i + 1, Of: 7}
		from, to := run.population()
		if from != next || to < from {
			t.Errorf("shard %d writes %d to %d, and the one before ends at %d", i+1, from, to, next)
		}
		next = to
	}
	if next != 1003 {
		t.Errorf("the last is %d", next)
	}
}

// By the API each user is a call, all channels in it, and a target that cannot
// take them is told by what it said.
func TestUsersAreSetByTheAPI(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(call int) (status int)
		want   string // of the error; empty is none
		takes  time.Duration
	}{
		{"a target that takes them", func(int) int { return http.StatusNoContent }, "", 0},
		{"one that is busy at first", func(call int) int {
			if call == 1 {
				return http.StatusTooManyRequests
			}
			return http.StatusNoContent
		}, "", time.Second},
		{"one that stays busy", func(int) int { return http.StatusServiceUnavailable }, "too busy for 30s", putPatience},
		{"one that forbids it", func(int) int { return http.StatusForbidden }, "give an API key with the scope admin by --api-key-file", 0},
		{"one without preferences", func(int) int { return http.StatusNotFound }, "keeps no preferences", 0},
		{"one that fails", func(int) int { return http.StatusInternalServerError }, "500", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				calls, users := 0, map[string]api.Preferences{}
				mux := http.NewServeMux()
				mux.HandleFunc("PUT /v1/users/{user}/preferences", func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					calls++
					status := tt.answer(calls)
					if status == http.StatusNoContent {
						var body api.Preferences
						if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
							status = http.StatusBadRequest
						}
						users[r.PathValue("user")] = body
					}
					w.WriteHeader(status)
				})
				target, _ := serve(t, mux)
				client, err := api.NewClient("http://fake:80", api.ClientOptions{DialContext: target.DialContext})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				began := time.Now()
				err = PopulationOf(client).ImportPreferences(t.Context(), populous(t, 40).traffic.Preferences(0, 40))
				if took := time.Since(began); took != tt.takes {
					t.Errorf("it took %v, want %v", took, tt.takes)
				}
				if tt.want != "" {
					if err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("got %v, want %s", err, tt.want)
					}
					return
				}
				if err != nil || len(users) != 40 {
					t.Fatalf("%d users are set, %v", len(users), err)
				}
				for user, p := range users {
					want := fmt.Sprintf("%s@example.com", user)
					if p.UserID != user || p.Channels.Email == nil || p.Channels.Email.Addresses[0] != want || p.Channels.SMS == nil || p.Channels.Push == nil {
						t.Errorf("%s is %+v", user, p.Channels)
					}
				}
			})
		})
	}
}
