package redis

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func noon() time.Time { return time.Date(2031, 5, 17, 12, 0, 0, 0, time.UTC) }

func take(t *testing.T, l *Limits, at time.Time, limit int64, users ...string) (granted []bool) {
	t.Helper()
	keys := make([]pipeline.PreferenceKey, len(users))
	for i, user := range users {
		keys[i] = preferenceKey(user)
	}
	granted = make([]bool, len(users))
	must(t, l.TakeDaily(t.Context(), at, keys, pipeline.DailyLimits{Email: limit}, granted))
	return granted
}

// A clock that is set back over midnight, or is behind another process's, gives
// nobody a second day.
func TestClockSetBackGivesNoSecondDay(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		c := open(t, Config{})
		clearCounters(t, c)
		l := c.Limits()
		midnight := dayStart(noon()).Add(dayLength)
		if g := take(t, l, midnight, 2, "ada", "bob"); !g[0] || !g[1] {
			t.Fatalf("granted %v", g)
		}
		if g := take(t, l, midnight.Add(-time.Second), 2, "ada", "ada", "cyd", "cyd"); !g[0] || g[1] || !g[2] || !g[3] {
			t.Errorf("before the midnight after which one was taken, granted %v", g)
		}
		if g := take(t, l, midnight, 2, "ada", "bob", "cyd"); g[0] || !g[1] || !g[2] {
			t.Errorf("after it again, granted %v", g)
		}
	})
}

func TestCountersExpireAtTheEndOfTheNextDay(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		c := open(t, Config{})
		clearCounters(t, c)
		take(t, c.Limits(), noon(), 3, "ada", "ada")
		take(t, c.Limits(), noon().Add(time.Hour), 3, "ada")
		name := "rate:user:{ada}:email:2031-05-17"
		ttl, err := c.rdb.TTL(t.Context(), name).Result()
		must(t, err)
		if ttl < 36*time.Hour-time.Minute || ttl > 36*time.Hour+time.Second {
			t.Errorf("at noon it expires after %v", ttl)
		}
		if n, err := c.rdb.Get(t.Context(), name).Int(); err != nil || n != 3 {
			t.Errorf("it counts %d, %v", n, err)
		}
	})
}

// A user's id may hold what has a meaning in the names of entries.
func TestUsersAreToldApart(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		c := open(t, Config{})
		clearCounters(t, c)
		users := []string{"a", "a}", "{a}", "}a", "{", "}", "%7D", "a}:email:2031-05-17", "a b", "ä", "*"}
		for i, granted := range take(t, c.Limits(), noon(), 1, users...) {
			if !granted {
				t.Errorf("%q was counted for another", users[i])
			}
		}
		for i, granted := range take(t, c.Limits(), noon(), 1, users...) {
			if granted {
				t.Errorf("%q was not counted", users[i])
			}
		}
	})
}
