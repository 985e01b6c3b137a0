package pipelinetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// modelled is what must be known of a notification.
type modelled struct {
	id         pipeline.ID
	user       string
	state      pipeline.State // Queued, Sending, Retrying or an outcome
	erased     bool
	replayOf   pipeline.ID
	replayedBy pipeline.ID
}

// model is what must be known of all, in place of a store.
type model struct {
	*world
	known   map[pipeline.ID]*modelled
	erased  map[string]bool // users that were erased
	handed  []*pipeline.Delivery
	serial  int
	account pipeline.Account
}

const modelUsers = 4

func (m *model) notification(user string) pipeline.Notification {
	m.serial++
	return notification(user, m.serial)
}

func (m *model) accept(r *rapid.T, user string) {
	at := time.Now()
	if !m.erased[user] { // else it would be of before
		at = at.Add(-time.Duration(rapid.IntRange(0, 3).Draw(r, "days")) * day)
	}
	admissions := m.stamped(at, -1, m.notification(user))
	state := pipeline.Queued
	if rapid.IntRange(0, 3).Draw(r, "opted out") == 0 {
		state = pipeline.Suppressed
		m.account.Suppressed++
	}
	admissions[0].Result = pipeline.Result{State: state}
	id := m.admit(nil, admissions)[0]
	m.known[id] = &modelled{id: id, user: user, state: state}
	m.account.Accepted++
}

func (m *model) fetch(r *rapid.T) {
	d, err := m.lease(pipeline.Email).Fetch(m.Context(), pipeline.High, rapid.IntRange(1, 8).Draw(r, "fetch"))
	m.must(err)
	m.take(d)
}

// take notes what was handed out.
func (m *model) take(deliveries []*pipeline.Delivery) {
	for _, d := range deliveries {
		k := m.known[d.ID]
		if k == nil || k.erased || k.state.Terminal() {
			m.Fatalf("%s was handed out, and is %+v", d.Ref, k)
		}
		if k.state == pipeline.Queued {
			k.state = pipeline.Sending
		}
	}
	m.handed = append(m.handed, deliveries...)
}

// checkAccount compares the account.
func (m *model) checkAccount() {
	if got, want := m.accounts(); got != want {
		m.Fatalf("the account is %+v, want %+v", got, want)
	}
}

// accounts are the store's and the model's, but for the erased ones that have
// ended instead of being handed out: which, nobody is told.
func (m *model) accounts() (got, want pipeline.Account) {
	got, err := m.store.Account(m.Context())
	m.must(err)
	want = m.account
	for _, k := range m.known {
		if k.erased && !k.state.Terminal() && want.Suppressed < got.Suppressed {
			want.Suppressed++
		}
	}
	want.InFlight = want.Accepted - want.Ended()
	return got, want
}

// settleIngest waits until all that ended at ingest is settled, and takes what
// is handed out by that.
func (m *model) settleIngest() {
	if m.under.SettlesAtIngest {
		return
	}
	var ended []pipeline.ID
	for id, k := range m.known {
		if k.state == pipeline.Suppressed && !k.erased {
			ended = append(ended, id)
		}
	}
	m.settled(ended...)
	m.eventually("what ended at ingest to be counted", func() bool {
		m.read(quiet / 10)
		got, want := m.accounts()
		return got == want
	})
	m.take(m.world.handed)
	m.world.handed = nil
}

func (m *model) settleSome(r *rapid.T) {
	n := rapid.IntRange(0, len(m.handed)).Draw(r, "settle")
	for _, d := range m.handed[:n] {
		k := m.known[d.ID]
		switch rapid.IntRange(0, 3).Draw(r, "answer") {
		case 0:
			m.settle(retrying(d, time.Now()))
			if !k.erased {
				k.state = pipeline.Retrying
				continue
			}
			k.state = pipeline.Suppressed
			m.account.Suppressed++
		case 1:
			m.settle(dead(d, "template"))
			k.state = pipeline.Dead
			m.account.Dead++
		default:
			m.deliver(d)
			k.state = pipeline.Delivered
			m.account.Delivered++
		}
	}
	m.handed = m.handed[n:]
}

func (m *model) erase(user string) {
	m.must(m.store.Erase(m.Context(), user))
	m.erased[user] = true
	for _, k := range m.known {
		k.erased = k.erased || k.user == user
	}
}

func (m *model) replay() {
	for _, id := range m.ids() {
		k := m.known[id]
		if k.state != pipeline.Dead || k.erased || !k.replayedBy.IsZero() {
			continue
		}
		l := m.letter(id)
		if l.Record == nil || l.Record.UserID != k.user {
			m.Fatalf("the dead letter %s is %+v", id, l)
		}
		k.replayedBy = m.resend(l)
		m.known[k.replayedBy] = &modelled{id: k.replayedBy, user: k.user, state: pipeline.Queued, replayOf: id}
		m.account.Accepted++
		return
	}
}

