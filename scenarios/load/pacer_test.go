package load

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

const testLag = 200 * time.Millisecond

func never() time.Duration { return -1 }

// drive plays the attacker: it asks the pacer for each hit, and is held up
// before some of them for as long as stall says.
func drive(p *pacer, stall func(hit uint64) time.Duration, hit func(turn)) {
	began := time.Now()
	for hits := uint64(0); ; hits++ {
		if _, stop := p.Pace(time.Since(began), hits); stop {
			return
		}
		time.Sleep(stall(hits))
		hit(p.take())
	}
}

func TestPacerKeepsItsIdentity(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.Float64Range(1, 400)
		schedule, err := NewSchedule([]Stage{
			{From: rate.Draw(rt, "rate"), To: rate.Draw(rt, "rate"), For: time.Second},
			{From: rate.Draw(rt, "rate"), To: rate.Draw(rt, "rate"), For: time.Second},
		})
		if err != nil {
			rt.Fatal(err)
		}
		stalls := rapid.MapOf(rapid.Uint64Range(0, 500), rapid.IntRange(1, 900)).Draw(rt, "stalls")
		stopAfter := time.Duration(rapid.IntRange(1, 4000).Draw(rt, "stop after ms")) * time.Millisecond
		var fault string // rapid must not be told from within the bubble
		synctest.Test(t, func(*testing.T) {
			fault = identity(schedule, stopAfter, func(hit uint64) time.Duration {
				return time.Duration(stalls[hit]) * time.Millisecond
			})
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// identity runs a schedule with stalls and says what did not hold.
func identity(schedule *Schedule, stopAfter time.Duration, stall func(uint64) time.Duration) (fault string) {
	done := make(chan struct{})
	p := newPacer(schedule, testLag, done, never)
	timer := time.AfterFunc(stopAfter, func() { p.halt(); close(done) })
	defer timer.Stop()
	sent, last := uint64(0), time.Duration(-1)
	drive(p, stall, func(now turn) {
		switch late := p.elapsed() - now.due; {
		case now.seq != sent || now.due <= last:
			fault = fmt.Sprintf("request %d is due at %v, after request %d at %v", now.seq, now.due, sent, last)
		case now.due != schedule.wholeAt(now.number):
			fault = fmt.Sprintf("request %d is number %d, and due at %v", now.seq, now.number, now.due)
		case late < 0:
			fault = fmt.Sprintf("request %d was sent %v early", now.seq, -late)
		}
		sent, last = sent+1, now.due
	})
	dropped, _, byStage := p.drops()
	offered := schedule.SlotsBy(p.until())
	switch {
	case byStage[0]+byStage[1] != dropped:
		return fmt.Sprintf("%v dropped by stage, %d in all", byStage, dropped)
	case sent+dropped > offered:
		return fmt.Sprintf("offered %d, but sent %d and dropped %d", offered, sent, dropped)
	case p.halted < 0 && sent+dropped != schedule.Slots():
		return fmt.Sprintf("at the end of %d slots: sent %d, dropped %d", schedule.Slots(), sent, dropped)
	}
	return fault
}

func TestPacerShedsWhatIsTooLate(t *testing.T) {
	schedule, err := NewSchedule([]Stage{{From: 100, To: 100, For: time.Second}, {From: 10, To: 10, For: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(schedule, testLag, nil, never)
		var dues []time.Duration
		drive(p, func(hit uint64) time.Duration {
			if hit == 10 { // due at 100 ms, sent at 1.1 s
				return time.Second
			}
			return 0
		}, func(now turn) { dues = append(dues, now.due) })

		// At 1.1 s all that was due before 0.9 s is shed: slots 11 to 89.
		dropped, held, byStage := p.drops()
		if dropped != 79 || byStage[0] != 79 || byStage[1] != 0 || held != 0 {
			t.Errorf("dropped %d (%d held, %v by stage), want 79 in the first stage", dropped, held, byStage)
		}
		if len(dues) != 110-79 {
			t.Errorf("sent %d", len(dues))
		}
		if dues[10] != 100*time.Millisecond || dues[11] != 900*time.Millisecond {
			t.Errorf("around the stall the requests were due at %v and %v", dues[10], dues[11])
		}
		if len(p.segments) != 1 {
			t.Errorf("%d segments are kept after the end", len(p.segments))
		}
	})
}

func TestPacerStopsWhileItWaits(t *testing.T) {
	schedule, err := NewSchedule([]Stage{{From: 0.01, To: 0.01, For: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		p := newPacer(schedule, testLag, done, never)
		time.AfterFunc(5*time.Second, func() { p.halt(); close(done) })
		sent := 0
		drive(p, func(uint64) time.Duration { return 0 }, func(turn) { sent++ })
		if sent != 1 || p.elapsed() != 5*time.Second {
			t.Errorf("sent %d, and stopped after %v", sent, p.elapsed())
		}
		if got := schedule.SlotsBy(p.until()); got != 1 {
			t.Errorf("offered %d until it was stopped", got)
		}
	})
}
