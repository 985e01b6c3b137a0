package delivery

import (
	"testing"
	"time"
)

// TestUntilTick: whenever settlers begin to wait, they wait for the same moments,
// and never for none.
func TestUntilTick(t *testing.T) {
	const every = 20 * time.Millisecond
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ at, want time.Duration }{
		{0, every},
		{1, every - 1},
		{7 * time.Millisecond, 13 * time.Millisecond},
		{every - 1, 1},
		{every, every},
		{3*every + 5*time.Millisecond, 15 * time.Millisecond},
	} {
		if got := untilTick(midnight.Add(test.at), every); got != test.want {
			t.Errorf("%v after a tick: %v, want %v", test.at, got, test.want)
		}
	}
}