// ids lists what is known, newest first.
func (m *model) ids() []pipeline.ID { return newestFirst(slices.Collect(maps.Keys(m.known))) }

// restart ends the store and opens it again; what was handed out comes back.
func (m *model) restart(crash bool) {
	if crash {
		m.crash()
	} else {
		m.shut()
		m.open()
	}
	for _, d := range m.handed {
		if k := m.known[d.ID]; k.state == pipeline.Sending {
			k.state = pipeline.Queued
		}
	}
	m.handed = nil
}

// check compares the store with the model.
func (m *model) check(limit int) {
	m.settleIngest()
	m.checkAccount()
	p := pipeline.Page{Limit: limit}
	for n := range modelUsers {
		user := fmt.Sprint("u", n)
		m.checkList(user, m.list(user, p))
	}
	var letters []pipeline.ID
	for _, id := range m.ids() {
		k := m.known[id]
		want := k.state
		if k.erased {
			want = 0
		}
		e := m.entry(id)
		if want == pipeline.Sending && !m.under.ShowsSending {
			want = pipeline.Queued
		}
		if e.State != want || want != 0 && e.ReplayOf != k.replayOf && e.State.Terminal() {
			m.Fatalf("%s is %+v, want %+v", id, e, k)
		}
		if want == pipeline.Dead {
			letters = append(letters, id)
		}
	}
	listed := m.letters(pipeline.DeadFilter{}, p)
	m.wantLetters("dead", listed, letters)
	for _, l := range listed {
		if l.ReplayedBy != m.known[l.ID].replayedBy {
			m.Fatalf("the dead letter %s was replayed by %s, want %s", l.ID, l.ReplayedBy, m.known[l.ID].replayedBy)
		}
	}
}

// checkList compares a user's list: what has a row is there; what waits may be.
func (m *model) checkList(user string, entries []pipeline.Entry) {
	if ids := idsOf(entries); !slices.Equal(ids, newestFirst(ids)) || len(slices.Compact(ids)) != len(entries) {
		m.Fatalf("%s's list is not in order, or repeats: %v", user, idsOf(entries))
	}
	found := map[pipeline.ID]bool{}
	for _, e := range entries {
		k := m.known[e.ID]
		if k == nil || k.user != user || k.erased || e.State != k.state || e.UserID != user {
			m.Fatalf("%s's list has %+v, want %+v", user, e, k)
		}
		found[e.ID] = true
	}
	for id, k := range m.known {
		if hasRow := k.state >= pipeline.Retrying || m.under.ListsQueued; k.user == user && !k.erased && hasRow && !found[id] {
			m.Fatalf("%s's list misses %+v", user, k)
		}
	}
}

// randomUsers drives the store by a random script of all that lists and
// erasures meet, beside a model of what must be known.
func randomUsers(t *testing.T, w *world) {
	m := &model{world: w, known: map[pipeline.ID]*modelled{}, erased: map[string]bool{}}
	rapid.Check(t, func(r *rapid.T) {
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 11), 1, 12).Draw(r, "steps") {
			user := fmt.Sprint("u", rapid.IntRange(0, modelUsers-1).Draw(r, "user"))
			switch step {
			case 0, 1, 2, 3:
				m.accept(r, user)
			case 4, 5:
				m.fetch(r)
			case 6, 7, 8:
				m.settleSome(r)
			case 9:
				m.replay()
			case 10:
				if rapid.IntRange(0, 3).Draw(r, "erase") == 0 {
					m.erase(user)
				}
			case 11:
				m.restart(rapid.Bool().Draw(r, "crash"))
			}
		}
		m.check(rapid.IntRange(1, 9).Draw(r, "limit"))
	})
	m.drain()
}

// drain delivers all that is left, and checks the account.
func (m *model) drain() {
	for {
		for _, d := range m.handed {
			k := m.known[d.ID]
			m.deliver(d)
			k.state = pipeline.Delivered
			m.account.Delivered++
		}
		m.handed = nil
		a, err := m.store.Account(m.Context())
		m.must(err)
		if a.InFlight == 0 {
			break
		}
		m.take(m.world.fetch(100))
	}
	for _, k := range m.known {
		if k.erased && !k.state.Terminal() {
			k.state = pipeline.Suppressed
			m.account.Suppressed++
		}
	}
	m.check(pipeline.MaxPage)
}
