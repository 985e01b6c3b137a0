package preference

import (
	"fmt"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// askAll asks for numbered users, and counts those that may enter.
func askAll(d *doorkeeper, from, to int) (entered int) {
	p := d.admit(to - from)
	for i := from; i < to; i++ {
		if p.ask(pipeline.PreferenceKey{UserID: fmt.Sprint("user-", i), Channel: pipeline.Email}) {
			entered++
		}
	}
	return entered
}

func TestAKeyEntersInThePeriodAfterItWasAskedFor(t *testing.T) {
	const entries, regulars = 1000, 100
	const asks = entries * periodAsks
	d := newDoorkeeper(entries)
	for period := range 4 {
		want := regulars
		if period == 0 {
			want = 0
		}
		if got := askAll(d, 0, regulars); got != want {
			t.Errorf("period %d: %d of %d regulars entered, want %d", period, got, regulars, want)
		}
		entered := 0
		for asked := regulars; asked < asks; asked += 2 * regulars {
			stranger := asks*(period+1) + asked
			entered += askAll(d, stranger, stranger+regulars)
			if asked+regulars < asks { // and again, soon after
				entered += askAll(d, stranger, stranger+regulars)
			}
		}
		if entered > asks/15 { // see askBits
			t.Errorf("period %d: %d of about %d strangers entered", period, entered, asks)
		}
	}
	p := d.admit(1)
	if p.ask(pipeline.PreferenceKey{UserID: "user-0", Channel: pipeline.SMS}) {
		t.Error("a regular's other channel entered with it")
	}
	askAll(d, 5*asks, 7*asks) // more than two periods at once
	askAll(d, 5*asks, 6*asks)
	if got := askAll(d, 0, regulars); got > regulars/10 {
		t.Errorf("%d of %d regulars entered that were not asked for in the period before", got, regulars)
	}
}

// Whoever asks at once, a period has an end, and its keys are remembered.
func TestManyAskADoorkeeper(t *testing.T) {
	d := newDoorkeeper(1)
	first := d.period.Load()
	var askers sync.WaitGroup
	for w := range 4 {
		askers.Go(func() {
			for i := range 1000 {
				askAll(d, 1000*w+i, 1000*w+i+3)
			}
		})
	}
	askers.Wait()
	if p := d.period.Load(); p == first || p.left.Load() < 1 {
		t.Errorf("%d asks are left of the present period", p.left.Load())
	}
}
