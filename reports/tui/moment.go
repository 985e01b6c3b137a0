package tui

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios"
)

// A Moment is all that the screen shows at one.
type Moment struct {
	At     time.Time           // when it was taken
	Server Server              // what the server says of itself
	Run    *scenarios.Snapshot // of a load test; nil where there is none
	Logged []Logged            // what this process logged, oldest first
}

// Server is what a server says of itself.
type Server struct {
	URL    string      // where it is
	Status *api.Status // its last word, not to be changed; nil before the first
	Seen   time.Time   // when that came
	// Silent says why there is no newer word. It is empty as long as they come.
	Silent string
}

// OfRun is the moment of a load test, which watches its server itself.
func OfRun(at time.Time, run scenarios.Snapshot, logged []Logged) Moment {
	m := Moment{At: at, Run: &run, Logged: logged}
	if s := run.System; s != nil {
		m.Server.Status, m.Server.Seen = s.Status, s.Seen
		if s.Stale {
			m.Server.Silent = "it does not answer"
		}
	}
	return m
}

// over says whether there is nothing left to be shown.
func (m *Moment) over() bool { return m.Run != nil && m.Run.Phase == scenarios.Over }

// stale says whether what the server said last is no longer how it is.
func (m *Moment) stale() bool { return m.Server.Status != nil && m.Server.Silent != "" }

// age is how old the server's last word is.
func (m *Moment) age() time.Duration {
	return max(m.At.Sub(m.Server.Seen), 0)
}

// status is the server's last word, or that of one that says nothing: views
// need not tell them apart.
func (m *Moment) status() *api.Status {
	if m.Server.Status == nil {
		return &api.Status{}
	}
	return m.Server.Status
}

// depth is what all queues of a status hold, and oldest the age of the oldest
// notification that waits.
func depth(s *api.Status) (sum int64, oldest time.Duration) {
	for _, q := range s.Queues {
		sum += q.Depth()
		oldest = max(oldest, time.Duration(q.OldestAgeMS)*time.Millisecond)
	}
	return sum, oldest
}

// account is the account of what is shown: a load test's is of its own
// notifications alone.
func (m *Moment) account() api.Account {
	if m.Run != nil && m.Run.System != nil {
		return m.Run.System.Account
	}
	return m.status().Account
}
